"""Where the documents of a BioC JSON file are, whatever the order of its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biorat_al.corpus.io.json_head import CUT, Cut, first_item, json_head


def documents_place(head: str) -> str | None:
    """Return where the documents are, as a path through the JSON values; None if the file is no BioC JSON.

    :param head: the beginning of the file.
    """
    value = json_head(head)
    outside = "item." if isinstance(value, list) else ""
    item = first_item(value)
    if not isinstance(item, dict):
        return None
    for key in ("PubTator3", "documents"):
        held = item.get(key)
        if isinstance(held, list) and (not held or _is_document(held[0])):
            known = bool(held) or key == "PubTator3" or {"source", "infons", "key"} & item.keys()
            return f"{outside}{key}.item" if known else None
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
