"""The instruction that annotators see before their first task, and behind a button at every task.

Label Studio shows it as HTML inside its own page and does not remove scripts or foreign frames. So the guidelines
contribute no HTML: Markdown is rendered with HTML switched off, pictures become links, and only web and mail addresses
become links.
"""

from __future__ import annotations

import hashlib
import html
import re
from functools import cache
from typing import TYPE_CHECKING

from biorat_al.corpus.model.role import DeskRole
from biorat_al.resources import resource
from biorat_al.settings import SAME_MENTION, Guidelines

if TYPE_CHECKING:
    import jinja2
    from markdown_it import MarkdownIt

_STYLE = """
.biorat { line-height: 1.5; }
.biorat p, .biorat ul, .biorat ol, .biorat table, .biorat pre, .biorat blockquote { margin: 0 0 0.7em; }
.biorat ul { list-style: disc; padding-left: 1.4em; }
.biorat ol { list-style: decimal; padding-left: 1.6em; }
.biorat h1, .biorat h2, .biorat h3, .biorat h4 { font-weight: 600; margin: 1em 0 0.4em; }
.biorat h1 { font-size: 1.4em; }
.biorat h2 { font-size: 1.2em; }
.biorat th, .biorat td { border: 1px solid #999; padding: 2px 8px; }
.biorat blockquote { border-left: 3px solid #999; padding-left: 0.8em; }
.biorat hr { border-top: 1px solid #999; margin: 1em 0; }
.biorat pre { white-space: pre-wrap; }
.biorat a { text-decoration: underline; }
"""
# Label Studio removes bullets, numbers and space from lists and headings, and the attribute `style`

_MARK = re.compile(r'^<div class="biorat biorat-([0-9a-f]{12})">')


def instruction(role: DeskRole, *, relations: bool, guidelines: Guidelines | None = None) -> str:
    """Return the instruction for a project as HTML.

    Its first element carries a checksum of the rest, from which :func:`is_untouched` sees whether people changed it.

    :param relations: whether annotators draw relations.
    :param guidelines: the project's guidelines, which follow the general rules.
    """
    rules = _rules().render(
        blind=role == "test",
        part=role == "segment",
        role=role,
        relations=relations,
        joint=SAME_MENTION,
        guidelines=guidelines is not None,
    )
    body = _markdown().render(rules)
    if guidelines is not None:
        body += _rendered(guidelines)
    body = f"<style>{_STYLE}</style>{body}</div>"
    return f'<div class="biorat biorat-{_checksum(body)}">{body}'


def is_untouched(text: str) -> bool:
    """Return whether an instruction is, word for word, one that this program wrote."""
    mark = _MARK.match(text.strip())
    return mark is not None and mark[1] == _checksum(text.strip()[mark.end() :])


def is_same(one: str, other: str) -> bool:
    """Return whether two instructions are the same, apart from how the server writes HTML."""
    return _checksum(one) == _checksum(other)


def _rendered(guidelines: Guidelines) -> str:
    if guidelines.markdown:
        # quotation marks in the text itself are escaped, so this matches only in tags
        return re.sub(r' style="text-align:(\w+)"', r' align="\1"', _markdown().render(guidelines.text))
    return f"<pre>{html.escape(guidelines.text.strip())}</pre>\n"


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("js-default", {"html": False, "linkify": False}).disable("image")
    # an address within Label Studio, or on the disk of the guidelines' author, leads nowhere
    parser.validateLink = lambda url: url.lower().startswith(("http://", "https://", "mailto:"))  # type: ignore[method-assign]
    return parser


@cache
def _rules() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        autoescape=False,  # it becomes Markdown, and contains nothing that users wrote
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(resource("templates/instruction.md.j2").read_text(encoding="utf-8"))


def _checksum(text: str) -> str:
    """Return a checksum of words and tags only, since the server writes some characters differently."""
    return hashlib.sha256(" ".join(html.unescape(text).split()).encode()).hexdigest()[:12]
