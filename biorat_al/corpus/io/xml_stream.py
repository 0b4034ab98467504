"""The document elements of an XML file, one at a time, without entities or anything loaded from elsewhere."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from biorat_al.corpus.io.source import Source
from biorat_al.errors import FormatError

# an attribute name in XML cannot contain a blank, so this one cannot come from the file
_LINE = "line of the file"
_ENCODING = re.compile(r"<\?xml[^>]*\bencoding\s*=\s*[\"']([^\"']*)[\"']")


def line_of(element: Element) -> int:
    """Return the line on which an element from :func:`elements` begins."""
    return int(element.get(_LINE, "0"))


def documents(source: Source, root: str = "collection", title: str = "BioC XML") -> Iterator[Element]:
    """Yield the ``document`` elements of a file; see :func:`elements`.

    :param root: the root element of the file; ``document`` if it holds just one.
    """
    return elements(source, (root,), ("document",), title)


def elements(source: Source, roots: Collection[str], names: Collection[str], title: str) -> Iterator[Element]:
    """Yield the outermost elements of certain names; memory holds one at a time.

    :param roots: the permitted root elements.
    :param names: names of the elements to yield.
    :param title: the expected format, for messages.
    :raises FormatError: the file is not well-formed XML, not UTF-8, has another root, or declares or uses entities.
    """
    encoding = _ENCODING.match(source.head().lstrip())
    if encoding is not None and encoding.group(1).lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise FormatError(
            f"it declares the encoding {encoding.group(1)!r}, expected UTF-8; convert the file and try again",
            source=source.name,
        )
    target = _Documents(source, roots, names, title)
    # entities are forbidden: internal ones can fill the memory (billion laughs), external ones can read other files. A
    # DOCTYPE that only names a DTD is allowed, and expat does not load it
    parser = XMLParser(target=target, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    target.parser = parser.parser
    for chunk in chain(source.chunks(), (None,)):
        broken = _parsed(parser, chunk, source, title)
        # first yield what was complete before the fault
        while target.finished:
            yield target.finished.popleft()
        if broken is not None:
            raise broken


def _parsed(parser: XMLParser, chunk: str | None, source: Source, title: str) -> FormatError | None:
    """Parse the next chunk, or the end (None); return the error if the file is not well-formed there.

    :raises FormatError: the file declares or uses entities.
    """
    try:
        if chunk is None:
            parser.close()
        else:
            parser.feed(chunk)
    except DefusedXmlException as error:
        raise FormatError(
            f"it declares or refers to an XML entity ({_entity(error)}); entities are refused, since they can read "
            "other files or fill the memory",
            source=source.at(parser.parser.CurrentLineNumber),
        ) from None
    except ParseError as error:
        line, column = error.position
        reason = str(error).partition(": line")[0]
        return FormatError(
            f"not well-formed XML at column {column + 1}: {reason}; expected {title}", source=source.at(line)
        )
    return None


def _entity(error: DefusedXmlException) -> str:
    name = getattr(error, "name", None)
    system_id = getattr(error, "sysid", None)
    return " ".join(part for part in (f"{name!r}" if name else "", f"from {system_id!r}" if system_id else "") if part)


class _Documents:
    """A parser target that builds the tree of one element at a time and discards everything outside.

    :ivar parser: the expat parser, which knows the line of each element.
    """

    parser: Any

    def __init__(self, source: Source, roots: Collection[str], names: Collection[str], title: str) -> None:
        self._roots = roots
        self._names = names
        self._title = title
        self.finished: deque[Element] = deque()
        self._source = source
        self._builder: TreeBuilder | None = None
        self._depth = 0
        self._inner_depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and tag not in self._roots:
            raise FormatError(
                f"found the root element <{tag}>, expected <{'> or <'.join(self._roots)}> of {self._title}",
                source=self._source.at(self.parser.CurrentLineNumber),
            )
        self._depth += 1
        if self._builder is None and tag in self._names:
            self._builder = TreeBuilder()
            self._inner_depth = self._depth
        if self._builder is not None:
            self._builder.start(tag, {**attributes, _LINE: str(self.parser.CurrentLineNumber)})

    def end(self, tag: str) -> None:
        if self._builder is not None:
            self._builder.end(tag)
            if self._depth == self._inner_depth:
                self.finished.append(self._builder.close())
                self._builder = None
        self._depth -= 1

    def data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)

    def close(self) -> None:
        """Do nothing: the finished elements have been taken."""
