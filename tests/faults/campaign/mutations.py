"""What is done to the bytes of a file that was right."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBERS = [
    b"0", b"-1", b"1", b"2147483648", b"9223372036854775808", b"1" + b"0" * 30, b"9" * 400, b"9" * 5000, b"1e9",
    b"1e400", b"1e99999999999999999999", b"-0.0", b"3.0", b"0x10", b"1_0", "٣".encode(), b"NaN", b"Infinity", b"",
    b"null", b"true", b'"7"', b"[7]", b"{}",
]  # fmt: skip
_STRANGE = [
    b"\0", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff\xfe", b"\\ud800", b"\\udc00\\ud800", b"&#xD800;", b"&#0;", b"\x85",
    "\u2028".encode(), b"\x0b", b"\x1c", b"\x1a", b"\x1b[2J", "\ufffe".encode(), "\U0010ffff".encode(), b"\xc0\x80",
    b"\xf4\x90\x80\x80", b"\\u0000", b"&nbsp;", b"<![CDATA[", b"]]>", b"<!--", b'"', b"'", b"\\", b"|", b"\t", b"\r",
]  # fmt: skip
_VALUES = [b"null", b"true", b"0", b"[]", b"{}", b'""', b"[[]]", b'{"a": {}}', b"-1.5", b'"\\ud800"', b"1e999"]


def _place(data: bytes, rng: random.Random) -> int:
    return rng.randint(0, len(data))


def _flip_a_bit(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: _place(data, rng)] if rng.random() < 0.8 else data[_place(data, rng) :]


def _cut_out(data: bytes, rng: random.Random) -> bytes:
    start = _place(data, rng)
    return data[:start] + data[start + rng.choice((1, 1, 2, 10, 100)) :]


def _lines(change: Callable[[list[bytes], int, random.Random], None]) -> Mutation:
    def mutate(data: bytes, rng: random.Random) -> bytes:
        lines = data.split(b"\n")
        change(lines, rng.randrange(len(lines)), rng)
        return b"\n".join(lines)

    return mutate


def _repeat_a_line(lines: list[bytes], place: int, rng: random.Random) -> None:
    lines[place:place] = [lines[place]] * rng.choice((1, 1, 2, 20))


def _delete_a_line(lines: list[bytes], place: int, rng: random.Random) -> None:
    del lines[place]


def _swap_lines(lines: list[bytes], place: int, rng: random.Random) -> None:
    other = rng.randrange(len(lines))
    lines[place], lines[other] = lines[other], lines[place]


def _repeat_all(data: bytes, rng: random.Random) -> bytes:
    return data * rng.choice((2, 3))


def _strange_bytes(data: bytes, rng: random.Random) -> bytes:
    place = rng.choice((0, len(data), _place(data, rng), _place(data, rng)))
    return data[:place] + rng.choice(_STRANGE) + data[place:]


def _random_bytes(data: bytes, rng: random.Random) -> bytes:
    place = _place(data, rng)
    return data[:place] + rng.randbytes(rng.choice((1, 4, 64))) + data[place:]


def _nest(data: bytes, rng: random.Random) -> bytes:
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")")))
    depth = rng.choice((10, 200, 2_000, 20_000))
    place = rng.choice((0, _place(data, rng), _place(data, rng)))
    inside = opening * depth + (b"1" if rng.random() < 0.5 else b"") + closing * depth * (rng.random() < 0.7)
    return data[:place] + inside + data[place:]


def _utf_16(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")), "replace")


def _other_encoding(data: bytes, rng: random.Random) -> bytes:
    cut = _place(data, rng)
    name = rng.choice(("latin-1", "cp1252", "utf-16-le", "shift-jis", "cp037"))
    return data[:cut] + data[cut:].decode("utf-8", "replace").encode(name, "replace")


def _number(data: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"-?\d+", data))
    if not found:
        return data
    one = rng.choice(found)
    near = str(int(one[0][:20]) + rng.choice((-2, -1, 1, 2, 7))).encode()
    value = near if rng.random() < 0.6 else rng.choice(_NUMBERS)
    return data[: one.start()] + value + data[one.end() :]


def _swap_numbers(data: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"\d+", data))
    if len(found) < 2:
        return data
    place = rng.randrange(len(found) - 1)
    first, second = found[place], found[place + 1 if rng.random() < 0.7 else rng.randrange(place + 1, len(found))]
    between = data[first.end() : second.start()]
    return data[: first.start()] + second[0] + between + first[0] + data[second.end() :]


def _value(data: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb'"[^"\n]{0,40}"', data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(_VALUES) + data[one.end() :]


def _swap_words(data: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"[A-Za-z_]+\d*[a-z]?", data))
    if len(found) < 2:
        return data
    one, other = rng.choice(found), rng.choice(found)
    return data[: one.start()] + other[0] + data[one.end() :]


def _line_ends(data: bytes, rng: random.Random) -> bytes:
    end = rng.choice((b"\r", b"\r\n", b"\n\n", "\u2028".encode(), b"\x85", b"\n\r", b"\r\r\n", b" \n", b""))
    if rng.random() < 0.7:
        return data.replace(b"\n", end)
    return data.replace(b"\n", end, rng.randint(1, 3))


def _blanks(data: bytes, rng: random.Random) -> bytes:
    old, new = rng.choice(((b"\t", b" "), (b" ", b"\t"), (b"\t", b"\t\t"), (b" ", b"  "), (b" ", "\u00a0".encode())))
    return data.replace(old, new, rng.choice((-1, 1, 3)))


def _document_type(data: bytes, rng: random.Random) -> bytes:
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + place, b"&%c;" % (97 + place) * 10) for place in range(9)
    )
    inside = rng.choice((bomb + b"]>", b'<!DOCTYPE a SYSTEM "file:///etc/passwd">', b"<!DOCTYPE html>"))
    after = data.find(b"?>") + 2 if b"?>" in data else 0
    return data[:after] + inside + data[after:].replace(b"</", b"&j;</", 1)


def _packed(data: bytes, rng: random.Random) -> bytes:
    packed = gzip.compress(data, mtime=0)
    return rng.choice((packed, _flip_a_bit(packed, rng), _truncate(packed, rng), gzip.compress(packed), packed + b"x"))


def _long_line(data: bytes, rng: random.Random) -> bytes:
    place = _place(data, rng)
    return data[:place] + rng.choice((b"a", b"0", b" ", b"\xcc\x81", b"\t", b"{")) * 200_000 + data[place:]


def _emptied(data: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"", b" ", b"\n", b"\n" * 1000, b"\xef\xbb\xbf", b"{}", b"[]", b"null", b"<a/>", b"\0" * 100))


MUTATIONS: dict[str, tuple[int, Mutation]] = {
    "a bit flipped": (8, _flip_a_bit),
    "truncated": (4, _truncate),
    "a piece cut out": (6, _cut_out),
    "a line repeated": (4, _lines(_repeat_a_line)),
    "a line deleted": (4, _lines(_delete_a_line)),
    "lines swapped": (3, _lines(_swap_lines)),
    "all repeated": (1, _repeat_all),
    "strange bytes": (6, _strange_bytes),
    "random bytes": (4, _random_bytes),
    "nested": (2, _nest),
    "UTF-16, UTF-32 or UTF-7": (1, _utf_16),
    "a part in another encoding": (2, _other_encoding),
    "a number changed": (10, _number),
    "numbers swapped": (5, _swap_numbers),
    "a value of another type": (5, _value),
    "a word changed": (6, _swap_words),
    "line ends": (2, _line_ends),
    "blanks": (3, _blanks),
    "a document type": (1, _document_type),
    "packed": (1, _packed),
    "a long line": (1, _long_line),
    "emptied": (1, _emptied),
}
"""How often each is chosen, and what it does."""


def mutate(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Change a file in one to three ways; return it and what was done."""
    names = rng.choices(list(MUTATIONS), [weight for weight, _ in MUTATIONS.values()], k=rng.choice((1, 1, 1, 2, 3)))
    for name in names:
        data = MUTATIONS[name][1](data, rng)
    return data, ", ".join(names)
