"""Step 4: select the batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.acquisition.base import Budget, Candidates, Feature, Pick, QueryStrategy
from biorat_al.acquisition.price.work import words_in
from biorat_al.acquisition.registry import find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.acquisition.uniform import Random, Stratified
from biorat_al.corpus.model.document import Document
from biorat_al.learner.types import Uncertainty
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.completing import COMPLETING, completable, in_order_of_missed
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.expected_seconds import expected_seconds, seconds_of_a_document
from biorat_al.rounds.pool import asked_documents, never_asked, predicted_sample
from biorat_al.rounds.segments import make_missing_segments
from biorat_al.rounds.steps.candidates import CHOICE, strategy_of
from biorat_al.rounds.steps.predict import predict_begun
from biorat_al.rounds.steps.train import model_folder
from biorat_al.rounds.team.doubles import DOUBLES, NO_DOUBLES, STRATEGY, DrawnDoubles, draw_doubles
from biorat_al.settings import Settings
from biorat_al.store.annotations import CHUNK
from biorat_al.store.documents import documents_by_id, texts_by_id
from biorat_al.store.models import expected_by_label, models_of, predicted_documents
from biorat_al.store.parts.segments import asked_of_documents, parents_of
from biorat_al.store.picks import add_picks
from biorat_al.store.pool_arrays import PoolKeys, pool_history, pool_keys, pool_measures

if TYPE_CHECKING:
    from biorat_al.learner.committee.probe import CommitteeProbe
    from biorat_al.learner.entities.probe import Probe

FRAME = "frame"
"""Entry of the step's counts that says what a random sample was drawn from; see :func:`_frame`."""

NAMED = "named"
"""Name recorded as the strategy if the caller names the documents."""

IN_MEMORY = 10_000
"""Most texts kept in memory at once; for a strategy that looks at a whole, larger pool, texts are read on demand."""

_MEASURES = tuple(field.name for field in fields(Uncertainty) if field.name != "tokens")


def run(context: Context) -> Finish:
    """Select among the documents, or the sentences, never asked for, by the strategy of the request or the settings.

    A number of documents buys as many sentences as take the time of so many documents (see :func:`budget`).

    If the model has learnt relations, its uncertainties cover mentions and relations together. Strategies that ask the
    model for more (see :data:`~biorat_al.acquisition.base.Feature`) consider mentions only.

    Without a model, the settings' seed strategy is the default, and a strategy that needs a model is replaced by
    ``diverse``; the counts then say so. If a strategy asks the model for more and the pool is larger than the settings'
    subsample, only a random subsample of that size is considered, or a larger one if the budget requires it (see
    :data:`CHOICE`).

    If only a part of the pool was predicted, a strategy that needs the model selects among that part; see
    :mod:`biorat_al.rounds.steps.candidates`.

    A round that completes documents selects among those that were begun; see :mod:`biorat_al.rounds.completing`.
    Otherwise, with a group of annotators, a share of the batch is drawn for two of them first; see
    :mod:`biorat_al.rounds.team.doubles`.
    """
    if context.request.complete or _begun_come_first(context):
        return _completing(context)
    make_missing_segments(context)
    with context.store.read() as session:
        pool = never_asked(session, context.unit, without_gold=context.gold_is_known)
        model = models_of(session, context.number).get(context.settings.training.selecting)
        sample = predicted_sample(session, context.number)
    if not pool:
        return nothing(f"the pool is used up: every {context.unit} has been asked for")
    version = model.version if model else None
    # where only a part is predicted, what does not follow the predictions chooses from the whole pool
    known = None if sample else version
    if context.request.documents is not None:
        return _named(context, pool, known, context.request.documents)
    selection = context.settings.selection
    strategy = strategy_of(context, has_model=model is not None)
    counts: dict[str, Any] = {}
    if strategy.needs_model and model is None:
        counts["instead_of"], strategy = strategy.name, find_strategy("diverse")
    limit = budget(context)
    doubles = draw_doubles(context, pool, limit)
    others = [one for one in pool if one not in doubles.picks] if doubles.picks else pool
    if sample and version and strategy.needs_model:
        others, known = _predicted(context, others, version), version
        counts["candidates"] = len(others)
    if doubles.left is None or not others:
        return _picked(context, [], {}, {"of": len(pool), "strategy": strategy.name, **counts}, doubles)
    limit = doubles.left
    keys, candidates = _drawn(context, others, known, whole=not strategy.subsampled)
    if known and strategy.needs_history:
        with context.store.read() as session:
            candidates = replace(candidates, history=pool_history(session, known, keys.row_ids))
    if context.unit == "sentence":
        counts["unit"], candidates = context.unit, _with_strata(context, candidates, list(keys))
    if len(keys) < len(others):
        counts["drawn"] = len(keys)
    if known and strategy.needs:
        candidates = _with_features(context, strategy, candidates, _documents(context, keys), known)
    if selection.per == "hour" or limit.seconds is not None:
        with context.store.read() as session:
            seconds = expected_seconds(session, context.settings, keys, candidates.texts, known)
        candidates = replace(candidates, costs=seconds)
    if selection.per == "hour":
        candidates, counts["per"] = replace(candidates, seconds=candidates.costs), "hour"
    picks = select(candidates, strategy, limit, seed=context.seed("select"), diverse=selection.diverse)
    if version and is_random_draw({**counts, "strategy": strategy.name}):
        if doubles.picks and not sample:
            # these belong to the sample as well
            keys, candidates = _drawn(context, pool, version, whole=True)
        # of a pool that was predicted in part, the random sample stands for the whole
        counts[FRAME] = {"model": version, **sample} if sample else _frame(context, keys, candidates, version)
    return _picked(context, picks, keys, {"of": len(pool), "strategy": strategy.name, **counts}, doubles)


