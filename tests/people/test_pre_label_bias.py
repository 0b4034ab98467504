"""Do pre-labels bias people? Against what can be had by hand, and against a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from biorat_al.people.pre_label_bias import (
    BREAK,
    BiasFigure,
    ComparedAnswers,
    GivenAnswer,
    PreLabelBias,
    Quantity,
    Sums,
    compare_answers,
    compare_sums,
)


def figure(bias: PreLabelBias, quantity: Quantity) -> BiasFigure:
    return next(one for one in bias.figures if one.quantity == quantity)


def answers(
    number: int, *, effect: float = 1.0, share: float = 0.25, seed: int = 1, rounds: float = 0.4
) -> list[GivenAnswer]:
    """Draw answers in rounds of twenty; with pre-labels, minutes are multiplied with the effect, mentions divided.

    :param rounds: how much rounds differ.
    """
    generator = np.random.default_rng(seed)
    found = []
    for place in range(number):
        if place % 20 == 0:
            dense = np.exp(generator.normal(0, rounds))
            blind = set(generator.permutation(20)[: round(20 * share)].tolist())
        shown = place % 20 not in blind
        mentions = int(generator.poisson(8 * dense / (effect if shown else 1)))
        seconds = float(120 * dense * (effect if shown else 1) * np.exp(generator.normal(0, 0.4)))
        found.append(GivenAnswer(place, place // 20, shown, 200, mentions, seconds))
    return found


def test_rounds_are_pooled_as_strata_by_hand() -> None:
    # the second round has denser documents, and more of them with pre-labels: summed up, these would add mentions
    sums = [
        *(Sums(number, 1, False, 4, 1) for number in range(3)),
        Sums(3, 1, True, 3, 1),
        Sums(4, 2, False, 10, 1),
        *(Sums(number, 2, True, 9, 1) for number in range(5, 8)),
    ]
    found = compare_sums("mentions_per_100_words", sums)
    # weights 3 * 1 / 4 and 1 * 3 / 4; in both rounds one fewer
    assert found.difference == pytest.approx(-1)
    assert (found.without, found.with_pre_labels) == (pytest.approx(7), pytest.approx(6))
    assert found.documents == (4, 4)
    raw = compare_sums("mentions_per_100_words", [one._replace(round=1) for one in sums])
    assert raw.difference is not None
    assert raw.difference > 0


def test_rounds_with_one_kind_of_documents_do_not_count() -> None:
    both = [Sums(number, 1, number % 2 == 0, 5 + number % 3, 1) for number in range(10)]
    others = [Sums(number, 2, True, 50, 1) for number in range(10, 20)]
    assert compare_sums("minutes", [*both, *others]) == compare_sums("minutes", both)
    alone = compare_sums("minutes", others)
    assert (alone.difference, alone.interval, alone.documents) == (None, None, (0, 0))


def test_a_known_bias_is_found_and_the_interval_holds_it() -> None:
    truth: dict[Quantity, float] = {
        "minutes": 2 * np.exp(0.4**2 / 2) * (0.8 - 1),
        "mentions_per_100_words": 4 * (1 / 0.8 - 1),
    }
    held = dict.fromkeys(truth, 0)
    for seed in range(40):
        bias = compare_answers(ComparedAnswers(answers(400, effect=0.8, seed=seed, rounds=0.0), drawn=True))
        for quantity, true in truth.items():
            one = figure(bias, quantity)
            assert one.interval is not None
            held[quantity] += one.interval[0] < true < one.interval[1]
            assert one.is_told
            assert np.sign(one.difference) == np.sign(true)
    # of 40, at 95 %, fewer than 34 are one in a thousand
    assert min(held.values()) >= 34
    minutes = figure(bias, "minutes").sentence
    assert "difference -" in minutes
    assert "cannot be told" not in minutes
    assert bias.sentences[0].startswith("The documents without pre-labels were drawn at random")


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_without_a_bias_the_interval_holds_none_in_about_95_of_100_projects(share: float) -> None:
    held: dict[Quantity, int] = {"minutes": 0, "mentions_per_100_words": 0}
    for seed in range(120):
        bias = compare_answers(ComparedAnswers(answers(100, share=share, seed=seed), drawn=True))
        for quantity in held:
            held[quantity] += not figure(bias, quantity).is_told
    # 1,000 projects are in benchmarks/interval_coverage.py; here three standard errors are allowed
    assert all(0.89 <= count / 120 <= 1.0 for count in held.values()), held


def test_what_cannot_be_told_says_how_many_documents_would_tell() -> None:
    few = figure(compare_answers(ComparedAnswers(answers(40), drawn=True)), "minutes")
    assert not few.is_told
    assert few.needed is not None
    assert few.needed > 40
    assert few.sought == pytest.approx(0.2 * (few.with_pre_labels + few.without) / 2)
    assert f"would show with about {few.needed:,} documents (40 so far), as many of them as now" in few.sentence
    # four times as many documents halve the interval, and need about as many
    more = figure(compare_answers(ComparedAnswers(answers(160), drawn=True)), "minutes")
    assert more.needed == pytest.approx(few.needed, rel=0.6)


def test_enough_documents_without_a_difference_say_that_it_should_have_shown() -> None:
    found = compare_sums("minutes", [Sums(number, 1, number % 2 == 0, 10 + number % 4 // 2, 1) for number in range(80)])
    assert not found.is_told
    assert found.needed is not None
    assert found.needed < 80
    assert found.sentence.endswith("None could be shown; one of 2.10 should have shown.")


def test_with_one_kind_of_answers_the_spread_says_how_many_would_tell() -> None:
    given = [one for one in answers(60) if one.shown]
    bias = compare_answers(ComparedAnswers(given, why_not="It cannot be told."))
    first, *others = bias.sentences
    assert first == "It cannot be told."
    assert len(others) == 3
    assert "(0 so far), half of them without pre-labels" in others[0]
    assert figure(bias, "agreement").needed is None


def test_a_break_is_no_time_of_annotation() -> None:
    given = answers(40)
    given[0].seconds = 1e6
    given[1].seconds = None
    bias = compare_answers(ComparedAnswers(given))
    assert bias.breaks == 1
    assert sum(figure(bias, "minutes").documents) == 38
    assert sum(figure(bias, "mentions_per_100_words").documents) == 40
    assert "Left out: the time of 1 answer with a break." in bias.sentences[0]
    assert BREAK > 5


def test_how_the_comparison_of_agreement_came_about_is_told_apart() -> None:
    pairs = [Sums(number, 1, number % 2 == 0, 6 + number % 3, 10) for number in range(20)]
    drawn = "Which documents both people had pre-labels on was drawn at random."
    alone = compare_answers(ComparedAnswers((), pairs, why_not="It cannot be told.", pairs_drawn=True)).sentences
    assert len(alone) == 2
    assert alone[1].endswith(drawn)
    both = compare_answers(ComparedAnswers(answers(40), pairs, drawn=True, pairs_drawn=True)).sentences
    assert "drawn at random" not in both[-1]
    other = compare_answers(ComparedAnswers(answers(40), pairs, drawn=True)).sentences
    assert other[-1].endswith(drawn.replace("was drawn", "was not drawn"))
    none = compare_answers(ComparedAnswers(answers(40), [one for one in pairs if not one.shown], drawn=True))
    assert "double_pre_labels in [team]" in none.sentences[-1]
    assert not none.as_dict()["agreement_drawn_at_random"]


def test_json_has_every_quantity() -> None:
    values = compare_answers(ComparedAnswers(answers(40), drawn=True)).as_dict()
    assert values["drawn_at_random"] is True
    assert set(values["minutes"]["documents"]) == {"with_pre_labels", "without"}
    assert values["agreement"]["difference"] is None
    assert values["mentions_per_100_words"]["interval"] is not None
