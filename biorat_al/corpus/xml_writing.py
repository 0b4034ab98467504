"""Text as XML from which the same text is read again."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from biorat_al.corpus.base import WriteReport
from biorat_al.corpus.writing import fitting

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlText:
    """Spells XML; characters that XML cannot hold become spaces, so that every offset stays right, and are counted."""

    def __init__(self, report: WriteReport) -> None:
        self._report = report

    def fit(self, text: str) -> str:
        """The text with spaces for characters that XML cannot hold (most control characters, U+FFFE, U+FFFF)."""
        return fitting(text, _UNFIT, self._report, "characters that XML cannot hold (each became a space)")

    def text(self, text: str) -> str:
        """The content of an element."""
        # a bare carriage return would be read as a line feed
        return escape(self.fit(text), {"\r": "&#13;"})

    def element(self, tag: str, content: str = "", /, **attributes: str) -> str:
        """An element.

        :param content: already spelled as XML.
        """
        spelled = "".join(f" {name}={quoteattr(self.fit(value))}" for name, value in attributes.items())
        return f"<{tag}{spelled}>{content}</{tag}>" if content else f"<{tag}{spelled}/>"