def is_random_draw(counts: Mapping[str, Any]) -> bool:
    """Return whether every text that the step could pick was equally likely to be picked.

    A choice per hour prefers short texts, and stratified sentences those of short documents.

    :param counts: of the step.
    """
    equal = {Random.name} if counts.get("unit") == "sentence" else {Random.name, Stratified.name}
    return counts.get("strategy") in equal and "per" not in counts


def _frame(context: Context, keys: Iterable[int], candidates: Candidates, version: str) -> dict[str, Any]:
    """Return what a random sample is drawn from: its words, and the mentions that the model expects in it, by label.

    The model's predictions of what is not picked are deleted by the next round, which has learnt from the sample.
    """
    with context.store.read() as session:
        expected = expected_by_label(session, version, list(keys))
    words = sum(words_in(text) for text in candidates.texts)
    return {"model": version, "words": words, "expected": expected}


def budget(context: Context) -> Budget:
    """Return the budget of this round: the request's, or else the settings'.

    If sentences are asked for, a number of documents becomes the seconds that so many documents are expected to take
    without pre-labels.
    """
    selection = context.settings.selection
    tokens, size = context.request.tokens, context.request.size
    if tokens is None and size is None:
        tokens, size = selection.tokens, selection.size
    if tokens is not None:
        return Budget(tokens=tokens)
    size = size if size is not None else selection.size
    if context.unit == "document":
        return Budget(documents=size)
    with context.store.read() as session:
        return Budget(seconds=size * seconds_of_a_document(session, context.settings))


def _picked(
    context: Context,
    picks: Sequence[Pick],
    keys: Mapping[int, str],
    counts: dict[str, Any],
    doubles: DrawnDoubles = NO_DOUBLES,
) -> Finish:
    wanted = {pick.document_id for pick in picks}
    row_ids = {key: row_id for row_id, key in keys.items() if key in wanted}
    chosen = [(row_ids[pick.document_id], counts["strategy"], pick) for pick in picks]
    chosen += [(row_id, STRATEGY, pick) for row_id, pick in doubles.picks.items()]
    if doubles.picks:
        counts = {**counts, DOUBLES: list(doubles.picks)}

    def finish(session: Session) -> StepResult:
        add_picks(
            session,
            [
                {
                    "round_number": context.number,
                    "document_id": row_id,
                    "rank": rank,
                    "strategy": strategy,
                    "score": pick.score,
                    "reason": pick.reason,
                    "tokens": pick.tokens,
                }
                for rank, (row_id, strategy, pick) in enumerate(chosen, start=1)
            ],
        )
        tokens = sum(pick.tokens for *_, pick in chosen)
        return StepResult(counts={"documents": len(chosen), "tokens": tokens, **counts})

    return finish


