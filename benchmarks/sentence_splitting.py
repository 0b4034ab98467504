"""How well the rules for sentences, and libraries, find the borders that people or other models see.

Gold borders come from folders in any of three formats, told apart by their files:

- the CRAFT corpus (97 articles whose sentences were marked by people, CC BY 3.0; the repository UCDenver-ccp/CRAFT):
  ``structural-annotation/dependency/conllu`` with the texts in ``articles/txt``;
- XML of the DDI corpus, whose documents are lists of sentences. It also ends sentences at many semicolons and at the
  end of headings, where no rule that looks for full stops can find them;
- JSON as in ``corpora/test`` of the repository jakelever/biosenter: ``{"passages": [{"text": ...}]}`` with
  ``<sentence_start/>`` before each sentence but the first, and inline markup, which is removed.

A border is the first character of a sentence that is not the first of its paragraph (CRAFT), document (DDI) or passage.
Without libraries, only the project's own rules are measured; install ``pysbd``, ``syntok``, ``blingfire``,
``sentencex`` or ``biosenter`` to see them too. Run it with::

    python benchmarks/sentence_splitting.py --gold CRAFT --half held-out
    python benchmarks/sentence_splitting.py --gold ddi/xml/Train/MedLine ddi/xml/Train/DrugBank \\
        --mentions ddi/xml/Train ncbi_disease/NCBItrainset_corpus.txt bc5cdr/CDR_TrainingSet.PubTator.txt

Rules 2 were written with the errors in ``--half seen`` of CRAFT and in DDI in view. ``--mentions`` counts for each
version of the rules the mentions that a border cuts in two. ``--errors N`` prints N wrong and N missed borders of each
splitter.
"""

from __future__ import annotations

import argparse
import html
import importlib
import importlib.metadata
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.sentences import RULES, sentence_ends, sentences

Splitter = Callable[[str], list[int]]
"""From a text to the first code points of its sentences."""

_MARK = "\0"
_CRAFT = Path("structural-annotation", "dependency", "conllu")
_BEHIND_STOP = re.compile(r"""[.?!…][)\]}"'’”»\d,\[–-]*\s*$""")
_EMPTY_LINE = re.compile(r"\n[^\S\n]*\n\s*\Z")
_SHOWN = 60
_GAP = 200
"""Characters between two sentences of an article at most: what is not annotated."""


class Gold(NamedTuple):
    """A text and the first code points of its sentences, without that of the first."""

    text: str
    starts: frozenset[int]


