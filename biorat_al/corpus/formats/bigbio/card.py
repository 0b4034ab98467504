"""The data card of an exported corpus: a header for ``datasets``, and a text for people."""

from __future__ import annotations

import re
from urllib.parse import quote

from biorat_al.corpus.formats.bigbio.details import BigBioSummary, CardDetails
from biorat_al.corpus.formats.bigbio.metadata import SHORT_TASKS, header, is_public, supported_tasks
from biorat_al.resources import resource

CARD = "README.md"
DATA = "data"
SOURCE = "source"
PROVENANCE = "provenance"
GUIDELINES = "guidelines"
LOADER = "loader"


TIES_SHOWN = 50
"""Number of ties that the card lists; the table beside the corpus has all of them."""


def data_card(summary: BigBioSummary, details: CardDetails, guidelines: str | None = None, loader: str = "") -> str:
    """Return the text of the card.

    :param guidelines: name of the file with the annotation guidelines.
    :param loader: name of the loading module; empty: not written.
    """
    folders = {"data": DATA, "source": SOURCE, "provenance": PROVENANCE, "guidelines": GUIDELINES, "loader": LOADER}
    return render(
        "data_card.md.j2",
        header=header(summary, details, folders),
        tasks=[SHORT_TASKS[task] for task in supported_tasks(summary)],
        pubmed=summary.looks_like_pubmed and not details.invented,
        public=is_public(details),
        fence=_fence(details.citation),
        summary=summary,
        details=details,
        title=details.title or summary.name,
        guidelines=guidelines,
        loader=loader,
        folders=folders,
    )


def render(template: str, **values: object) -> str:
    """Fill a template; its filters escape values for Markdown, links and Python."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text"] = _text
    environment.filters["paragraphs"] = _paragraphs
    environment.filters["link"] = quote
    environment.filters["python"] = ascii
    source = resource(f"templates/{template}").read_text(encoding="utf-8")
    return environment.from_string(source).render(**values)


def _text(value: str) -> str:
    """Escape a value for Markdown, on one line, also inside a table; not for the start of a line."""
    line = " ".join(re.split(r"[\s\x00-\x1f\x7f-\x9f]+", str(value))).strip()
    return re.sub(r"[\\`*_\[\]<>&|~$#!]", r"\\\g<0>", line)


def _paragraphs(value: str) -> str:
    """Escape paragraphs, separated by empty lines, each with :func:`_text`."""
    found = (_text(part) for part in re.split(r"\n\s*\n", value.replace("\r\n", "\n")))
    # in Markdown a list or a rule begins only at the start of a line
    signs = (re.sub(r"^[-+=]", r"\\\g<0>", text) for text in found if text)
    return "\n\n".join(re.sub(r"^(\d+)([.)])", r"\1\\\2", text) for text in signs)


def _fence(text: str) -> str:
    """Return a fence of back quotes that no line of `text` can close."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
