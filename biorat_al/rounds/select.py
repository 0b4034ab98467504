"""Step 5: choose the batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.acquisition.base import Budget, Candidates, Feature, Pick, QueryStrategy
from biorat_al.acquisition.registry import strategy as find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.corpus.model import Document
from biorat_al.learner.types import Uncertainty
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.pool import asked_documents
from biorat_al.rounds.train import model_folder
from biorat_al.settings import Settings
from biorat_al.store.documents import documents_by_id
from biorat_al.store.rounds import add_picks, models_of, predictions, unasked_documents

if TYPE_CHECKING:
    from biorat_al.learner.representation import Probe

NAMED = "named"
"""What stands for a strategy where the caller names the documents."""

CHOICE = 3
"""How many times over the documents drawn from a large pool could use up the budget, so that there is a choice."""

_MEASURES = tuple(field.name for field in fields(Uncertainty) if field.name != "tokens")


def run(context: Context) -> Finish:
    """Choose from the documents never asked for: by uncertainty where there is a model, else for diversity.

    Where the model has learnt relations, the uncertainties are of mentions and relations together. The strategies that
    ask the model again (see :data:`~biorat_al.acquisition.base.Feature`) ask it of mentions alone.

    A strategy that needs a model gives way to diversity while there is none; the counts then say so. From a pool larger
    than the settings' subsample, so many documents are drawn before a strategy looks at them that would ask more of the
    model; or more than that, if the budget is for more (see :data:`CHOICE`).
    """
    with context.store.read() as session:
        pool = unasked_documents(session, without_gold=context.gold_is_known)
        model = models_of(session, context.number).get(context.settings.training.selecting_arm)
    if not pool:
        return nothing("the pool is used up: every document has been asked for")
    version = model.version if model else None
    if context.request.documents is not None:
        return _named(context, pool, version, context.request.documents)
    selection = context.settings.selection
    strategy = find_strategy(context.request.strategy or (selection.strategy if model else selection.seed_strategy))
    counts: dict[str, Any] = {}
    if strategy.needs_model and model is None:
        counts["instead_of"], strategy = strategy.name, find_strategy("diverse")
    documents, candidates = _drawn(context, pool, version, whole=not strategy.subsampled)
    if len(documents) < len(pool):
        counts["drawn"] = len(documents)
    if version and strategy.needs:
        candidates = _with_features(context, strategy, candidates, list(documents.values()), version)
    picks = select(candidates, strategy, budget(context), seed=context.seed("select"), diverse=selection.diverse)
    return _picked(context, picks, documents, {"of": len(pool), "strategy": strategy.name, **counts})


def budget(context: Context) -> Budget:
    """The budget of this round: what was asked for, else the settings'."""
    if context.request.tokens is not None:
        return Budget(tokens=context.request.tokens)
    if context.request.size is not None:
        return Budget(documents=context.request.size)
    selection = context.settings.selection
    return Budget(tokens=selection.tokens) if selection.tokens is not None else Budget(documents=selection.size)


def _picked(context: Context, picks: Sequence[Pick], documents: dict[int, Document], counts: dict[str, Any]) -> Finish:
    row_ids = {document.id: row_id for row_id, document in documents.items()}

    def finish(session: Session) -> StepResult:
        add_picks(
            session,
            [
                {
                    "round_number": context.number,
                    "document_id": row_ids[pick.document_id],
                    "rank": rank,
                    "strategy": counts["strategy"],
                    "score": pick.score,
                    "reason": pick.reason,
                    "tokens": pick.tokens,
                }
                for rank, pick in enumerate(picks, start=1)
            ],
        )
        return StepResult(counts={"documents": len(picks), "tokens": sum(pick.tokens for pick in picks), **counts})

    return finish


def _named(context: Context, pool: list[int], version: str | None, names: Sequence[str]) -> Finish:
    """Pick what the caller has named; what has been asked for already is not in the pool any more."""
    place = {name: number for number, name in enumerate(names)}
    documents = {row_id: document for row_id, document in _in_order(context, pool).items() if document.id in place}
    if not documents:
        return nothing("every document that was named has been asked for")
    candidates = _candidates(context, documents, version)
    found = sorted(zip(candidates.ids, candidates.tokens.tolist(), strict=True), key=lambda one: place[one[0]])
    picks = [Pick(document_id, 0.0, "named by the caller", tokens) for document_id, tokens in found]
    return _picked(context, picks, documents, {"of": len(pool), "strategy": NAMED})


def _drawn(
    context: Context, pool: Sequence[int], version: str | None, *, whole: bool
) -> tuple[dict[int, Document], Candidates]:
    """The whole pool, or as many of its documents as the settings and the budget say, drawn by the round's seed."""
    limit = budget(context)
    number = max(context.settings.selection.subsample, CHOICE * (limit.documents or 0))
    if whole or number >= len(pool):
        documents = _in_order(context, pool)
        return documents, _candidates(context, documents, version)
    order = np.random.default_rng(context.seed("subsample")).permutation(np.asarray(pool)).tolist()
    while True:
        documents = _in_order(context, order[:number])
        candidates = _candidates(context, documents, version)
        if number >= len(pool) or limit.tokens is None:
            return documents, candidates
        payable = candidates.tokens[candidates.tokens <= limit.tokens]
        if payable.sum() >= CHOICE * limit.tokens:
            return documents, candidates
        # what a document costs is not known before it is read
        number *= 2


def _in_order(context: Context, row_ids: Sequence[int]) -> dict[int, Document]:
    """Documents by row id, in the order of their own ids: one that does not depend on how they were read."""
    with context.store.read() as session:
        documents = documents_by_id(session, row_ids, check=True)
    return dict(sorted(documents.items(), key=lambda item: item[1].id))


def _candidates(context: Context, documents: dict[int, Document], version: str | None) -> Candidates:
    texts = [document.text for document in documents.values()]
    if version:
        with context.store.read() as session:
            rows = predictions(session, version, list(documents))
        tokens = [rows[row_id].tokens for row_id in documents]
        uncertainty = {
            measure: np.array([getattr(rows[row_id], measure) for row_id in documents], dtype=np.float64)
            for measure in _MEASURES
        }
    else:
        tokens, uncertainty = context.encoder.count_tokens(texts), {}
    return Candidates(
        ids=[document.id for document in documents.values()],
        texts=texts,
        tokens=np.array(tokens, dtype=np.int64),
        uncertainty=uncertainty,
    )


def _with_features(
    context: Context, strategy: QueryStrategy, candidates: Candidates, documents: list[Document], version: str
) -> Candidates:
    """Ask the selecting arm's model what the strategy needs, of the candidates alone."""
    from biorat_al.learner.representation import Probe

    progress = context.progress
    with context.store.read() as session:
        model = next(row for row in models_of(session, context.number).values() if row.version == version)
    probe = Probe.load(model_folder(context, model))
    features = ask(probe, strategy.needs, documents, context.settings, context.seed("dropout"), progress)
    if not strategy.needs_labelled:
        return replace(candidates, features=features)
    with context.store.read() as session:
        asked = asked_documents(session, with_gold=context.gold_is_known)
    labelled = list(_in_order(context, asked).values())
    return replace(candidates, features=features, labelled=probe.embedding(labelled, progress=progress))


def ask(
    probe: Probe,
    needs: Collection[Feature],
    documents: Sequence[Document],
    settings: Settings,
    seed: int,
    progress: Progress = SILENT,
) -> dict[Feature, NDArray[np.float32]]:
    """Ask a model what strategies need of each document besides its predictions.

    :param seed: of the passes with dropout.
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
