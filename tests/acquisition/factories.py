"""Pools of candidates as hypothesis makes them up: few words, so that texts often are alike or the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from biorat_al.acquisition.base import Candidates, Feature

MEASURES = ("least_confidence", "margin", "entropy", "mnlp", "entity_entropy")
WIDTHS: dict[Feature, int] = {"embedding": 2, "gradient": 3, "disagreement": 0, "sensitivity": 0}
"""Numbers in each feature; 0 where it is a single one."""

_word = st.sampled_from(["aspirin", "gout", "renal", "failure", "in", "the", "7", "β-blocker", "!", "naïve"])
_text = st.lists(_word, max_size=6).map(" ".join)


def make(
    texts: Sequence[str],
    scores: Sequence[float] | None = None,
    tokens: Sequence[int] | None = None,
    ids: Sequence[str] | None = None,
) -> Candidates:
    """Return candidates in which every measure of uncertainty is the same, and the features are its multiples."""
    values = np.array(scores if scores is not None else np.zeros(len(texts)), dtype=np.float64)
    return Candidates(
        ids=list(ids if ids is not None else (f"d{number:04d}" for number in range(len(texts)))),
        texts=list(texts),
        tokens=np.array(tokens if tokens is not None else [max(1, len(text.split())) for text in texts], np.int64),
        uncertainty=dict.fromkeys(MEASURES, values),
        features={
            name: np.outer(values, np.arange(1, width + 1)).astype(np.float32) if width else values.astype(np.float32)
            for name, width in WIDTHS.items()
        },
    )


@st.composite
def candidates(draw: st.DrawFn, min_size: int = 0, max_size: int = 14) -> Candidates:
    """Return a few different scores, so that there are ties; different ones for different measures."""
    texts = draw(st.lists(_text, min_size=min_size, max_size=max_size))
    length = len(texts)
    ids = draw(st.lists(st.text("abc12", min_size=1, max_size=4), min_size=length, max_size=length, unique=True))
    tokens = draw(st.lists(st.integers(0, 9), min_size=length, max_size=length))
    score = st.sampled_from([-1.5, 0.0, 0.25, 0.5, 3.0])
    uncertainty = {
        measure: np.array(draw(st.lists(score, min_size=length, max_size=length)), dtype=np.float64)
        for measure in MEASURES
    }
    number = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
    features = {
        name: draw(arrays.arrays(np.float32, (length, width) if width else length, elements=number))
        for name, width in WIDTHS.items()
    }
    return Candidates(
        ids=ids,
        texts=texts,
        tokens=np.array(tokens, dtype=np.int64),
        uncertainty=uncertainty,
        features=features,
        labelled=draw(arrays.arrays(np.float32, (draw(st.integers(0, 2)), 2), elements=number)),
        history=draw(arrays.arrays(np.float64, (length, draw(st.integers(0, 3))), elements=score | st.just(np.nan))),
    )


def reordered(pool: Candidates, order: Sequence[int]) -> Candidates:
    """Return the same candidates in another order."""
    places = np.array(order, dtype=np.int64)
    return replace(
        pool,
        ids=[pool.ids[place] for place in order],
        texts=[pool.texts[place] for place in order],
        tokens=pool.tokens[places],
        uncertainty={measure: values[places] for measure, values in pool.uncertainty.items()},
        features={name: values[places] for name, values in pool.features.items()},
        history=pool.history[places] if pool.history.size else pool.history,
    )