def _begun_come_first(context: Context) -> bool:
    """Return whether ``unit = "auto"`` has gone over to documents, and some of those that were begun can be completed.

    A request for a unit, a strategy, word pieces or certain documents is followed instead.
    """
    request, settings = context.request, context.settings
    asked = (request.unit, request.strategy, request.tokens, request.documents)
    if settings.selection.unit != "auto" or context.unit != "document" or any(one is not None for one in asked):
        return False
    with context.store.read() as session:
        return bool(completable(session, settings))


def _completing(context: Context) -> Finish:
    """Pick the begun documents in which most missed mentions are expected."""
    with context.store.read() as session:
        begun = completable(session, context.settings)
    if not begun:
        return nothing("no document can be completed: none was begun, or its sentences are still with the annotators")
    version = predict_begun(context, begun)
    keys = _in_order(context, begun)
    picks = in_order_of_missed(context, keys, version)[: context.request.size or context.settings.selection.size]
    return _picked(context, picks, keys, {"of": len(begun), "strategy": COMPLETING})


def _named(context: Context, pool: list[int], version: str | None, names: Sequence[str]) -> Finish:
    """Pick the documents or segments that the caller named; those already asked for are no longer in the pool."""
    place = {name: number for number, name in enumerate(names)}
    named = [row_id for row_id, key in _in_order(context, pool).items() if key in place]
    keys = _in_order(context, named)
    if not named:
        return nothing("every document that was named has been asked for")
    candidates = _candidates(context, keys, version)
    found = sorted(zip(candidates.ids, candidates.tokens.tolist(), strict=True), key=lambda one: place[one[0]])
    picks = [Pick(document_id, 0.0, "named by the caller", tokens) for document_id, tokens in found]
    return _picked(context, picks, keys, {"of": len(pool), "strategy": NAMED})


def _drawn(context: Context, pool: Sequence[int], version: str | None, *, whole: bool) -> tuple[PoolKeys, Candidates]:
    """Return the whole pool, or a random subsample; settings and budget decide its size, the round's seed the draw."""
    limit = budget(context)
    number = max(context.settings.selection.subsample, CHOICE * (limit.documents or 0))
    if whole or number >= len(pool):
        keys = _in_order(context, pool)
        return keys, _candidates(context, keys, version, stream=whole and len(keys) > IN_MEMORY)
    order = np.random.default_rng(context.seed("subsample")).permutation(np.asarray(pool)).tolist()
    while True:
        keys = _in_order(context, order[:number])
        candidates = _candidates(context, keys, version)
        if number >= len(pool) or limit.tokens is None:
            return keys, candidates
        payable = candidates.tokens[candidates.tokens <= limit.tokens]
        if payable.sum() >= CHOICE * limit.tokens:
            return keys, candidates
        # the cost of a document is unknown until it is read
        number *= 2


def _predicted(context: Context, row_ids: Sequence[int], version: str) -> list[int]:
    """Return which of these the model has predicted."""
    with context.store.read() as session:
        predicted = predicted_documents(session, version)
    return [row_id for row_id in row_ids if row_id in predicted]


def _in_order(context: Context, row_ids: Sequence[int]) -> PoolKeys:
    """Return document ids by row id, in an order that does not depend on how they were read."""
    with context.store.read() as session:
        return pool_keys(session, row_ids)


