"""Common files of other programs that cannot be read: how to recognise them, and what to do instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from biorat_al.corpus.formats.jsonl import KEYS
from biorat_al.corpus.io.json_head import CUT, first_item, is_cut, json_head, string_keys

EXPORT = 'export the project from Label Studio in the format called "JSON" and read that'

_ELSE = "export it as BioC, brat stand-off or CoNLL if that program can, or write it as JSON Lines (see the docs)"

_Test = Callable[[dict[str, Any]], bool]


def _has(*keys: str) -> _Test:
    return lambda value: all(key in value for key in keys)


def _json_min(value: dict[str, Any]) -> bool:
    return "data" not in value and {"annotator", "annotation_id", "lead_time"} <= value.keys()


def _doccano(value: dict[str, Any]) -> bool:
    if "text" not in value and "data" not in value:
        return False
    entities = first_item(value.get("entities"))
    if isinstance(entities, dict) and "start_offset" in entities:
        return True
    return any(isinstance(value.get(key), list) for key in ("label", "labels")) or "annotation_approver" in value


def _hub(value: dict[str, Any]) -> bool:
    return isinstance(value.get("tokens"), list) and any(key.endswith("tags") for key in string_keys(value))


_OBJECTS: tuple[tuple[str, _Test, str], ...] = (
    ("Label Studio's JSON-MIN", _json_min, EXPORT),
    (
        "Label Studio's JSON of before version 1.0",
        lambda value: "completions" in value,
        f"import it into a newer Label Studio, then {EXPORT}",
    ),
    ("PubAnnotation's JSON", _has("denotations"), _ELSE),
    ("PubAnnotation's JSON", _has("text", "sourcedb"), "it has no annotations; " + _ELSE),
    ("Prodigy's JSON Lines", lambda value: "_input_hash" in value or "_task_hash" in value, _ELSE),
    ("Prodigy's JSON Lines", lambda value: "text" in value and isinstance(value.get("spans"), list), _ELSE),
    ("spaCy's JSON", _has("text", "ents"), _ELSE),
    ("spaCy's JSON", _has("paragraphs"), _ELSE),
    ("spaCy's JSON", _has("annotations", "classes"), _ELSE),
    ("LightTag's JSON", lambda value: "examples" in value or ("annotations_and_examples" in value), _ELSE),
    (
        "UIMA CAS JSON (INCEpTION)",
        lambda value: any(key in value for key in ("_views", "_referenced_fss", "%TYPES", "%FEATURE_STRUCTURES")),
        "export it from INCEpTION as brat or CoNLL 2003, or write it as JSON Lines",
    ),
    (
        "BigBio's kb schema as JSON",
        _has("document_id", "passages"),
        "save it as Parquet (dataset.to_parquet) and read that",
    ),
    ("a data set of the Hugging Face hub (tokens and tags)", _hub, "write it as CoNLL and read that"),
    ("DyGIE++'s or SciERC's JSON", _has("doc_key", "sentences"), _ELSE),
    ("CORD-19's JSON", _has("paper_id", "body_text"), "write title and abstract as CSV or JSON Lines"),
    (
        "an answer of Europe PMC",
        _has("resultList"),
        "fetch the articles from PubMed as XML, or write title and abstract as CSV",
    ),
    (
        "PubMed's summaries (esummary)",
        _has("header", "result"),
        "they hold no abstracts: fetch the articles as XML (efetch) and read that",
    ),
    (
        "an answer of PubMed's search (esearch)",
        _has("esearchresult"),
        "it holds identifiers alone: fetch the articles as XML (efetch) and read that",
    ),
    ("Argilla's records", _has("fields", "responses"), _ELSE),
    # last: many formats have a text and labels
    ("doccano's JSON Lines", _doccano, _ELSE),
)

_ROOTS = {
    "article": ("JATS XML", "fetch the article as BioC (PubMed Central has it) and read that"),
    "pmc-articleset": ("JATS XML of PubMed Central", "fetch the articles as BioC and read that"),
    "eSearchResult": ("an answer of PubMed's search", "it holds identifiers alone: fetch the articles as XML (efetch)"),
    "eSummaryResult": ("PubMed's summaries", "they hold no abstracts: fetch the articles as XML (efetch)"),
    "CAS": ("UIMA XMI (INCEpTION)", "export it as brat or CoNLL 2003 and read that"),
    "XMI": ("UIMA XMI (INCEpTION)", "export it as brat or CoNLL 2003 and read that"),
    "TEI": ("TEI XML", "write its text as plain text, or title and abstract as CSV"),
    "GateDocument": ("GATE XML", "export it as BioC or brat and read that"),
    "html": ("a web page", "save the articles themselves: on PubMed, in the format PubMed"),
    "HTML": ("a web page", "save the articles themselves: on PubMed, in the format PubMed"),
    "responseWrapper": (
        "an answer of Europe PMC",
        "fetch the articles from PubMed as XML, or write title and abstract as CSV",
    ),
    "xml": ("a reference manager's XML (EndNote)", "export the references as CSV, or fetch the articles from PubMed"),
}

# possessive: otherwise a document type with many entities could be split into declarations in millions of ways
_ROOT = re.compile(
    r"\s*+(?:<\?.*?\?>\s*+|<!--.*?-->\s*+|<![^>\[]*+(?:\[[^\]]*+\])?+[^>]*+>\s*+)*+"
    r"<(?:[\w.-]+:)?([\w.-]+)",
    re.DOTALL,
)
_REFERENCES = (
    # some servers put their name before the first reference
    (re.compile(r"\s*(?:[A-Z][\w ]*: ?[^\n]*\n\s*){0,4}TY  - [A-Z]+\s*\n"), "RIS"),
    (re.compile(r"\s*@[A-Za-z]+\s*\{\s*[^,\s]+\s*,"), "BibTeX"),
    (re.compile(r"\s*%0 [A-Z][A-Za-z ]+\r?\n%[A-Z0-9@] "), "EndNote's tagged format"),
    (re.compile(r"\s*FN [^\n]*\n(?:VR [^\n]*\n)?PT [A-Z]\b"), "the tagged format of the Web of Science"),
    (re.compile(r"\s*(?:Record #[0-9]+ of [0-9]+|<1\. *>)\s*\n"), "a list of references of Cochrane or Ovid"),
)
_PICTURES = ("\ufffdPNG\r\n", "GIF87a", "GIF89a", "\ufffd\ufffd\ufffd\ufffd\0\x10JFIF", "II*\0", "MM\0*")
_BINARY = (
    ("%PDF-", "PDF", "save its text as plain text, or title and abstract as CSV"),
    ("PK\x03\x04", "a ZIP archive (or a document of Word or Excel)", "unpack it, or save it as CSV or plain text"),
    ("{\\rtf", "RTF", "save it as plain text"),
    ("\ufffd\ufffd\x11\u0871\x1a\ufffd", "a document of Word or Excel", "save it as CSV or plain text"),
    *((beginning, "a picture", "save the texts as plain text or CSV") for beginning in _PICTURES),
    ("SQLite format 3\0", "an SQLite database", _ELSE),
)

_TOKENS = frozenset({"token", "tokens", "word", "words", "form"})
_TAGS = frozenset({"tag", "tags", "ner", "nertag", "nertags", "label", "labels", "iob", "bio", "entity"})


def foreign_format(head: str) -> str | None:
    """Return what a file of no known format is, judged by its start, and what to do; None if that is unknown.

    JSON is always named, if only by its keys: under any file name, it is neither a text nor a table.
    """
    for beginning, title, advice in _BINARY:
        if head.startswith(beginning):
            return f"it is {title}, which is not one of the known formats; {advice}"
    value = json_head(head)
    if value is not None:
        return _foreign_json(value, head)
    if (root := _ROOT.match(head)) is not None and root[1] in _ROOTS:
        title, advice = _ROOTS[root[1]]
        return f"it is {title}, which is not one of the known formats; {advice}"
    for pattern, title in _REFERENCES:
        if pattern.match(head):
            return (
                f"it is {title}, which is not one of the known formats; export the references as CSV, or on PubMed "
                "save the articles in the format PubMed"
            )
    return _table_of_tokens(head)


def _table_of_tokens(head: str) -> str | None:
    """Return what to do with a table whose first row names a column of tokens and one of tags; None for other files."""
    first = next((line for line in head.split("\n") if line.strip()), "")
    names = {re.sub(r"[^a-z]", "", name.lower()) for name in re.split(r"[\t,;]", first)}
    if not names & _TOKENS or not names & _TAGS or names & {"text", "title", "abstract"}:
        return None
    return (
        "it is a table of tokens with their tags, whose first row names its columns; delete that row, have a token and "
        "its tag on each line, divided by a tab, and a blank line after each sentence, read with the format conll"
    )


def _is_json(head: str) -> bool:
    """Return whether the start of a file is JSON, possibly cut off."""
    try:
        _, end = json.JSONDecoder().raw_decode(head.lstrip())
    except json.JSONDecodeError as error:
        # a value that is cut off
        return error.pos >= len(head.lstrip()) - 1 or "Unterminated" in error.msg
    except RecursionError:
        return True
    return head.lstrip()[end:].lstrip()[:1] in ("", "[", "{")


def _foreign_json(value: Any, head: str) -> str | None:
    item = first_item(value)
    if isinstance(item, list):
        title = "spaCy's training data" if len(item) == 2 and isinstance(item[0], str) else "JSON (a list of lists)"
        return f"it is {title}, which is not one of the known formats; {_ELSE}"
    if not isinstance(item, dict):
        if not _is_json(head):
            # a text may begin as a list does: [1] A reference
            return None
        return f"it is JSON, but not of any known format; {_ELSE}" if item not in (None, CUT) else None
    for title, test, advice in _OBJECTS:
        if test(item):
            return f"it is {title}, which is not one of the known formats; {advice}"
    keys = string_keys(item)
    if not keys:
        return None
    if isinstance(value, list) and {"id", "text"} <= set(keys) <= set(KEYS):
        return "it is a list of documents as JSON Lines has them; write each of them on a line, without the list around"
    shown = ", ".join(repr(key) for key in keys[:8]) + (", …" if len(keys) > 8 or is_cut(item) else "")
    return f"it is JSON, but not of any known format (its objects have the keys {shown}); {_ELSE}"
