"""Where sentences end: rules for the windows that the encoder reads, cautious because no mention crosses a window.

A border is set only where all signs agree; two sentences in one window do no harm.
"""

from __future__ import annotations

import re

# a full stop and what closes behind it, a blank, and then what begins a sentence; or an empty line
_END = re.compile(
    r"""[.?!][)\]"'’”]*(?=\s+[(\["'‘“]*[A-Z0-9])"""
    r"""|(?<=\n)[ \t\r]*(?=\n)"""
)
_ABBREVIATED = re.compile(
    r"(?:\b[A-Za-z]|\b(?:e\.g|i\.e|vs|cf|al|ca|Dr|Mr|Mrs|Prof|St|Figs?|Refs?|Eqs?|[Nn]os?|spp?|subsp|var|approx|resp|Ltd))\.$"
)
_NUMBERED = re.compile(r"\d\.\s+\d")  # EC 1. 1. 1. 49


def sentence_ends(text: str) -> list[int]:
    """Code points at which a sentence has ended, in rising order; the end of the text is not among them."""
    return [match.end() for match in _END.finditer(text) if not _is_inside(text, match.start())]


def _is_inside(text: str, stop: int) -> bool:
    """Whether the full stop at `stop` belongs to an abbreviation or a number."""
    return bool(_ABBREVIATED.search(text, max(stop - 8, 0), stop + 1) or (stop and _NUMBERED.match(text, stop - 1)))
