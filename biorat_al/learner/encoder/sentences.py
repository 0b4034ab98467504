"""Rules for where sentences end, by which text is cut into the windows that the encoder reads.

They are cautious, so that no mention is cut in two: a sentence ends only where all signs agree. Two sentences in one
window do no harm.
"""

from __future__ import annotations

import re

# a full stop and closing brackets or quotes, a blank, then the beginning of a sentence; or an empty line
_END = re.compile(
    r"""[.?!][)\]"'’”]*(?=\s+[(\["'‘“]*[A-Z0-9])"""
    r"""|(?<=\n)[ \t\r]*(?=\n)"""
)
_ABBREVIATED = re.compile(
    r"(?:\b[A-Za-z]|\b(?:e\.g|i\.e|vs|cf|al|ca|Dr|Mr|Mrs|Prof|St|Figs?|Refs?|Eqs?|[Nn]os?|spp?|subsp|var|approx|resp|Ltd))\.$"
)
_NUMBERED = re.compile(r"\d\.\s+\d")  # EC 1. 1. 1. 49


def sentence_ends(text: str) -> list[int]:
    """Return the offsets (code points) just after each sentence, ascending, without the end of the text."""
    return [match.end() for match in _END.finditer(text) if not _is_inside(text, match.start())]


def _is_inside(text: str, stop: int) -> bool:
    """Return whether the full stop at `stop` belongs to an abbreviation or a number."""
    return bool(_ABBREVIATED.search(text, max(stop - 8, 0), stop + 1) or (stop and _NUMBERED.match(text, stop - 1)))