class Score(NamedTuple):
    """Counts of borders."""

    right: int
    proposed: int
    gold: int
    right_behind_stop: int
    gold_behind_stop: int

    @property
    def precision(self) -> float:
        return self.right / max(self.proposed, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.gold, 1)

    @property
    def recall_behind_stop(self) -> float:
        return self.right_behind_stop / max(self.gold_behind_stop, 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(self.proposed + self.gold, 1)


def read_gold(folder: Path, half: str) -> Iterator[Gold]:
    """Read the texts of a folder with their borders.

    :param half: of CRAFT's articles: those at even places of the sorted list (``seen``), at odd ones (``held-out``), or
        ``both``.
    """
    if (folder / _CRAFT).is_dir():
        articles = sorted((folder / _CRAFT).glob("*.conllu"))
        for article in articles[half == "held-out" :: 1 if half == "both" else 2]:
            text = (folder / "articles" / "txt" / f"{article.stem}.txt").read_text(encoding="utf-8")
            yield from craft_gold(article.read_text(encoding="utf-8"), text)
        return
    files = sorted(folder.rglob("*.json"))
    if not files:
        for record in read_corpus(folder, skip_invalid=True):
            text = record.document.text
            yield Gold(text, frozenset(_first(text, start) for start, _ in record.document.metadata["sentences"][1:]))
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        for passage in content["passages"] if isinstance(content, dict) else content:
            yield marked_gold(passage["text"])


def craft_gold(sentences_of: str, text: str) -> Iterator[Gold]:
    """Read the paragraphs of an article from its sentences in CoNLL-U and its text."""
    paragraphs: list[list[int]] = []
    position = 0
    for line in sentences_of.splitlines():
        if line.startswith("# newpar"):
            paragraphs.append([])
        elif line.startswith("# text = "):
            start, position = _find_sentence(text, line[9:].strip(), position)
            paragraphs[-1].append(start)
    starts = [paragraph for paragraph in paragraphs if paragraph]
    # some paragraphs hold several, one below the other
    first_of = {paragraph[0] for paragraph in starts}
    borders = [start for paragraph in starts for start in paragraph]
    begins = [start for start in borders if start in first_of or _EMPTY_LINE.search(text, max(start - 9, 0), start)]
    for first, following in pairwise([*begins, len(text)]):
        inside = frozenset(start - first for start in borders if first < start < following)
        yield Gold(text[first:following].rstrip(), inside)


def _find_sentence(text: str, sentence: str, position: int) -> tuple[int, int]:
    """Return where a sentence begins behind a position, and where to look for the next."""
    exact = text.find(sentence, position, position + len(sentence) + _GAP)
    if exact >= 0:
        return exact, exact + len(sentence)
    # blanks differ, and what is behind the first words need not be the same
    begun = re.compile(r"\s*".join(map(re.escape, "".join(sentence.split())[:30]))).search(text, position)
    if begun is None:
        raise ValueError(f"the text has no sentence {sentence!r} behind {position}")
    return begun.start(), max(begun.end(), begun.start() + len(sentence) - 10)


def marked_gold(text: str) -> Gold:
    """Read a text in which ``<sentence_start/>`` stands before each sentence but the first."""
    plain = html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<sentence_start/>", _MARK)))
    starts, position = set(), 0
    *before, last = plain.split(_MARK)
    for part in before:
        position += len(part)
        starts.add(position)
    text = "".join([*before, last])
    return Gold(
        text, frozenset(_first(text, start) for start in starts if text[:start].strip() and text[start:].strip())
    )


def _first(text: str, start: int) -> int:
    """Return the first code point from `start` on that is not blank."""
    return start + len(text[start:]) - len(text[start:].lstrip())


def splitters() -> dict[str, Splitter]:
    """Return the project's rules, and the libraries that are installed."""
    found: dict[str, Splitter] = {f"rules {rules}": _of_rules(rules) for rules in RULES}
    for name, make in _LIBRARIES.items():
        try:
            found[f"{name} {importlib.metadata.version(name)}"] = make()
        except ImportError:
            continue
    return found


def _of_rules(rules: int) -> Splitter:
    return lambda text: [span.start for span in sentences(text, rules=rules)]


def _pysbd() -> Splitter:
    segmenter = importlib.import_module("pysbd").Segmenter(language="en", clean=False, char_span=True)
    return lambda text: [_first(text, part.start) for part in segmenter.segment(text)]


def _syntok() -> Splitter:
    analyze = importlib.import_module("syntok.segmenter").analyze
    return lambda text: [sentence[0].offset for paragraph in analyze(text) for sentence in paragraph if sentence]


def _blingfire() -> Splitter:
    split = importlib.import_module("blingfire").text_to_sentences_and_offsets
    return lambda text: [_first(text, start) for start, _ in split(text)[1]]


def _sentencex() -> Splitter:
    segment = importlib.import_module("sentencex").segment

    def starts(text: str) -> list[int]:
        found, position = [], 0
        for sentence in segment("en", text):
            bare = sentence.strip()
            if bare and (place := text.find(bare, position)) >= 0:
                found.append(place)
                position = place + len(bare)
        return found

    return starts


def _biosenter() -> Splitter:
    model = importlib.import_module("spacy").load("biosenter")
    return lambda text: [_first(text, sentence.start_char) for sentence in model(text).sents]


_LIBRARIES = {
    "pysbd": _pysbd,
    "syntok": _syntok,
    "blingfire": _blingfire,
    "sentencex": _sentencex,
    "biosenter": _biosenter,
}


def compare(gold: list[Gold], split: Splitter) -> tuple[Score, list[tuple[str, str]]]:
    """Return the counts, and each error with its surroundings."""
    right = proposed = wanted = right_behind = wanted_behind = 0
    errors = []
    for text, starts in gold:
        first = _first(text, 0)
        found = {start for start in split(text) if first < start < len(text)}
        right += len(found & starts)
        proposed += len(found)
        wanted += len(starts)
        behind = {start for start in starts if _BEHIND_STOP.search(text, max(start - 12, 0), start)}
        right_behind += len(found & behind)
        wanted_behind += len(behind)
        for start in sorted(found ^ starts):
            around = f"{text[max(start - _SHOWN, 0) : start]}¦{text[start : start + _SHOWN // 2]}"
            errors.append(("wrong" if start in found else "missed", " ".join(around.split())))
    return Score(right, proposed, wanted, right_behind, wanted_behind), errors


def count_cut(files: list[Path]) -> Iterator[tuple[str, int, dict[int, int]]]:
    """Count the mentions of each corpus, and how many of them the borders of each version of the rules cut."""
    for path in files:
        mentions, cut = 0, dict.fromkeys(RULES, 0)
        for record in read_corpus(path, skip_invalid=True):
            ends = {rules: sentence_ends(record.document.text, rules=rules) for rules in RULES}
            for entity in record.annotation.entities if record.annotation else ():
                mentions += 1
                for rules in RULES:
                    cut[rules] += any(start < end < stop for start, stop in entity.spans for end in ends[rules])
        yield str(path), mentions, cut


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, nargs="*", default=[])
    parser.add_argument("--mentions", type=Path, nargs="*", default=[])
    parser.add_argument("--half", choices=("seen", "held-out", "both"), default="both", help="of CRAFT's articles")
    parser.add_argument("--texts", type=int, help="measure on this number of texts of each folder, drawn at random")
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="beginnings of the names of the splitters to measure")
    options = parser.parse_args()
    chosen = {
        name: split
        for name, split in splitters().items()
        if options.only is None or name.startswith(tuple(options.only))
    }
    for folder in options.gold:
        gold = list(read_gold(folder, options.half))
        if options.texts is not None:
            gold = random.Random(13).sample(gold, min(options.texts, len(gold)))
        characters = sum(len(text) for text, _ in gold)
        borders = sum(len(one.starts) for one in gold)
        print(f"\n{folder}: {len(gold):,} texts, {borders:,} borders, {characters:,} characters")
        print("| splitter | precision | recall | F1 | recall of borders behind . ? ! | million characters a second |")
        print("|---|---|---|---|---|---|")
        errors: dict[str, list[tuple[str, str]]] = {}
        for name, split in chosen.items():
            begun = time.perf_counter()
            score, errors[name] = compare(gold, split)
            speed = characters / 1e6 / (time.perf_counter() - begun)
            figures = (score.precision, score.recall, score.f1, score.recall_behind_stop)
            print(f"| {name} | " + " | ".join(f"{figure:.4f}" for figure in figures) + f" | {speed:.2f} |", flush=True)
        for name, made in errors.items():
            for kind in ("wrong", "missed"):
                of_kind = [around for what, around in made if what == kind]
                shown = random.Random(13).sample(of_kind, min(options.errors, len(of_kind)))
                for around in shown:
                    print(f"{name} {kind}: {around}")
    for path, mentions, cut in count_cut(options.mentions):
        print(f"{path}: {mentions:,} mentions; cut by " + ", ".join(f"rules {rules}: {n}" for rules, n in cut.items()))


if __name__ == "__main__":
    main()
