"""Texts for the data card: how the documents of each split were chosen, and the user's own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.errors import UsageError
from biorat_al.export.splits import SENTENCES, Splits
from biorat_al.rounds.completing import COMPLETING
from biorat_al.store.answers import Answer
from biorat_al.store.documents import was_test_set_named
from biorat_al.store.tables import PickRow
from biorat_al.wording import plural

_BIBTEX = re.compile(r"@[A-Za-z]+\s*\{\s*[^\s,{}]+\s*,")

_NOT_A_MODELS_CHOICE = ("random", "diverse")
"""Strategies that use no model."""


def text_or_file(value: str, what: str) -> str:
    """Return a text given literally or as the name of a file that contains it.

    :param what: name of the option, for the message.
    :raises UsageError: the text is empty, or the file cannot be read.
    """
    path = Path(value)
    named = "\n" not in value and re.fullmatch(r"\S+\.(bib|md|txt)", value)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if is_file or named:
        try:
            value = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"{what}: {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{what}: {path} is not text in UTF-8") from None
    if not value.strip():
        raise UsageError(f"{what} is empty; leave it out if it is not known")
    return value.strip()


def citation_of(value: str) -> str:
    """Return a citation, as BibTeX or a reference in words; read it from a file if `value` names one.

    :raises UsageError: the citation begins like BibTeX but is not valid, or :func:`text_or_file` fails.
    """
    text = text_or_file(value, "--citation")
    begins = text.startswith("@") or value.lower().endswith(".bib")
    if begins and (problem := _bibtex_problem(text)):
        raise UsageError(f"--citation: this is not a BibTeX entry: {problem}")
    return text


def _bibtex_problem(text: str) -> str | None:
    if not _BIBTEX.match(text):
        return "it must begin like @article{key,"
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        for character in re.sub(r"\\[{}]", "", line):
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth < 0:
                return f"line {number} closes a brace that was never opened"
    return None if depth == 0 else f"{plural(depth, 'brace')} not closed at its end"


def how_chosen(session: Session, splits: Splits) -> dict[str, str]:
    """Return for each split with records how they were chosen, in sentences."""
    picked = {row.document_id: row.strategy for row in session.scalars(select(PickRow).order_by(PickRow.round_number))}
    sentences = {}
    for split, chosen in splits.answers.items():
        if not chosen:
            continue
        if split == "test":
            sentences[split] = _test(session, chosen)
        elif split == SENTENCES:
            of = plural(len(splits.begun), "document")
            begin = f"{plural(len(chosen), 'sentence')} of {of}, the rest of which nobody has annotated: "
            sentences[split] = begin + _pool(Counter(picked.get(one.document_id) for one in chosen), "sentence")
        else:
            drawn = "Drawn at random from the documents that would else be train, and so: " if split != "train" else ""
            whole = Counter(picked.get(one.document_id) for one in chosen if one.document_id not in splits.parts)
            parts = [splits.parts[one.document_id] for one in chosen if one.document_id in splits.parts]
            texts = [_pool(whole, "document")] if whole else []
            if parts:
                strategies = Counter(picked.get(one.document_id) for some in parts for one in some)
                by = f"{plural(len(parts), 'document')} annotated sentence by sentence, all of them"
                texts.append(f"{by}: {_pool(strategies, 'sentence')}")
            sentences[split] = drawn + " ".join(texts)
    return sentences


def _pool(strategies: Counter[str | None], noun: str) -> str:
    """Return how documents or sentences of the pool were chosen, from the number that each strategy picked."""
    by_model = {
        name: count for name, count in strategies.items() if name and name not in (*_NOT_A_MODELS_CHOICE, COMPLETING)
    }
    parts = []
    if by_model:
        names = ", ".join(f"{name}: {count}" for name, count in sorted(by_model.items()))
        parts.append(
            f"picked by a model, not drawn at random: {plural(sum(by_model.values()), noun)} of which it was "
            f"least sure, or from which it had most to learn (query strategy {names})"
        )
    if count := strategies[COMPLETING]:
        parts.append(
            f"{plural(count, noun)} of which single sentences had been picked and annotated before, then annotated as "
            "a whole, those first in which a model expected most mentions that were still missed"
        )
    if count := strategies["diverse"]:
        parts.append(f"{plural(count, noun)} picked for variety, before there was a model (diverse)")
    if count := strategies["random"]:
        parts.append(f"{plural(count, noun)} drawn at random (random)")
    if count := strategies[None]:
        parts.append(f"{plural(count, noun)} that came with their annotations and were not picked")
    text = f"{'; '.join(parts)}."
    if by_model or strategies[COMPLETING]:
        text += (
            f" So these {noun}s are not typical of the collection that they come from; shares and counts in them say "
            "little about it."
        )
    return text


def _test(session: Session, chosen: Sequence[Answer]) -> str:
    """Return how the test documents were chosen and annotated."""
    total = len(chosen)
    gold = sum(answer.source == "gold" for answer in chosen)
    people = total - gold
    brought = was_test_set_named(session)
    if brought is None:
        begin = "held out from the beginning, never shown to a model for training"
    elif brought:
        begin = "documents that were named as the test set, not drawn at random by this program"
    else:
        begin = "drawn at random from all documents, before any was annotated"
    blind = "annotated blind: people saw no pre-labels, so no model has shaped these annotations"
    given = "annotations that came with the documents (gold), not made here"
    if not gold:
        return f"{begin}; {blind}."
    if not people:
        return f"{begin}; {given}."
    return f"{begin}; {plural(people, 'document')} {blind}; {plural(gold, 'document')} with {given}."
