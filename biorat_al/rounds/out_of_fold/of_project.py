"""What models that have not learnt from a document make of it, for all documents of a project with an annotation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.errors import NothingToDoYet
from biorat_al.people.audit.predictions import NOTHING_HELD_OUT, HeldOut
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.borrowing.start import decisions
from biorat_al.rounds.borrowing.training import kept_start
from biorat_al.rounds.context import MODELS
from biorat_al.rounds.out_of_fold.cross_fit import CrossFit
from biorat_al.rounds.out_of_fold.kept import FOLDER
from biorat_al.rounds.seeds import derive_seed
from biorat_al.rounds.steps.learnt import learnt_examples
from biorat_al.rounds.unasked import learnt_labels
from biorat_al.settings import Settings
from biorat_al.store.answers import answers, learnt_answers
from biorat_al.store.documents import document_keys, documents_by_id
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.store import Store

if TYPE_CHECKING:
    from biorat_al.learner.encoder.starting_weights import StartingWeights


def read_out_of_fold(
    folder: Path, settings: Settings, store: Store, folds: int | None, progress: Progress = SILENT
) -> HeldOut:
    """Return what models make of the project's annotated documents, each of a model that has not learnt from it.

    Test documents are read as well, but no model learns from them. The models are plain ones, trained with the settings
    of the project on everything that counts in the other parts, from where the models of the newest round begin.

    :param folder: the project's folder.
    :param folds: number of parts into which the documents are cut, and of models; None trains none.
    :raises NothingToDoYet: nothing that models could learn from has been annotated.
    :raises UsageError: there are fewer documents than parts, or all that models learn from are in one part.
    :raises NotEnoughLabelsError: the documents of all parts but one have no text.
    """
    if folds is None:
        return NOTHING_HELD_OUT
    examples = learnt_examples(settings, store)
    known = learnt_labels(examples, settings).labels
    if not examples or not known:
        raise NothingToDoYet(
            "no document that models learn from has been annotated yet, so that none can be trained; run: biorat-al "
            "round, or leave out --folds"
        )
    from biorat_al.learner.encoder.encoder import resolve_encoder
    from biorat_al.learner.training.job import TrainingJob

    prefer = settings.team.preferred
    with store.read() as session:
        chosen = learnt_answers(session, with_gold=settings.gold_is_known, prefer=prefer)
        chosen += answers(session, "test", with_gold=True, prefer=prefer)
        rows = [answer.document_id for answer in chosen]
        documents = documents_by_id(session, rows, check=True)
        parents = parents_of(session, rows)
        keys = document_keys(session, [*rows, *parents.values()])
    return CrossFit(
        # documents in which nobody was asked for any of the labels teach nothing
        [example for example in examples if not known <= example.unasked.labels],
        [documents[row] for row in rows],
        {keys[row]: keys[parent] for row, parent in parents.items()},
        tuple(label for label in settings.labels if label in known),
        TrainingJob(
            encoder=resolve_encoder(settings.encoder.name, settings.encoder.max_length),
            arm="none",
            # an audit has no use for documents that are kept back
            training=settings.training.model_copy(update={"dev_share": 0.0}),
            adversarial=settings.adversarial,
            seed=derive_seed(settings.seed, "audit"),
            progress=progress,
            start=_start(folder / MODELS, store, progress),
        ),
        folder / MODELS / f".partial-audit-{os.getpid()}",
        folder / FOLDER,
    ).read(folds)


def _start(models_dir: Path, store: Store, progress: Progress) -> StartingWeights | None:
    """Return the borrowed model if the models of the newest round begin from it; None for the base encoder."""
    with store.read() as session:
        decided = decisions(session)
    newest = decided[max(decided)] if decided else None
    if newest is None or not newest.borrowed:
        return None
    start = kept_start(models_dir, newest.version)
    if start is None:
        progress.say(
            f"The model of the borrowed documents, {models_dir / newest.version}, is missing or was changed; the "
            "audit's models begin from the base encoder. The next round that trains makes it anew."
        )
    return start
