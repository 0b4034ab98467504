"""The audit's confident learning beside that of cleanlab, on the same probabilities out of sample.

cleanlab is no dependency; the test runs where it is installed (``pip install -e '.[crosscheck]'``). The model of this
test knows its own probability of each label for each word, so that cleanlab has what it needs. Of a model of a round,
the audit sees only what a project keeps, the predicted mentions with their confidence. Of a model that was trained for
the audit it sees the same as cleanlab, and has to find the same words.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from biorat_al.corpus.model.document import Annotation, Document, Entity, Span
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.confident import NO_CLASS, class_thresholds, doubtful
from biorat_al.people.audit.doubted_words import word_findings
from biorat_al.people.audit.predictions import Predicted, WordChances, model_findings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    filters = pytest.importorskip("cleanlab.filter", reason="cleanlab is missing: pip install -e '.[crosscheck]'")
    ranks = pytest.importorskip("cleanlab.rank")
    tokens = pytest.importorskip("cleanlab.token_classification.filter")

LABELS = ("", "Chemical", "Disease")
"""The classes of a word; the first is none."""

DOCUMENTS, WORDS = 250, 20

Place = tuple[int, int]


class Corpus(NamedTuple):
    """Documents whose words have a given label, and a model's probabilities of each label.

    :param given: class of each word, shape (documents, words); in one of thirty words it is another than the true one.
    :param planted: the places where it is.
    :param probabilities: shape (documents, words, classes).
    """

    given: NDArray[np.int64]
    planted: set[Place]
    probabilities: NDArray[np.float64]


def draw(seed: int) -> Corpus:
    """Draw a corpus and a calibrated model: the true classes follow its probabilities."""
    generator = np.random.default_rng(seed)
    favourite = generator.choice(3, (DOCUMENTS, WORDS), p=(0.7, 0.15, 0.15))
    probabilities = np.zeros((DOCUMENTS, WORDS, 3))
    for place in np.ndindex(DOCUMENTS, WORDS):
        concentration = np.full(3, 0.15)
        concentration[favourite[place]] = 4.0
        probabilities[place] = generator.dirichlet(concentration)
    drawn = generator.random((DOCUMENTS, WORDS, 1))
    true = (probabilities.cumsum(-1) < drawn).sum(-1).clip(max=2)
    wrong = generator.random((DOCUMENTS, WORDS)) < 1 / 30
    given = np.where(wrong, (true + generator.integers(1, 3, true.shape)) % 3, true)
    return Corpus(given, {(int(row), int(word)) for row, word in np.argwhere(wrong)}, probabilities)


def audited(corpus: Corpus) -> dict[Place, float]:
    """Return the score of each place at which the audit finds a mention missed, or with another label."""
    words = [f"word{number:02d}" for number in range(WORDS)]
    spans = [Span(7 * number, 7 * number + 6) for number in range(WORDS)]
    documents, predicted = [], {}
    for row in range(DOCUMENTS):
        best = corpus.probabilities[row].argmax(-1)
        marks = [
            _mention(word, corpus.given[row, word], spans[word]) for word in range(WORDS) if corpus.given[row, word]
        ]
        proposed = [
            _mention(word, best[word], spans[word], float(corpus.probabilities[row, word, best[word]]))
            for word in range(WORDS)
            if best[word]
        ]
        documents.append(Worded(AnnotatedDocument(Document(str(row), " ".join(words)), Annotation(tuple(marks)))))
        predicted[str(row)] = Predicted("model", tuple(proposed))
    return {
        (int(one.excerpt.document), one.excerpt.start // 7): one.evidence[0].score
        for one in model_findings(documents, predicted)
    }


def _mention(word: int, label: int, span: Span, score: float | None = None) -> Entity:
    return Entity(f"T{word}", LABELS[label], (span,), score=score)


def where_a_mention_is_predicted(corpus: Corpus, places: list[Place]) -> list[Place]:
    """Leave out what the audit cannot see: how improbable the model finds a mention that it does not predict."""
    return [place for place in places if corpus.probabilities[place].argmax()]


@pytest.mark.parametrize("seed", range(3))
def test_the_audit_ranks_as_cleanlab_does_and_finds_the_same_worst_places(seed: int) -> None:
    corpus = draw(seed)
    ours = audited(corpus)
    labels, probabilities = corpus.given.reshape(-1), corpus.probabilities.reshape(-1, 3)
    quality = ranks.get_label_quality_scores(labels, probabilities, method="normalized_margin")
    places = sorted(ours)
    # the audit believes no confidence above 0.99, so that the surest places are tied
    theirs = [min(1 - quality[row * WORDS + word], 0.99) for row, word in places]
    assert len(places) > 30
    assert spearmanr([ours[place] for place in places], theirs).statistic > 0.9

    ranked = filters.find_label_issues(
        labels, probabilities, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    theirs_first = where_a_mention_is_predicted(corpus, [divmod(int(index), WORDS) for index in ranked])[:30]
    ours_first = sorted(places, key=lambda place: -ours[place])[:30]
    assert len(set(ours_first) & set(theirs_first)) >= 24


@pytest.mark.parametrize("seed", range(3))
def test_on_tokens_as_well_and_planted_errors_are_found_as_often(seed: int) -> None:
    corpus = draw(seed)
    ours = audited(corpus)
    found = tokens.find_label_issues(
        [row.tolist() for row in corpus.given], list(corpus.probabilities),
        return_indices_ranked_by="normalized_margin", n_jobs=1,
    )  # fmt: skip
    theirs = where_a_mention_is_predicted(corpus, [(int(row), int(word)) for row, word in found])
    first = min(len(theirs), len(ours), 40)
    ours_first = sorted(ours, key=lambda place: -ours[place])[:first]
    assert len(set(ours_first) & set(theirs[:first])) >= 0.75 * first
    right = [len(corpus.planted & set(some)) / first for some in (ours_first, theirs[:first])]
    assert right[0] >= right[1] - 0.1


@pytest.mark.parametrize("seed", range(3))
def test_with_the_probabilities_of_all_labels_the_same_words_are_doubtful_as_for_cleanlab(seed: int) -> None:
    corpus = draw(seed)
    labels, probabilities = corpus.given.reshape(-1), corpus.probabilities.reshape(-1, 3)
    ours = np.flatnonzero(doubtful(labels, probabilities, class_thresholds(labels, probabilities)) != NO_CLASS)
    theirs = np.flatnonzero(filters.find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1))
    assert len(ours) > 50
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_findings_at_words_are_among_those_of_cleanlab_and_the_first_ones_are_planted(seed: int) -> None:
    corpus = draw(seed)
    words = [f"word{number:02d}" for number in range(WORDS)]
    starts = np.arange(WORDS) * 7
    documents, predicted = [], {}
    for row in range(DOCUMENTS):
        marks = tuple(
            _mention(word, corpus.given[row, word], Span(7 * word, 7 * word + 6))
            for word in range(WORDS)
            if corpus.given[row, word]
        )
        documents.append(Worded(AnnotatedDocument(Document(str(row), " ".join(words)), Annotation(marks))))
        # of independent chains whose combination has these probabilities of the classes
        odds = corpus.probabilities[row, :, 1:] / np.maximum(corpus.probabilities[row, :, :1], 1e-9)
        chances = WordChances(LABELS[1:], starts, starts + 6, odds / (1 + odds))
        predicted[str(row)] = Predicted("model", (), words=chances)
    findings = list(word_findings(documents, predicted))
    covered = {
        (int(one.excerpt.document), word)
        for one in findings
        for word in range(one.excerpt.start // 7, (one.excerpt.end + 6) // 7)
    }
    labels, probabilities = corpus.given.reshape(-1), corpus.probabilities.reshape(-1, 3)
    theirs = {
        divmod(int(index), WORDS)
        for index in np.flatnonzero(
            filters.find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
        )
    }
    first = sorted(findings, key=lambda one: -one.score)[:40]
    alone = {place for place in covered if place in theirs}
    assert len(alone) >= 0.9 * len(covered)
    right = [
        any((int(one.excerpt.document), word) in corpus.planted
            for word in range(one.excerpt.start // 7, (one.excerpt.end + 6) // 7))
        for one in first
    ]  # fmt: skip
    assert np.mean(right) >= 0.8
