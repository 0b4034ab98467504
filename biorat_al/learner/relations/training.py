"""The training of one arm's relation model, from the base encoder, on everything that people have annotated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Disputed, Entity
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.relations.batching import (
    EncodedRelations,
    asked_only,
    class_logits,
    class_numbers,
    encode_relations,
    make_relation_batch,
    relation_order,
)
from biorat_al.learner.relations.decision import counts, log_probabilities, proposals, temperature, tuned_threshold
from biorat_al.learner.relations.network import RelationNetwork
from biorat_al.learner.scaling import Scaling
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import FEWEST_STEPS, Loop, is_small
from biorat_al.learner.training.order import Learnt, Training
from biorat_al.learner.types import Example
from biorat_al.settings import RelationSettings, RelationType

PREFIX = "relations"
"""Name of a relation model's folder, before its hash; it is inside the folder of the arm's model."""


DEV_SHARE = 0.1
"""Share of the documents on which the threshold is tuned if neither settings of relations nor of training say it."""


@dataclass(frozen=True, slots=True)
class RelationBehaviour:
    """The values that affect a relation model's predictions besides weights, configuration and tokenizer (JSON values).

    :param types: the values of each :class:`~biorat_al.settings.RelationType`.
    :param settings: the values of :class:`~biorat_al.settings.RelationSettings`.
    :param prior: logarithm of the ratio of all candidates without a relation to those trained on per epoch.
    :param threshold: least probability of any relation at which a relation is proposed.
    :param temperature: divisor of the log-odds of proposed relations.
    :param pad: id of the padding token.
    :param max_length: window length of the encoder in word pieces, special tokens included.
    """

    types: tuple[dict[str, Any], ...]
    settings: dict[str, Any]
    prior: float
    threshold: float
    temperature: float
    pad: int
    max_length: int


def train_relations(
    examples: Sequence[Example],
    job: TrainingJob,
    *,
    types: Sequence[RelationType],
    relations: RelationSettings,
    folder: Path,
    provenance: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Train one arm's relation model on gold entities, and save it in `folder`, the folder of the arm's model.

    The order of `examples` does not matter. All arms of one seed have the same negatives, besides what
    :class:`~biorat_al.learner.training.order.Training` documents. Candidates without a relation are drawn again in each
    epoch, `relations.negatives` for each related one, and the probabilities are corrected for that share. The threshold
    is tuned on the development part, which the network has not seen.

    :param job: of its training settings, only weight decay, warm-up, least number of steps and development share apply;
        learning rate, epochs and batch size are those of `relations`.
    :param types: the relation types to learn.
    :param folder: the folder of the arm's model.
    :param provenance: further facts on its origin for the model's folder (JSON values).
    :returns: the summary (JSON values): candidates, relations without one, steps, cost, threshold, development scores.
    :raises NotEnoughLabelsError: there is no relation to learn; it counts the relations that cannot be learnt.
    :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
    """
    model = RelationTraining(job=job, types=types, relations=relations).run(examples, folder, PREFIX, provenance)
    for other in relation_folders(folder):
        if other != model.folder:
            shutil.rmtree(other)
    return {**model.summary, "sha256": model.sha256}


