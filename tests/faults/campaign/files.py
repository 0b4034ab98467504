"""Hostile files: what reading, checking and converting them does.

Held has a file if only our own errors come out, in time and in memory; if no span has moved; if `validate` finds
something wrong wherever `convert` refuses; and if what `convert` writes is what was read.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.validate import validate_corpus
from biorat_al.errors import BioratError
from tests.faults.campaign.corpora import SURFACES, Seed, seeds, surfaces
from tests.faults.campaign.ledger import Ledger, Trial
from tests.faults.campaign.mutations import mutate

BATCH = 250
SECONDS = 10.0
"""Of computing, for one file."""

MEMORY = 1 << 30
"""Bytes beyond those of the process before it has read anything."""

LONGEST_MESSAGE = 3_000


class TooLongError(BaseException):
    """Reading took too long; no `except Exception` catches it."""


def hostile_files(ledger: Ledger, number: int, seed: int, stop: float, keep: Path | None = None) -> None:
    """Try files until there are `number` of them, or it is `stop` o'clock.

    :param keep: where files that did harm are kept.
    """
    corpora = list(seeds())
    for place in range(-(-number // BATCH)):
        corpus = corpora[place % len(corpora)]
        fault = f"batch {place} of seed {seed}"
        if time.time() > stop:
            return
        if not ledger.has("files", corpus.name, fault):
            size = min(BATCH, number - place * BATCH)
            for trial in batch(corpus, f"{seed}/{place}", size, keep):
                ledger.add(Trial("files", corpus.name, trial.fault or fault, trial.harms, trial.number, trial.seconds))


def batch(corpus: Seed, seed: str, size: int, keep: Path | None = None) -> Iterator[Trial]:
    """Try files in a process with little memory; yield a trial for each that did harm, and one for all others."""
    began, done, harmed = time.monotonic(), 0, 0
    while done < size:
        last = done
        for line in _forked(corpus, seed, done, size):
            done = line["number"] + 1
            if line["harms"]:
                harmed += 1
                if keep is not None:
                    name = f"{corpus.name}-{seed.replace('/', '-')}-{line['number']}"
                    _keep(keep / name, corpus, seed, line["number"])
                yield Trial("files", corpus.name, f"{line['fault']} ({seed}/{line['number']})", line["harms"])
        if done < size and done == last:
            harmed += 1
            yield Trial("files", corpus.name, f"the process died ({seed}/{done})", {"unclear": "the process died"})
            done += 1
        elif done < size:
            # it died after what it has told
            continue
    yield Trial("files", corpus.name, "", {}, size - harmed, time.monotonic() - began)


def _forked(corpus: Seed, seed: str, first: int, size: int) -> Iterator[dict[str, Any]]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    process = os.fork()
    if not process:
        os.close(reading)
        try:
            _limit_memory()
            with os.fdopen(writing, "w") as told, tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
                for number in range(first, size):
                    fault, harms = try_file(corpus, seed, number, Path(folder))
                    told.write(json.dumps({"number": number, "fault": fault, "harms": harms}) + "\n")
                    told.flush()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        for line in told:
            if line.endswith("\n"):
                yield json.loads(line)
    os.waitpid(process, 0)


def _quick_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def hostile(corpus: Seed, seed: str, number: int) -> tuple[dict[str, bytes], str, random.Random]:
    """Return the files of a corpus with one of them changed, and what was done."""
    rng = random.Random(f"{corpus.name}/{seed}/{number}")
    files = dict(corpus.files)
    name = rng.choice([name for name in files if not name.endswith((".md", ".conf"))] or list(files))
    files[name], fault = mutate(files[name], rng)
    return files, fault, rng


def try_file(corpus: Seed, seed: str, number: int, folder: Path) -> tuple[str, dict[str, str]]:
    """Read a changed corpus in every way; return what was done to it, and each harm."""
    files, fault, rng = hostile(corpus, seed, number)
    place = folder / f"x{number}"
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    target = place / corpus.target if corpus.target else place
    named = corpus.name if rng.random() < 0.5 else None
    harms: dict[str, str] = {}
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        strict = _read(corpus, target, files, named, harms, skip_invalid=False)
        _read(corpus, target, files, named, harms, skip_invalid=True)
        if number % 3 == 0:
            _validate(target, named, strict, harms)
        if number % 7 == 0 and strict:
            _convert(target, named, folder / f"y{number}.jsonl", strict, harms)
    except (TooLongError, MemoryError) as error:
        harms["unclear"] = f"{type(error).__name__} in {_where(error)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    place.rmdir()
    return fault, harms


def _too_long(*_: object) -> None:
    raise TooLongError


def _read(
    corpus: Seed, target: Path, files: dict[str, bytes], named: str | None, harms: dict[str, str], *, skip_invalid: bool
) -> list[Record] | None:
    """Read all documents; return them, None if they were refused."""
    try:
        found = list(read_corpus(target, format=named, skip_invalid=skip_invalid))
    except BioratError as error:
        _check_message(error, target, harms)
        return None
    except Exception as error:
        harms["unclear"] = f"{type(error).__name__} in {_where(error)}: {str(error)[:100]}"
        return None
    moved = next(moved_spans(corpus, files, found), None)
    if moved is not None:
        harms["silent"] = moved
    return found


def _check_message(error: BioratError, target: Path, harms: dict[str, str]) -> None:
    said = str(error)
    if len(said) > LONGEST_MESSAGE:
        harms["unclear"] = f"a message of {len(said):,} characters: {said[:80]}…"
    elif target.name not in said and str(target.parent) not in said:
        harms["unclear"] = f"no file is named: {said[:200]}"
    elif any(ord(sign) < 32 and sign not in "\n\t" for sign in said):
        harms["unclear"] = f"a control character in a message: {said[:200]!r}"


def moved_spans(corpus: Seed, files: dict[str, bytes], found: list[Record]) -> Iterator[str]:
    """Yield mentions that lie outside their text, or whose text no file names beside the text itself."""
    content, known = _content(files), surfaces()
    for document, annotation, _ in found:
        for entity in annotation.entities if annotation is not None else ():
            surface = entity.surface(document.text)
            if any(not 0 <= start < end <= len(document.text) for start, end in entity.spans):
                yield f"the mention {entity.id!r} at {entity.spans} lies outside of {len(document.text)} characters"
            elif corpus.name in SURFACES and surface.isascii() and surface not in known and surface.isalnum():
                word = re.compile(rf"(?<!\w){surface}(?!\w)", re.ASCII)
                if len(word.findall(content)) <= len(word.findall(document.text)):
                    yield f"the mention {entity.id!r} at {entity.spans} is {surface!r}, which the files do not name"


def _content(files: dict[str, bytes]) -> str:
    """All that the files hold, as far as it can be read as letters."""
    parts = []
    for data in files.values():
        if data[:2] == b"\x1f\x8b":
            try:
                data = gzip.decompress(data)
                data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            except (OSError, EOFError, zlib.error):
                pass
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        parts.append(data.decode("utf-16" if wide else "latin-1", "replace"))
    return "\n".join(parts)


def _validate(target: Path, named: str | None, strict: list[Record] | None, harms: dict[str, str]) -> None:
    """Check the files: what `convert` refuses is wrong."""
    try:
        validation = validate_corpus(target, options=ReadOptions(format=named))
    except BioratError as error:
        _check_message(error, target, harms)
    except Exception as error:
        harms["unclear"] = f"validate: {type(error).__name__} in {_where(error)}: {str(error)[:100]}"
    else:
        if strict is None and not validation.problems:
            harms["silent"] = "validate finds nothing wrong in what convert refuses"


def _convert(target: Path, named: str | None, out: Path, strict: list[Record], harms: dict[str, str]) -> None:
    """Convert the files: what is written is what was read, and nothing else is left."""
    try:
        convert_corpus(target, out, to="jsonl", options=ReadOptions(format=named))
        again = list(read_corpus(out, format="jsonl"))
    except BioratError as error:
        # what was read may not be such as can be written: an id that occurs twice
        if not str(error):
            harms["unclear"] = "an error without a message"
    except Exception as error:
        harms["unclear"] = f"convert: {type(error).__name__} in {_where(error)}: {str(error)[:100]}"
    else:
        if [spans_of(record) for record in again] != [spans_of(record) for record in strict]:
            harms["silent"] = "what convert wrote is not what was read"
    out.unlink(missing_ok=True)
    left = [path.name for path in out.parent.iterdir() if "partial" in path.name or "claim" in path.name]
    if left:
        harms["left behind"] = ", ".join(left)


def spans_of(record: Record) -> Any:
    """What of a record every format must keep."""
    document, annotation, _ = record
    entities = [] if annotation is None else [(one.label, one.spans) for one in annotation.entities]
    return document.id, document.text, annotation is None, entities


def _where(error: BaseException) -> str:
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "biorat_al" in frame.filename]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"


def _keep(place: Path, corpus: Seed, seed: str, number: int) -> None:
    for name, content in hostile(corpus, seed, number)[0].items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
