"""The table above the text of a document that is settled, as HTML.

Label Studio's own style sheet resets tables. So every element carries its style; colours are those of the page, which
may be light or dark.
"""

from __future__ import annotations

import re
from html import escape

from biorat_al.desk.base import Sheet, SheetRow

_LINE = "1px solid rgba(128, 128, 128, 0.5)"
_CELL = f"padding: 4px 8px; border: {_LINE}; text-align: left; vertical-align: top; overflow-wrap: anywhere"


def sheet_html(sheet: Sheet) -> str:
    """Return a sheet as HTML; every text is escaped."""
    parts = [f'<div style="font-size: 14px; line-height: 1.5"><p style="margin: 0 0 4px 0">{_text(sheet.heading)}</p>']
    if sheet.rows:
        parts.append('<table style="border-collapse: collapse; width: 100%; max-width: 900px">')
        heads = "".join(f'<th style="{_CELL}; font-weight: 600">{_text(head)}</th>' for head in ("", *sheet.columns))
        parts.append(f"<tr>{heads}</tr>")
        parts += map(_row, sheet.rows)
        parts.append("</table>")
    return "".join([*parts, "</div>"])


def _row(row: SheetRow) -> str:
    before, place, after = map(_text, row.excerpt)
    excerpt = f'<div style="opacity: 0.75; font-size: 13px">{before}<b>{place}</b>{after}</div>'
    cells = "".join(f'<td style="{_CELL}">{_text(cell)}</td>' for cell in row.cells)
    return f'<tr><td style="{_CELL}">{_text(row.title)}{excerpt}</td>{cells}</tr>'


def _text(text: str) -> str:
    """Return a text on one line; Label Studio would replace what looks like a data field."""
    # HTML has no null character: browsers leave it out, or show another in its place
    line = re.sub(r"\s+", " ", text).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return escape(line).replace("$", "&#36;")
