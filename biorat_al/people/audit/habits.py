"""Habits of drawing borders, by annotator, and mentions of a shape that hardly any other mention has.

The lists of articles and of words for people are English; texts in other languages show no such habit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biorat_al.corpus.model.document import Annotation, Entity
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.borders import BRACKETS, CLOSING, RATE, unpaired
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, Suggestion, excerpt
from biorat_al.people.audit.shares import EVEN, Count, posterior

EVERYBODY = "all"
"""Stands in the place of an annotator for the annotations that count."""

_ARTICLES = frozenset({"a", "an", "the"})
_PEOPLE = frozenset(
    {"adults", "animals", "boys", "cases", "children", "females", "girls", "individuals", "infants", "males", "men"}
    | {"mice", "patient", "patients", "people", "persons", "rats", "subjects", "volunteers", "women"}
)
_PUNCTUATION = frozenset(".,;:!?")


@dataclass(frozen=True, slots=True)
class Habit:
    """How often mentions have a property, over all annotations that count and by annotator.

    :param name: the property, as a phrase.
    :param of: the mentions that could have it, as a phrase.
    :param counts: by annotator (a pseudonym, or :data:`EVERYBODY`): mentions that have it among those that could.
    """

    name: str
    of: str
    counts: Mapping[str, Count]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"name": self.name, "of": self.of, "counts": {who: one._asdict() for who, one in self.counts.items()}}


_Test = Callable[[Worded, Entity], bool | None]
"""Whether a mention has a property; None if it could not have it."""


def find_habits(corpus: Sequence[Worded]) -> list[Habit]:
    """Return the habits, with the counts of each annotator if there are several."""
    own: defaultdict[str, list[Worded]] = defaultdict(list, {EVERYBODY: list(corpus)})
    for worded in corpus:
        for who, annotation in worded.annotated.answers:
            own[who].append(_answered(worded, annotation))
    if len(own) < 3:
        own = defaultdict(list, {EVERYBODY: list(corpus)})
    return [
        Habit(name, of, {who: _count(some, test) for who, some in own.items()}) for name, of, test in _HABITS.values()
    ]


def shape_findings(corpus: Sequence[Worded]) -> Iterator[Finding]:
    """Yield mentions of a rare shape: with an unbalanced bracket, a border inside a word, a blank at a border."""
    for key, shaped in _SHAPES.items():
        name, of, test = _HABITS[key]
        count = _count(corpus, test)
        for worded in corpus:
            for entity in (mark.entity for mark in worded.in_one_piece):
                if not test(worded, entity):
                    continue
                others = count.minus(1, 1)
                score = posterior(1 - EVEN.share(others), RATE)
                start, end = shaped(worded, entity)
                # a document may have a mention that nothing can be done about in this way
                if score >= FLOOR and start < end and (start, end) != (entity.start, entity.end):
                    sentence = f"it has {name}, as {others.marked:,} of {others.places:,} other {of}"
                    suggested = Suggestion(entity.label, start, end, worded.text[start:end])
                    place = excerpt(worded, entity.start, entity.end)
                    evidence = (Evidence("shape", sentence, score),)
                    yield Finding("borders", place, entity.label, suggested, evidence, worded.annotators)


def _answered(worded: Worded, annotation: Annotation) -> Worded:
    return Worded(AnnotatedDocument(worded.annotated.document, annotation))


def _count(corpus: Sequence[Worded], test: _Test) -> Count:
    found = [test(worded, mark.entity) for worded in corpus for mark in worded.in_one_piece]
    return Count(found.count(True), len(found) - found.count(None))


def _article(worded: Worded, entity: Entity) -> bool | None:
    return _leading(worded, entity, _ARTICLES)


def _people(worded: Worded, entity: Entity) -> bool | None:
    """Return whether a mention begins with the people who have it, followed by more words."""
    number = _first(worded, entity)
    if worded.keys[number] in _PEOPLE and worded.keys[number + 1 : number + 2] in (["with"], ["without"]):
        return worded.starts[number + 1] < entity.end
    before = worded.keys[max(number - 2, 0) : number]
    return False if len(before) == 2 and before[0] in _PEOPLE and before[1] in ("with", "without") else None


def _leading(worded: Worded, entity: Entity, words: frozenset[str]) -> bool | None:
    """Return whether a mention begins with one of these words; None if none is in it or before it."""
    number = _first(worded, entity)
    if worded.keys[number] in words and worded.ends[number] < entity.end:
        return True
    return False if number and worded.keys[number - 1] in words else None


def _first(worded: Worded, entity: Entity) -> int:
    return next(mark.first for mark in worded.marks if mark.entity is entity)


def _punctuated(worded: Worded, entity: Entity) -> bool | None:
    """Return whether a mention ends with a punctuation mark; None if none is there or follows."""
    text = worded.text
    if text[entity.start : entity.end].rstrip()[-1:] in _PUNCTUATION:
        return True
    return False if text[entity.end : entity.end + 1] in _PUNCTUATION else None


def _unbalanced(worded: Worded, entity: Entity) -> bool | None:
    """Return whether a mention has a bracket without its partner; None if it has no bracket."""
    text = worded.text[entity.start : entity.end]
    return bool(unpaired(text)) if any(one in BRACKETS or one in CLOSING for one in text) else None


def _in_word(worded: Worded, entity: Entity) -> bool | None:
    return any(_splits(worded.text, border) for border in (entity.start, entity.end))


def _splits(text: str, border: int) -> bool:
    # "DA" in "DA1" is not a part of a word
    return 0 < border < len(text) and text[border - 1].isalpha() and text[border].isalpha()


def _blank(worded: Worded, entity: Entity) -> bool | None:
    text = worded.text[entity.start : entity.end]
    return text != text.strip()


def _with_bracket(worded: Worded, entity: Entity) -> tuple[int, int]:
    """Return a mention with the missing bracket if it is right beside it, else without the one at its border."""
    text, start, end = worded.text, entity.start, entity.end
    alone = unpaired(text[start:end])
    if len(alone) != 1:
        return start, end
    ((place, one),) = alone
    if BRACKETS.get(one) == text[end : end + 1]:
        return start, end + 1
    if start and CLOSING.get(one) == text[start - 1]:
        return start - 1, end
    if place == 0:
        return start + 1, end
    return (start, end - 1) if place == end - start - 1 else (start, end)


def _whole_words(worded: Worded, entity: Entity) -> tuple[int, int]:
    start, end = entity.start, entity.end
    while _splits(worded.text, start):
        start -= 1
    while _splits(worded.text, end):
        end += 1
    return start, end


def _stripped(worded: Worded, entity: Entity) -> tuple[int, int]:
    text = worded.text[entity.start : entity.end]
    return entity.end - len(text.lstrip()), entity.start + len(text.rstrip())


_HABITS: dict[str, tuple[str, str, _Test]] = {
    "article": ("a leading article", "mentions with an article before or in them", _article),
    "people": ("“patients with …”", "mentions with such words before or in them", _people),
    "punctuation": ("a punctuation mark at the end", "mentions with one at or after their end", _punctuated),
    "brackets": ("a bracket without its partner", "mentions with brackets", _unbalanced),
    "word": ("a border inside a word", "mentions", _in_word),
    "blank": ("a blank at a border", "mentions", _blank),
}

_SHAPES: dict[str, Callable[[Worded, Entity], tuple[int, int]]] = {
    "brackets": _with_bracket,
    "word": _whole_words,
    "blank": _stripped,
}
