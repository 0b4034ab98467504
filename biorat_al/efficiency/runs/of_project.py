"""A real project read as runs, one per arm; in each round all arms learn from the same corrections."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import AnsweredWork, answered_work
from biorat_al.acquisition.price.work import Work, total
from biorat_al.corpus.model.role import LEARNT_ROLES
from biorat_al.efficiency.runs.changed_settings import changed_settings
from biorat_al.efficiency.runs.model import ConfidenceBin, Point, Run
from biorat_al.settings import COMMITTEE, Settings
from biorat_al.store.documents import document_keys, documents_by_id
from biorat_al.store.evaluations import Triple, document_counts_of, evaluation, reliability_of, robustness_of
from biorat_al.store.models import models_of
from biorat_al.store.parts.segments import parents_of, shares_of
from biorat_al.store.rounds import all_rounds, steps_of
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, DocumentRow, EvaluationRow, ModelRow, PickRow, RoundRow, StepRow

COSTS = ("forward_passes", "backward_passes", "adversarial_steps", "steps", "tokens", "seconds", "peak_memory")
"""Costs that a model's summary may give; models of older versions give fewer."""

_ENVIRONMENT = ("encoder", "device", "dtype", "threads", "libraries")
"""Entries of a model's summary on the machine that trained it."""

