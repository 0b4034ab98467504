"""Documents made from a title and an abstract, joined by one space as in PubTator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from biorat_al.corpus.model.document import Document, Passage

NO_TEXT = "records without a title and an abstract"
"""Kind of records that are left out because they have nothing to annotate."""


def titled_document(ident: str, parts: Iterable[tuple[str, str]], metadata: Mapping[str, Any]) -> Document | None:
    """Return a document whose passages are `parts`, pairs of kind and text; None if no part has a text."""
    text = ""
    passages = []
    for kind, part in parts:
        if not part.strip():
            continue
        start = len(text) + 1 if text else 0
        text = f"{text} {part}" if text else part
        passages.append(Passage(kind, start, len(text)))
    return Document(ident, text, tuple(passages), metadata) if passages else None
