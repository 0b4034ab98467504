"""A cheap guess of what the model would measure in documents that it has not predicted."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.acquisition.guess import Guess, highest
from biorat_al.acquisition.registry import STRATEGIES
from biorat_al.learner.types import Uncertainty

WORDS = ["fever", "BRCA1", "42", "cough", "p53", "headache", "therapy", "of", "in", "the"]


def texts_of(number: int, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, generator.integers(3, 30))) for _ in range(number)]


def unknown(number: int) -> np.ndarray:
    return np.full(number, np.nan)


def share_found(guessed: np.ndarray, measured: np.ndarray, number: int) -> float:
    return float(np.isin(highest(measured, number), highest(guessed, 3 * number)).mean())


def test_a_word_that_makes_the_model_unsure_is_learnt_from_the_sample() -> None:
    texts = texts_of(600)
    measured = np.array([text.split().count("BRCA1") / len(text.split()) for text in texts])
    guess = Guess(texts[:200], unknown(200), measured[:200])
    assert share_found(guess.of(texts[200:], unknown(400)), measured[200:], 20) > 0.8


def test_what_an_earlier_model_measured_is_made_use_of() -> None:
    texts, generator = texts_of(600), np.random.default_rng(3)
    earlier = generator.gamma(2.0, size=600)
    measured = earlier * generator.uniform(0.7, 1.3, 600)
    without = Guess(texts[:200], unknown(200), measured[:200]).of(texts[200:], unknown(400))
    found = Guess(texts[:200], earlier[:200], measured[:200]).of(texts[200:], earlier[200:])
    assert share_found(found, measured[200:], 20) == 1 > share_found(without, measured[200:], 20)


@pytest.mark.parametrize("known", [0, 1, 50])
def test_it_does_without_what_no_earlier_model_has_measured(known: int) -> None:
    texts, earlier = texts_of(60), unknown(60)
    earlier[:known] = 0.5
    guessed = Guess(texts, earlier, np.arange(60.0)).of([*texts, ""], np.append(earlier, np.nan))
    assert np.isfinite(guessed).all()
    assert len(set(guessed.tolist())) > 30


def test_a_sample_in_which_everything_is_alike_guesses_nothing() -> None:
    guess = Guess(["a b", "a b"], unknown(2), np.ones(2))
    assert guess.of(["c d e", ""], unknown(2)).tolist() == [0, 0]
    assert guess.of([], unknown(0)).shape == (0,)


@given(st.lists(st.text(max_size=60), min_size=2, max_size=12), st.randoms())
def test_a_guess_depends_on_the_text_alone(texts: list[str], random: object) -> None:
    sample = texts_of(40)
    guess = Guess(sample, unknown(40), np.arange(40.0))
    alone = [guess.of([text], unknown(1))[0] for text in texts]
    assert guess.of(texts, unknown(len(texts))).tolist() == pytest.approx(alone, abs=1e-5)


@given(st.lists(st.integers(0, 5), max_size=20), st.integers(0, 25))
def test_the_highest_are_taken_and_the_first_of_equal_ones(values: list[int], number: int) -> None:
    taken = highest(np.array(values, dtype=np.float64), number).tolist()
    expected = sorted(sorted(range(len(values)), key=lambda place: (-values[place], place))[:number])
    assert taken == expected


def test_a_strategy_prefers_what_the_model_measures_in_every_prediction() -> None:
    prefers = {name: kind.prefers for name, kind in STRATEGIES.items()}
    assert {measure for measure in prefers.values() if measure is not None} <= {
        field.name for field in fields(Uncertainty)
    }
    assert prefers["mnlp"] == "mnlp"
    assert all(prefers[name] is None for name, kind in STRATEGIES.items() if not kind.needs_model)
    # of these, the measure that is looked for is in every prediction
    assert {name for name, measure in prefers.items() if measure is None and STRATEGIES[name].needs_model} == {
        "bald",
        "adversarial",
        "core-set",
        "badge",
    }
