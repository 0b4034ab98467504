"""Seeds: one for each purpose, all derived from the project's seed."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a seed in [0, 2³²) for a purpose, for example ``derive_seed(13, "train", 4)``.

    Purposes are independent: another random draw for one purpose does not change the draws for the others.
    """
    text = "\0".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
