"""Messages that explain why the text at an annotation's offsets differs from the annotation's own text.

Offsets here count code points. The program that made the file may have counted otherwise, or normalised the text before
or after annotation. Each such way is tried; the first that gives the annotation's text is the likely cause.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from biorat_al.wording import plural

Pieces = Sequence[tuple[int, int]]
"""The spans of a mention: code points, end exclusive; several if it is discontinuous."""

_SHOWN = 80
"""Most characters of a text that a message quotes."""

_DIFFERENCES = 3
"""Most characters that a message names one by one."""

_LONGEST = 1_000_000
"""Longest text, in characters, for which other ways to count are tried."""


def outside_text(text: str, start: int, end: int) -> str:
    """Return why a span is not a span of `text`."""
    if start == end and 0 <= start <= len(text):
        return f"the span {start}-{end} is empty: it holds no character"
    if end < start:
        return f"the span {start}-{end} ends before it begins"
    return f"the span {start}-{end} is not inside the text of {plural(len(text), 'character')}"


def mismatch_text(text: str, spans: Pieces, surface: str, found: str | None = None) -> str:
    """Return the message for a mention whose text is not `surface`: both texts, the difference, and the likely cause.

    :param found: the text at the spans as its format writes it; None joins the pieces by one space.
    """
    shown = _joined(text, spans) if found is None else found
    places = ", ".join(f"{start}-{end}" for start, end in spans)
    at = next((n for n, (one, other) in enumerate(zip(shown, surface, strict=False)) if one != other), 0)
    message = f"the text at {places} is {quoted(shown, at)}, but the annotation says {quoted(surface, at)}"
    cause = explain_mismatch(text, spans, surface, shown)
    return f"{message}: {cause}" if cause else message


def quoted(text: str, at: int = 0) -> str:
    """Return a text in Python's notation; of a long text, only the part around the character `at`."""
    if len(text) <= _SHOWN:
        return repr(text)
    begin = max(0, min(at - _SHOWN // 2, len(text) - _SHOWN))
    part = text[begin : begin + _SHOWN]
    return f"{'…' if begin else ''}{part!r}{'…' if begin + _SHOWN < len(text) else ''} ({len(text):,} characters)"


def explain_mismatch(text: str, spans: Pieces, surface: str, found: str | None = None) -> str:
    """Return the likely cause of a mismatch; empty if unknown.

    :param found: as for :func:`mismatch_text`.
    """
    shown = _joined(text, spans) if found is None else found
    if not surface:
        return "the annotation's text is empty"
    if shown == surface:
        # a span that goes beyond the text matches as far as the text goes
        return ""
    alike = _alike(shown, surface)
    if alike:
        return alike
    if len(text) <= _LONGEST:
        for cause, count in _COUNTS:
            if count(text, spans) == surface:
                return cause
    shift = find_shift(text, spans, surface)
    if shift is not None:
        return f"the text has it {_further(shift)}"
    return _differences(shown, surface)


def find_shift(text: str, spans: Pieces, surface: str) -> int | None:
    """Return by how many characters all pieces of a mention must move for their text to be `surface`.

    The nearest match counts; None without a match.
    """
    first = spans[0][0] if spans else 0
    if len(spans) != 1:
        lengths = [end - start for start, end in spans]
        if sum(lengths) + len(lengths) - 1 != len(surface):
            return None
        head = surface[: lengths[0]]
    else:
        head = surface
    if not head:
        return None

    def fits(place: int) -> bool:
        by = place - first
        return len(spans) == 1 or _joined(text, [(start + by, end + by) for start, end in spans]) == surface

    after = next((place for place in _places(text, head, max(first, 0)) if fits(place)), None)
    before = next((place for place in _places_before(text, head, first) if fits(place)), None)
    places = [place for place in (before, after) if place is not None]
    if not places:
        return None
    return min(places, key=lambda place: abs(place - first)) - first


def common_shift(shifts: Iterable[int | None]) -> int | None:
    """Return the shift that all mentions of a document share, if there are at least two; None if they differ."""
    known = list(shifts)
    if len(known) < 2 or known[0] in (None, 0) or len(set(known)) != 1:
        return None
    return known[0]


def shift_text(number: int, shift: int) -> str:
    """Return the note that all mismatched mentions of a document are shifted by the same distance."""
    return f"all {number} such mentions of this document are found {_further(shift)}"


def _further(shift: int) -> str:
    return f"{plural(abs(shift), 'character')} {'further on' if shift > 0 else 'earlier'}"


def _joined(text: str, spans: Pieces) -> str:
    return " ".join(text[max(start, 0) : max(end, 0)] for start, end in spans)


def _places(text: str, part: str, start: int) -> Iterator[int]:
    place = text.find(part, start)
    for _ in range(100):
        if place < 0:
            return
        yield place
        place = text.find(part, place + 1)


def _places_before(text: str, part: str, start: int) -> Iterator[int]:
    place = text.rfind(part, 0, max(start, 0) + len(part) - 1)
    for _ in range(100):
        if place < 0:
            return
        yield place
        place = text.rfind(part, 0, place + len(part) - 1)


# --- two texts that look alike


def _alike(found: str, surface: str) -> str:
    """Return how two texts that mean the same differ; empty if they do not mean the same."""
    for form in ("NFC", "NFKC"):
        if unicodedata.normalize(form, found) == unicodedata.normalize(form, surface):
            composed = [name for name in ("NFC", "NFD") if unicodedata.normalize(name, surface) == surface]
            how = f" to {composed[0]}" if form == "NFC" and len(composed) == 1 else ""
            where = _differences(found, surface)
            return f"{where}{'; ' if where else ''}the text was normalised{how} before it was annotated"
    if _visible(found) == _visible(surface):
        where = _differences(found, surface)
        return f"{where}; they differ in characters that cannot be seen"
    if " ".join(_visible(found).split()) == " ".join(_visible(surface).split()):
        where = _differences(found, surface)
        return f"{where}{'; ' if where else ''}blanks were joined, added or cut off after it was annotated"
    if len(found) == len(surface) and all(_look_alike(*pair) for pair in zip(found, surface, strict=True)):
        return f"{_differences(found, surface)}; they look alike"
    if found.casefold() == surface.casefold():
        return "they differ in upper and lower case"
    for one, other in ((found, surface), (surface, found)):
        if html.unescape(one) == other:
            return "the one has entities of HTML or XML (such as &amp;) where the other has characters"
        if _misread(one) == other:
            return "one of them is UTF-8 that was read in another encoding"
    return ""


def _visible(text: str) -> str:
    """Return the text with every blank as a space, and without characters of zero width."""
    kept = (character for character in text if unicodedata.category(character) != "Cf")
    return "".join(" " if character.isspace() else character for character in kept)


_ALIKE = ("-‐‑‒–—―−­", "'’‘‛`´′ʹʼ", '"“”„″', "µμ", "ßβ", "·•∙⋅.", "*∗×x", "~∼˜", "…", "°º˚", "|ǀ∣", "/⁄∕", ":∶")


def _look_alike(one: str, other: str) -> bool:
    if one == other or any(one in group and other in group for group in _ALIKE):
        return True
    # a letter of another script: Latin o, Greek omicron, Cyrillic o
    scripts = {unicodedata.name(character, "?").split(" ")[0] for character in (one, other)}
    return len(scripts) == 2 and scripts <= {"LATIN", "GREEK", "CYRILLIC"}


def _misread(text: str) -> str | None:
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


def _differences(found: str, surface: str) -> str:
    """Return the differing characters by code point; empty if the difference is visible."""
    ones, others = list(_clusters(found)), list(_clusters(surface))
    if len(ones) != len(others):
        hidden = [_named(character) for character in found if _is_hidden(character) and character not in surface]
        extra = [_named(character) for character in surface if _is_hidden(character) and character not in found]
        said = [
            f"the {what} has {', '.join(dict.fromkeys(names[:_DIFFERENCES]))}"
            for what, names in (("text", hidden), ("annotation", extra))
            if names
        ]
        return " and ".join(said)
    said = [
        f"{one!r} is {_codes(one)} in the text and {_codes(other)} in the annotation"
        for one, other in zip(ones, others, strict=True)
        if one != other and not (one + other).isascii()
    ]
    more = len(said) - _DIFFERENCES
    return "; ".join(dict.fromkeys(said[:_DIFFERENCES])) + (f"; and {more} more" if more > 0 else "")


def _clusters(text: str) -> Iterator[str]:
    """Yield each character with the marks that follow it, such as an accent."""
    starts = [n for n, character in enumerate(text) if n == 0 or not unicodedata.combining(character)]
    for start, end in pairwise([*starts, len(text)]):
        yield text[start:end]


def _is_hidden(character: str) -> bool:
    return character != " " and (character.isspace() or unicodedata.category(character) in ("Cf", "Cc"))


def _named(character: str) -> str:
    name = _NAMES.get(character) or unicodedata.name(character, "a control character").lower()
    return f"{_codes(character)} ({name})"


_NAMES = {"\r": "carriage return", "\n": "line feed", "\t": "tab", "\ufeff": "byte order mark"}


def _codes(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text)


# --- other ways to count


@lru_cache(maxsize=4)
def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


@lru_cache(maxsize=4)
def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_CHANGES: dict[str, Callable[[str], str]] = {
    "NFC": lambda text: unicodedata.normalize("NFC", text),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "without CR": lambda text: text.replace("\r\n", "\n"),
    "with CR": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "without blanks": lambda text: "".join(text.split()),
    "one blank": lambda text: " ".join(text.split()),
    "without HTML": html.unescape,
    "with HTML": html.escape,
    "without hidden": lambda text: "".join(c for c in text if unicodedata.category(c) != "Cf"),
}


@lru_cache(maxsize=16)
def _changed(text: str, how: str) -> str:
    return _CHANGES[how](text)


def _of_units(units: Callable[[str], bytes], width: int, encoding: str) -> Callable[[str, Pieces], str | None]:
    def count(text: str, spans: Pieces) -> str | None:
        data = units(text)
        pieces = (data[width * start : width * end] for start, end in spans)
        return " ".join(piece.decode(encoding, "replace") for piece in pieces)

    return count


def _of_changed(how: str, before: int = 0, after: int = 0) -> Callable[[str, Pieces], str | None]:
    def count(text: str, spans: Pieces) -> str | None:
        changed = _changed(text, how)
        if changed == text:
            return None
        return _joined(changed, [(start + before, end + after) for start, end in spans])

    return count


def _moved(before: int, after: int) -> Callable[[str, Pieces], str | None]:
    def count(text: str, spans: Pieces) -> str | None:
        moved = [(start + before, end + after) for start, end in spans]
        return None if any(start < 0 for start, _ in moved) else _joined(text, moved)

    return count


def _without_blanks(after: int) -> Callable[[str, Pieces], str | None]:
    """Return a way to count that leaves out blanks (BC2GM); the text at the offsets may contain some."""

    def count(text: str, spans: Pieces) -> str | None:
        places = _inked(text)
        if any(not 0 <= start < end + after <= len(places) for start, end in spans):
            return None
        return " ".join(text[places[start] : places[end + after - 1] + 1] for start, end in spans)

    return count


@lru_cache(maxsize=4)
def _inked(text: str) -> list[int]:
    return [place for place, character in enumerate(text) if not character.isspace()]


_COUNTS: tuple[tuple[str, Callable[[str, Pieces], str | None]], ...] = (
    ("its offsets include the last character (they are end inclusive)", _moved(0, 1)),
    (
        "its offsets count UTF-16 units, in which some characters before it take two, as JavaScript and Java do",
        _of_units(_utf16, 2, "utf-16-le"),
    ),
    ("its offsets count bytes of UTF-8", _of_units(_utf8, 1, "utf-8")),
    ("its offsets count a line end of two characters (CR LF) as one", _of_changed("without CR")),
    ("its offsets count a line end as two characters (CR LF)", _of_changed("with CR")),
    ("its offsets are those of the text normalised to NFC", _of_changed("NFC")),
    ("its offsets are those of the text normalised to NFD", _of_changed("NFD")),
    ("its offsets are those of the text normalised to NFKC", _of_changed("NFKC")),
    ("its offsets leave out characters that cannot be seen", _of_changed("without hidden")),
    ("its offsets count an entity of HTML or XML (such as &amp;) as one character", _of_changed("without HTML")),
    ("its offsets count characters such as & as entities of HTML or XML (&amp;)", _of_changed("with HTML")),
    ("its offsets count from 1, or count a byte order mark before the text", _moved(-1, -1)),
    ("its offsets count from 1 and include the last character", _moved(-1, 0)),
    ("its offsets count a row of blanks as one", _of_changed("one blank")),
    ("its offsets do not count blanks", _without_blanks(0)),
    ("its offsets do not count blanks and include the last character, as those of BC2GM do", _without_blanks(1)),
)
"""Other ways to count, the likeliest first: a way that depends on the text is less likely to fit by chance."""