def _documents(context: Context, row_ids: Iterable[int]) -> list[Document]:
    """Return documents in the order of `row_ids`."""
    wanted = list(row_ids)
    with context.store.read() as session:
        documents = documents_by_id(session, wanted, check=True)
    return [documents[row_id] for row_id in wanted]


class _Texts(Sequence[str]):
    """Texts of many documents, read on demand, so that a large pool is never in memory as a whole."""

    def __init__(self, context: Context, row_ids: NDArray[np.int64]) -> None:
        self._context = context
        self._row_ids = row_ids

    def __len__(self) -> int:
        return len(self._row_ids)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK):
            yield from self._read(self._row_ids[start : start + CHUNK])

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return self._read(self._row_ids[place])
        return self._read(self._row_ids[[place]])[0]

    def _read(self, row_ids: NDArray[np.int64]) -> list[str]:
        with self._context.store.read() as session:
            return list(texts_by_id(session, row_ids.tolist()).values())


def _candidates(context: Context, keys: PoolKeys, version: str | None, *, stream: bool = False) -> Candidates:
    texts: Sequence[str] = _Texts(context, keys.row_ids)
    if not stream:
        texts = list(texts)
    uncertainty: dict[str, NDArray[np.float64]] = {}
    if version:
        # an earlier version of the program, which predicted the pool before it was upgraded, measured fewer
        with context.store.read() as session:
            uncertainty = pool_measures(session, version, keys.row_ids, ("tokens", *_MEASURES))
        tokens = uncertainty.pop("tokens").astype(np.int64)
    else:
        tokens = np.array(context.encoder.count_tokens(texts), dtype=np.int64)
    return Candidates(ids=keys.keys_in_order, texts=texts, tokens=tokens, uncertainty=uncertainty)


def _with_strata(context: Context, candidates: Candidates, row_ids: Sequence[int]) -> Candidates:
    """Add to sentences which document each is a part of, and how many of it were asked for before."""
    with context.store.read() as session:
        parents = parents_of(session, row_ids)
        asked = asked_of_documents(session)
    strata = np.array([parents[row_id] for row_id in row_ids], dtype=np.int64)
    return replace(candidates, strata=strata, asked=np.array([asked[one] for one in strata.tolist()], dtype=np.int64))


def _with_features(
    context: Context, strategy: QueryStrategy, candidates: Candidates, documents: list[Document], version: str
) -> Candidates:
    """Add to the candidates the features that the strategy needs from the selecting model."""
    from biorat_al.learner.committee.probe import load_probe

    progress = context.progress
    with context.store.read() as session:
        model = next(row for row in models_of(session, context.number).values() if row.version == version)
    probe = load_probe(model_folder(context, model))
    features = ask(probe, strategy.needs, documents, context.settings, context.seed("dropout"), progress)
    if not strategy.needs_labelled:
        return replace(candidates, features=features)
    with context.store.read() as session:
        asked = asked_documents(session, with_gold=context.gold_is_known)
    labelled = _documents(context, _in_order(context, asked))
    return replace(candidates, features=features, labelled=probe.embedding(labelled, progress=progress))


def ask(
    probe: Probe | CommitteeProbe,
    needs: Collection[Feature],
    documents: Sequence[Document],
    settings: Settings,
    seed: int,
    progress: Progress = SILENT,
) -> dict[Feature, NDArray[np.float32]]:
    """Compute the features that strategies need for each document besides its prediction.

    :param seed: seed of the passes with dropout.
    :return: by feature, an array with one row per document.
    """
    features: dict[Feature, NDArray[np.float32]] = {}
    if "embedding" in needs:
        features["embedding"] = probe.embedding(documents, progress=progress)
    if "gradient" in needs:
        features["gradient"] = probe.gradient(documents, progress=progress)
    if "disagreement" in needs:
        features["disagreement"] = probe.disagreement(
            documents, passes=settings.selection.mc_passes, seed=seed, progress=progress
        )
    if "sensitivity" in needs:
        features["sensitivity"] = probe.sensitivity(documents, settings=settings.adversarial, progress=progress)
    return features