_SHAPING = (
    "seed", "entities", "relations", "encoder", "training", "adversarial", "relation_extraction", "selection",
    "borrow",
)  # fmt: skip
"""Settings that a round's models depend on. They can be edited between rounds, so each round stores them."""

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""A function that counts the word pieces of each text."""


@dataclass(frozen=True, slots=True)
class _Revision:
    """One revision of an answer: when it was fetched, when it was deleted, and whether it can count."""

    document_id: int
    answer: str
    fetched_round: int
    deleted_at: datetime | None
    counts: bool


def live_runs(
    store: Store, settings: Settings, count_tokens: CountTokens | None = None, *, fingerprints: bool = True
) -> list[Run]:
    """Return the project's rounds as one run per arm, in the order of the settings.

    Each trained model is a point. A model that was not measured on test documents has no counts
    (see :func:`~biorat_al.efficiency.report.study.comparable`).

    :param count_tokens: counts the word pieces of documents that came with gold annotations and that no round chose;
        None counts them as 0.
    :param fingerprints: say in the provenance which documents the project has, which looks at each of them.
    """
    with store.read() as session:
        rounds = all_rounds(session)
        steps = {row.number: {step.name: step for step in steps_of(session, row.number)} for row in rounds}
        models = {row.number: models_of(session, row.number) for row in rounds}
        picks = list(session.scalars(select(PickRow).order_by(PickRow.round_number, PickRow.rank)))
        known = _known_documents(session, settings, rounds, steps)
        tokens = {pick.document_id: pick.tokens for pick in picks}
        tokens |= _tokens_of_others(session, set().union(*known.values()) - tokens.keys(), count_tokens)
        everything = sorted(set().union(*known.values()))
        keys = document_keys(session, everything)
        shares, parents = shares_of(session, everything), parents_of(session, everything)
        # once a document has an answer as a whole, its sentences no longer count
        known = {number: frozenset(one for one in ids if parents.get(one) not in ids) for number, ids in known.items()}
        order = {pick.document_id: place for place, pick in enumerate(picks)}
        done = answered_work(session, LEARNT_ROLES)
        data = {split: _fingerprint(session, split) for split in ("pool", "test")} if fingerprints else {}
        runs = []
        for arm in _arms(settings, models.values()):
            points: list[Point] = []
            before: frozenset[int] = frozenset()
            for row in rounds:
                model = models[row.number].get(arm)
                if model is None:
                    continue
                ids = known[row.number]
                new = sorted(ids - before, key=lambda one: (order.get(one, -1), one))
                point = _point(session, model, ids, tokens, [keys[one] for one in new], steps[row.number])
                worth = _documents_worth(point.documents, ids, shares)
                points.append(point.model_copy(update={"documents": worth, "work": _work_until(done, row.number)}))
                before = ids
            if points:
                runs.append(_run(settings, arm, points, rounds, models, picks, data))
    return runs


def label_counts(store: Store, runs: Sequence[Run]) -> dict[str, dict[str, dict[str, Triple]]]:
    """Return strict span counts of the last model of each run: arm → label → test document.

    :param runs: the project's runs; only the test documents of their last points count.
    """
    found: dict[str, dict[str, dict[str, Triple]]] = {}
    with store.read() as session:
        for run in runs:
            by_label = found.setdefault(run.arm, {})
            rows = session.execute(
                select(EvaluationRow, DocumentRow.key)
                .join(DocumentRow, DocumentRow.id == EvaluationRow.document_id)
                .join(ModelRow, ModelRow.version == EvaluationRow.model_version)
                .where(ModelRow.arm == run.arm, ModelRow.round_number == run.points[-1].round)
                .order_by(EvaluationRow.label, EvaluationRow.document_id)
            )
            for row, key in rows:
                if key in run.points[-1].counts:
                    counts = (row.true_positives, row.false_positives, row.false_negatives)
                    by_label.setdefault(row.label, {})[key] = counts
    return found


def _arms(settings: Settings, models: Iterable[Mapping[str, ModelRow]]) -> list[str]:
    """Return the arms that have a model: those in the settings, those that were removed from them, the committee."""
    trained = {arm for by_arm in models for arm in by_arm}
    known = (*settings.training.arms, *sorted(trained - {*settings.training.arms, COMMITTEE}), COMMITTEE)
    return [arm for arm in known if arm in trained]


def _known_documents(
    session: Session, settings: Settings, rounds: Sequence[RoundRow], steps: Mapping[int, Mapping[str, StepRow]]
) -> dict[int, frozenset[int]]:
    """Return for each round the row ids of the pool documents that had an answer when it was trained."""
    revisions: dict[str, list[_Revision]] = defaultdict(list)
    rows = session.execute(
        select(
            AnnotationRow.document_id,
            AnnotationRow.task_id,
            AnnotationRow.desk_annotation_id,
            AnnotationRow.fetched_round,
            AnnotationRow.deleted_at,
            AnnotationRow.skipped,
            AnnotationRow.usable,
            AnnotationRow.made_from,
        )
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .where(DocumentRow.split.in_(LEARNT_ROLES), AnnotationRow.source == "person")
        .order_by(AnnotationRow.id)
    )
    for document_id, task_id, answer_id, fetched_round, deleted_at, skipped, usable, made_from in rows:
        answer = f"{task_id}:{answer_id}"
        counts = usable and not skipped and made_from is None
        revisions[answer].append(_Revision(document_id, answer, fetched_round or 0, deleted_at, counts))
    gold = frozenset[int]()
    if settings.gold_is_known:
        gold = frozenset(
            session.scalars(
                select(AnnotationRow.document_id)
                .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
                .where(DocumentRow.split == "pool", AnnotationRow.source == "gold", AnnotationRow.current.is_(True))
            )
        )
    known = {}
    for row in rounds:
        trained_at = steps[row.number]["train"].started_at
        ids = set(gold)
        for answer_revisions in revisions.values():
            fetched = [revision for revision in answer_revisions if revision.fetched_round <= row.number]
            if fetched and fetched[-1].counts and not _was_gone(fetched[-1], trained_at):
                ids.add(fetched[-1].document_id)
        known[row.number] = frozenset(ids)
    return known


def _documents_worth(number: int, ids: frozenset[int], shares: Mapping[int, float]) -> int:
    """Return how many documents a model learnt from, with each sentence as the share of its document that it is.

    :param number: of the documents and sentences that it learnt from.
    :param ids: their row ids.
    :param shares: of the characters of its document that each sentence has, by row id.
    """
    parts = [shares[one] for one in ids if one in shares]
    return max(number - len(parts) + round(sum(parts)), 1) if parts else number


def _was_gone(revision: _Revision, at: datetime | None) -> bool:
    """Return whether the answer had been deleted by then."""
    return revision.deleted_at is not None and at is not None and revision.deleted_at <= at


def _work_until(done: Sequence[AnsweredWork], number: int) -> Work:
    """Return the work of the answers that were fetched in a round or before it."""
    return total(one.work for one in done if (one.fetched or 0) <= number)


def _tokens_of_others(session: Session, ids: set[int], count_tokens: CountTokens | None) -> dict[int, int]:
    """Count the word pieces of documents by row id; return nothing without a function that counts."""
    if count_tokens is None or not ids:
        return {}
    documents = documents_by_id(session, sorted(ids))
    counts = count_tokens([document.text for document in documents.values()])
    return dict(zip(documents, map(int, counts), strict=True))


def _point(
    session: Session,
    model: ModelRow,
    ids: frozenset[int],
    tokens: Mapping[int, int],
    new: Sequence[str],
    steps: Mapping[str, StepRow],
) -> Point:
    summary = model.summary
    train = steps["train"].counts
    return Point(
        round=model.round_number,
        documents=summary["documents"] + summary["dev_documents"],
        tokens=sum(tokens.get(one, 0) for one in ids),
        mentions=train.get("mentions", 0),
        picks=tuple(new),
        counts=document_counts_of(session, model.version),
        by_label={
            label: (counts.true_positives, counts.false_positives, counts.false_negatives)
            for label, counts in evaluation(session, model.version).items()
            if label is not None
        },
        cost={name: summary[name] for name in COSTS if isinstance(summary.get(name), (int, float))},
        reliability=tuple(
            ConfidenceBin(count=row.count, confidence=row.confidence, right=row.right)
            for row in reliability_of(session, model.version)
        ),
        robustness=robustness_of(session, model.version),
        seconds={name: step.seconds for name, step in steps.items() if step.seconds is not None},
    )


def _run(
    settings: Settings,
    arm: str,
    points: Sequence[Point],
    rounds: Sequence[RoundRow],
    models: Mapping[int, Mapping[str, ModelRow]],
    picks: Sequence[PickRow],
    data: Mapping[str, str],
) -> Run:
    selecting = dict.fromkeys(model.arm for by_arm in models.values() for model in by_arm.values() if model.selecting)
    strategies = dict.fromkeys(pick.strategy for pick in picks if models.get(pick.round_number))
    own = [by_arm[arm] for by_arm in models.values() if arm in by_arm]
    summary = own[-1].summary
    by_round = {row.number: _shaping(row.settings) for row in rounds if models[row.number]}
    values = settings.model_dump(mode="json", exclude={"database", "cluster"})
    newest = values | _shaping(values) | by_round[max(by_round)]
    encoder = by_round[own[-1].round_number].get("encoder", newest["encoder"])["name"]
    return Run(
        id=f"{settings.name}-{arm}",
        kind="live",
        corpus=settings.name,
        encoder=encoder,
        arm=arm,
        strategy=", ".join(strategies) or settings.selection.strategy,
        # one seed for the whole project: its arms are pairs in each round, even if the seed was edited between rounds
        seed=newest["seed"],
        selected_by=None if list(selecting) == [arm] else ", ".join(selecting) or None,
        points=tuple(points),
        provenance={
            "settings": newest,
            "changed_settings": changed_settings(by_round),
            "program_versions": list(dict.fromkeys(row.program_version for row in rounds)),
            "documents_sha256": dict(data),
            **{name: summary[name] for name in _ENVIRONMENT if name in summary},
            "models": [_model(model) for model in own],
        },
    )


def _shaping(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a round's models depend on, without the names of people, as a report may show them."""
    found = {name: settings[name] for name in _SHAPING if name in settings}
    if "team" in settings:
        found["team"] = {"ties": settings["team"]["ties"].partition(":")[0]}
    return found


def _model(model: ModelRow) -> dict[str, Any]:
    return {
        "version": model.version,
        "round": model.round_number,
        "selecting": model.selecting,
        "weights_sha256": model.sha256,
        "training_data_sha256": model.summary.get("training_data_sha256"),
        "seed": model.summary.get("seed"),
        **({"members": [one["version"] for one in model.summary["members"]]} if "members" in model.summary else {}),
        **({"start": model.summary["start"]} if "start" in model.summary else {}),
    }


def _fingerprint(session: Session, split: str) -> str:
    """Return the sha256 of the ids and texts of a split's documents, in the order of their ids."""
    rows = session.execute(select(DocumentRow.key, DocumentRow.text_sha256).where(DocumentRow.split == split))
    digest = hashlib.sha256()
    for key, sha256 in sorted((key, sha256) for key, sha256 in rows):
        digest.update(f"{key}\0{sha256}\n".encode())
    return digest.hexdigest()
