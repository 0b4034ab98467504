"""The table above the text, as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.desk.base import Sheet, SheetRow
from biorat_al.desk.labelstudio.sheets import sheet_html

ALLOWED = {"div", "p", "table", "tr", "th", "td", "b"}

texts = st.text(alphabet=st.sampled_from("ab<>&\"'$ /=\n"), max_size=30) | st.text(max_size=20)


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(texts, st.lists(texts, max_size=3), st.data())
def test_any_text_is_shown_and_never_becomes_html(heading: str, columns: list[str], data: st.DataObject) -> None:
    rows = tuple(
        SheetRow(
            data.draw(texts),
            (data.draw(texts), data.draw(texts), data.draw(texts)),
            tuple(data.draw(texts) for _ in columns),
        )
        for _ in range(data.draw(st.integers(1, 3)))
    )
    html = sheet_html(Sheet(heading, tuple(columns), rows))
    seen = _Seen()
    seen.feed(html)
    seen.close()
    assert seen.tags <= ALLOWED
    assert seen.attributes <= {"style"}
    # Label Studio takes a word after a dollar sign for a data field
    assert "$" not in html
    said = [heading, *columns, *(text for row in rows for text in (row.title, *row.excerpt, *row.cells))]
    together = "".join(seen.text.split())
    position = 0
    for text in map("".join, (text.split() for text in said)):
        position = together.index(text.replace("\0", "\N{REPLACEMENT CHARACTER}"), position) + len(text)


def test_a_null_character_is_shown_as_one_that_html_has() -> None:
    html = sheet_html(Sheet("a\0b", (), ()))
    assert "a\N{REPLACEMENT CHARACTER}b" in html
    assert "\0" not in html
