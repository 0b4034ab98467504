"""Step 5: choose the batch."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from sqlalchemy.orm import Session

from biorat_al.acquisition.base import Budget, Candidates
from biorat_al.acquisition.registry import strategy as find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.learner.types import Uncertainty
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.store.documents import documents_by_id
from biorat_al.store.rounds import add_picks, models_of, predictions, unasked_documents

_MEASURES = tuple(field.name for field in fields(Uncertainty) if field.name != "tokens")


def run(context: Context) -> Finish:
    """Choose from the documents never asked for: by uncertainty where there is a model, else for diversity.

    A strategy that needs a model gives way to diversity while there is none; the counts then say so.
    """
    with context.store.read() as session:
        pool = unasked_documents(session, without_gold=context.gold_is_known)
        model = models_of(session, context.number).get(context.settings.training.selecting_arm)
    if not pool:
        return nothing("the pool is used up: every document has been asked for")
    selection = context.settings.selection
    strategy = find_strategy(context.request.strategy or (selection.strategy if model else selection.seed_strategy))
    instead_of = None
    if strategy.needs_model and model is None:
        instead_of, strategy = strategy.name, find_strategy("diverse")
    candidates = _candidates(context, pool, model.version if model else None)
    picks = select(candidates, strategy, budget(context), seed=context.seed("select"), diverse=selection.diverse)
    row_ids = dict(zip(candidates.ids, pool, strict=True))

    def finish(session: Session) -> StepResult:
        add_picks(
            session,
            [
                {
                    "round_number": context.number,
                    "document_id": row_ids[pick.document_id],
                    "rank": rank,
                    "strategy": strategy.name,
                    "score": pick.score,
                    "reason": pick.reason,
                    "tokens": pick.tokens,
                }
                for rank, pick in enumerate(picks, start=1)
            ],
        )
        return StepResult(
            counts={
                "documents": len(picks),
                "tokens": sum(pick.tokens for pick in picks),
                "of": len(pool),
                "strategy": strategy.name,
            }
            | ({"instead_of": instead_of} if instead_of else {})
        )

    return finish


def budget(context: Context) -> Budget:
    """The budget of this round: what was asked for, else the settings'."""
    if context.request.tokens is not None:
        return Budget(tokens=context.request.tokens)
    if context.request.size is not None:
        return Budget(documents=context.request.size)
    selection = context.settings.selection
    return Budget(tokens=selection.tokens) if selection.tokens is not None else Budget(documents=selection.size)


def _candidates(context: Context, pool: list[int], version: str | None) -> Candidates:
    with context.store.read() as session:
        documents = documents_by_id(session, pool)
        rows = predictions(session, version, pool) if version else {}
    texts = [documents[document_id].text for document_id in pool]
    if version:
        tokens = [rows[document_id].tokens for document_id in pool]
        uncertainty = {
            measure: np.array([getattr(rows[document_id], measure) for document_id in pool], dtype=np.float64)
            for measure in _MEASURES
        }
    else:
        tokens, uncertainty = context.encoder.count_tokens(texts), {}
    return Candidates(
        ids=[documents[document_id].id for document_id in pool],
        texts=texts,
        tokens=np.array(tokens, dtype=np.int64),
        uncertainty=uncertainty,
    )
