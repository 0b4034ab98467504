"""Documents with marks in the text, for the tests of audits."""

from __future__ import annotations

import re

from biorat_al.corpus.model.document import Annotation, Document, Entity, Span
from biorat_al.people.audit.annotated import AnnotatedDocument

_MARKED = re.compile(r"\[(\w+)\|(.*?)\]")

CONSISTENT = [
    "Of [Disease|asthma], [Disease|eczema], [Disease|sepsis] and [Disease|angina].",
    "Of [Chemical|aspirin], [Chemical|heparin], [Chemical|caffeine] and [Chemical|nicotine].",
] * 4
"""Texts in which each string is always marked in the same way: without such, nobody knows whether that is usual."""


def written(name: str, text: str) -> AnnotatedDocument:
    """Return a document whose mentions are written as ``[Label|mention]``."""
    plain, entities, done = "", [], 0
    for place, found in enumerate(_MARKED.finditer(text)):
        plain += text[done : found.start()]
        span = Span(len(plain), len(plain) + len(found[2]))
        entities.append(Entity(f"T{place}", found[1], (span,)))
        plain += found[2]
        done = found.end()
    return AnnotatedDocument(Document(name, plain + text[done:]), Annotation(tuple(entities)))


def corpus_of(*texts: str) -> list[AnnotatedDocument]:
    """Return documents, numbered from 1."""
    return [written(str(number), text) for number, text in enumerate(texts, start=1)]
