"""The instruction: what guidelines become in it, and how a change by people is seen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.desk.labelstudio.instruction import instruction, is_same, is_untouched
from biorat_al.settings import Guidelines

TAGS = {
    "div", "style", "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br", "em", "strong", "s", "code",
    "pre", "blockquote", "a", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"class", "href", "title", "align", "start"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</div></style><iframe src='https://example.org'></iframe>",
    "[here](javascript:alert(1))",
    "[here](JaVaScRiPt:alert(1))",
    "[here](data:text/html;base64,PHNjcmlwdD4=)",
    "[here](file:///etc/passwd)",
    "![p](https://example.org/p.png)",
    "![p](javascript:alert(1))",
    '<a href="x" onclick="y">z</a>',
    "&lt;script&gt;",
    "```html\n<script>\n```",
    "<!-- comment -->",
    '[x](https://example.org "a\\" onmouseover=\\"b")',
    "<style>body { display: none }</style>",
]


def tags(text: str) -> set[str]:
    """Return the names of the elements in HTML that is well formed."""
    return set(re.findall(r"</?([A-Za-z][\w-]*)", re.sub(r"<style>.*?</style>", "", text, count=1, flags=re.DOTALL)))


def attributes(text: str) -> set[str]:
    """Return the names of the attributes in it."""
    return {name for tag in re.findall(r"<[A-Za-z][^<>]*>", text) for name in re.findall(r'\s([\w-]+)="', tag)}


@pytest.mark.parametrize("markdown", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_guidelines_bring_no_html_of_their_own(text: str, markdown: bool) -> None:
    made = instruction("pool", relations=False, guidelines=Guidelines(f"Before.\n\n{text}\n\nAfter.", markdown))
    assert tags(made) <= TAGS
    assert attributes(made) <= ATTRIBUTES
    for address in re.findall(r'href="([^"]*)"', made):
        assert address.startswith(("http://", "https://", "mailto:"))
    assert "Before." in made
    assert "After." in made
    assert is_untouched(made)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.booleans())
def test_whatever_guidelines_hold_only_known_elements_come_out(text: str, markdown: bool) -> None:
    made = instruction("test", relations=True, guidelines=Guidelines(text, markdown))
    assert tags(made) <= TAGS
    assert attributes(made) <= ATTRIBUTES
    assert is_untouched(made)


def test_markdown_is_rendered_and_plain_text_keeps_its_lines() -> None:
    text = "# Chemicals\n\n- drugs\n- *not* foods\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n  < & > 'q'"
    made = instruction("pool", relations=False, guidelines=Guidelines(text))
    for part in ("<h1>Chemicals</h1>", "<li>drugs</li>", "<em>not</em>", '<td align="right">2</td>', "&lt; &amp; &gt;"):
        assert part in made
    made = instruction("pool", relations=False, guidelines=Guidelines(text, markdown=False))
    assert "# Chemicals\n\n- drugs\n- *not* foods" in made
    assert "  &lt; &amp; &gt; &#x27;q&#x27;" in made


@pytest.mark.parametrize("role", ROLES)
def test_the_general_rules_say_how_to_work(role: Role) -> None:
    made = instruction(role, relations=False)
    for words in ("label first", "handle", "Nothing to mark?", "Skip", "Create Annotations From Predictions", "others"):
        assert words in made
    assert ("test documents" in made) == (role == "test")
    assert ("one sentence" in made) == (role == "segment")
    assert "Draw a relation" not in made
    assert "Draw a relation" in instruction(role, relations=True)


def test_a_change_by_people_is_seen_whatever_it_is() -> None:
    made = instruction("pool", relations=False, guidelines=Guidelines("Mark drugs."))
    assert is_untouched(f" {made}\n")
    # the server may write quotation marks in another way
    assert is_untouched(made.replace("&quot;", '"'))
    for changed in (
        made.replace("drugs", "all drugs"),
        made.replace("<em>Submit</em>", "Submit"),
        made + "<p>Ours.</p>",
        made.replace('<div class="biorat ', '<div class="'),
        "Mark drugs.",
        "",
    ):
        assert not is_untouched(changed), changed[:80]
    assert is_same(made, made.replace("\n", "\r\n"))
    assert not is_same(made, instruction("pool", relations=False))