@dataclass(frozen=True, kw_only=True)
class RelationTraining(Training[EncodedRelations, RelationNetwork]):
    """The training of a relation model on the relations between the gold entities of the examples."""

    types: Sequence[RelationType]
    relations: RelationSettings

    @property
    def dev_share(self) -> float:
        share = self.relations.dev_share
        return share if share is not None else self.job.training.dev_share or DEV_SHARE

    def content(self, example: Example) -> list[Any]:
        # independent of the ids of mentions
        mentions, masked = _described(example.entities), _described(example.disputed.entities)
        whole = _parts(mentions, mentions, example)
        if example.disputed:
            # without disputes, the fingerprint stays that of versions that knew none
            whole += _parts(masked, mentions | masked, example.disputed)
        if unasked := sorted(example.unasked.relations.intersection(class_numbers(self.types))):
            whole += [["unasked", *unasked]]
        return [example.document.id, example.document.text, *whole]

    def encode(self, examples: Sequence[Example]) -> EncodedRelations:
        return encode_relations(examples, self.job.encoder.tokenizer, self.types, self.relations)

    def check(self, learn: EncodedRelations, dev: EncodedRelations) -> None:
        if not learn.related.any():
            raise NotEnoughLabelsError(
                "no training document has a relation that can be learnt: annotate some that do",
                learn.counts + dev.counts,
            )

    def word_pieces(self, learn: EncodedRelations, dev: EncodedRelations) -> Iterable[NDArray[np.int64]]:
        return (row.pair.ids for part in (learn, dev) for row in part.rows)

    def network(self, base: Any) -> RelationNetwork:
        return RelationNetwork(base, 1 + len(class_numbers(self.types)))

    def learn(
        self, network: RelationNetwork, learn: EncodedRelations, dev: EncodedRelations, words: NDArray[np.int64]
    ) -> Learnt:
        tokenizer, device, relations = self.job.encoder.tokenizer, self.job.device, self.relations
        training = self.job.training.model_copy(
            update={
                "learning_rate": relations.learning_rate or (5e-5 if is_small(network) else 2e-5),
                "epochs": relations.epochs,
                "batch_size": relations.batch_size,
                "min_steps": self.job.training.min_steps or FEWEST_STEPS,
            }
        )
        positives, negatives = int(learn.related.sum()), int((~learn.related).sum())
        drawn = min(negatives, round(relations.negatives * positives))
        prior = float(np.log(negatives / drawn)) if drawn else 0.0
        labels = len(class_numbers(self.types))
        weights = class_weights(learn.targets, labels) if relations.class_weights else np.ones(1 + labels, np.float32)
        loop = Loop(network, replace(self.job, training=training), words=words)
        per_epoch = -(-(positives + drawn) // training.batch_size)
        lengths = [len(row.pair.ids) for row in learn.rows]
        order = relation_order(lengths, learn.related, drawn, training.batch_size, self.job.seed)
        batches = (
            make_relation_batch([learn.rows[n] for n in members], weights, tokenizer, device) for members in order
        )
        loop.make(batches, loop.steps(per_epoch), self.job.progress, f"training {self.job.arm}, relations")
        loop.give_words_back()

        network.eval()
        with device.autocast():
            log_p = log_probabilities(class_logits(network, asked_only(dev.rows), tokenizer, device), prior)
        threshold = tuned_threshold(log_p, dev.targets, dev.relations)
        proposed = proposals(log_p, threshold)
        outcome = loop.outcome
        outcome.epochs, outcome.best_step = outcome.steps / per_epoch, outcome.steps
        outcome.scaling = Scaling(temperature(log_p, proposed, dev.targets))
        outcome.dev = counts(proposed, dev.targets, dev.relations).as_dict() if dev.relations else None
        return Learnt(
            outcome,
            RelationBehaviour(
                types=tuple(kind.model_dump(mode="json") for kind in self.types),
                settings=relations.model_dump(mode="json"),
                prior=prior,
                threshold=threshold,
                temperature=outcome.scaling.temperature,
                pad=tokenizer.pad,
                max_length=tokenizer.max_length,
            ),
            {"relations": relations, "training": training, "adversarial": self.job.adversarial},
            {
                "relations": learn.relations,
                "dev_relations": dev.relations,
                "candidates": len(learn.rows),
                "dev_candidates": len(dev.rows),
                "positives": positives,
                "negatives_per_epoch": drawn,
                "not_candidates": dict(learn.counts + dev.counts),
                "cut_documents": learn.cut + dev.cut,
                "threshold": threshold,
                **({"disputed_candidates": masked} if (masked := learn.masked + dev.masked) else {}),
                **({"unasked_candidates": unasked} if (unasked := learn.unasked + dev.unasked) else {}),
            },
        )


def _described(entities: Sequence[Entity]) -> dict[str, list[Any]]:
    """Return what is learnt from mentions, by their ids."""
    return {e.id: [e.label, *map(list, e.spans), *map(list, e.concepts)] for e in entities}


def _parts(mentions: Mapping[str, Any], ends: Mapping[str, Any], source: Example | Disputed) -> list[list[str]]:
    """Return mentions, and the relations and concept relations of `source`, as sorted lists of JSON texts.

    :param ends: the mentions that its relations may join, by their ids.
    """
    between = [[r.label, ends.get(r.head), ends.get(r.tail), r.directed] for r in source.relations]
    stated = [[r.label, r.head, r.tail] for r in source.concept_relations]
    return [sorted(map(json.dumps, part)) for part in (mentions.values(), between, stated)]


def relation_folders(folder: Path) -> list[Path]:
    """Return the relation models in a model's folder; there are two if the program was stopped while replacing one."""
    return sorted(path for path in folder.glob(f"{PREFIX}-*") if path.is_dir())


def class_weights(targets: NDArray[np.int64], labels: int) -> NDArray[np.float32]:
    """Return the weights of the classes in the loss: for labels, the inverse square root of their counts.

    The weights of the labels are scaled to about 1 on average.

    :param targets: classes of the training candidates.
    :param labels: number of labels.
    :returns: weights, shape (1 + labels,); 1 for no relation.
    """
    number = np.bincount(targets, minlength=1 + labels)[1:].clip(min=1)
    roots = np.sqrt(number)
    weights = number.sum() / roots.sum() / roots
    whole: NDArray[np.float32] = np.concatenate([[1.0], weights]).astype(np.float32)
    return whole
