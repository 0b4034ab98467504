"""Detection of BioC JSON and the place of its documents, for any order of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biorat_al.corpus.io.json_head import CUT, Cut, first_item, json_head


def documents_place(head: str) -> str | None:
    """Return where the documents are, as a path through the JSON values; None if the file is not BioC JSON.

    :param head: the start of the file.
    """
    value = json_head(head)
    outside = "item." if isinstance(value, list) else ""
    item = first_item(value)
    if not isinstance(item, dict):
        return None
    for key in ("PubTator3", "documents"):
        documents = item.get(key)
        if isinstance(documents, list) and (not documents or _is_document(documents[0])):
            certain = bool(documents) or key == "PubTator3" or {"source", "infons", "key"} & item.keys()
            return f"{outside}{key}.item" if certain else None
    return outside.removesuffix(".") if _is_document(item) else None


def _is_document(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("passages"), list):
        return False
    passages = value["passages"]
    if not passages:
        return "infons" in value
    passage = passages[0]
    return passage is CUT or (
        isinstance(passage, Mapping) and isinstance(passage.get("offset"), (int, str, Cut)) and "offsets" not in passage
    )
