"""Whose pre-labels the next batch is shown with.

As long as no model is trained on the project's own answers, the first file of pre-labels gives them, else the first
dictionary, else the model trained on borrowed documents: what somebody made for these very documents comes before names
that are found anywhere, and both before a model that has seen only others' documents.

From then on the model that selects pre-labels, unless a file or a dictionary is better on the held-out test documents:
the whole interval of the paired difference in strict span F1 is above 0. The interval resamples the documents; its
level is 95 % over all files and dictionaries together (Bonferroni). Of several that are better, the best counts. A file
is measured on the test documents that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from biorat_al.rounds.borrowing.comparison import paired_f1
from biorat_al.rounds.context import Context
from biorat_al.rounds.pre_labels.pre_labeller import PreLabeller
from biorat_al.store.evaluations import Triple
from biorat_al.store.models import models_of
from biorat_al.store.rounds import all_rounds, steps_of

LEAST = 10
"""Fewest test documents on which a file or a dictionary can be found better than a model."""

LEVEL = 0.95

MEASURED = "pre_labellers"
"""Key of what was measured in the counts of the step ``compare``; in rounds of earlier versions, of ``evaluate``."""


def chosen_pre_labeller(context: Context, found: Sequence[PreLabeller]) -> PreLabeller | None:
    """Return what pre-labels the batch of this round instead of a model; None if a model does, or nothing can.

    :param found: the project's pre-labellers, in their order.
    """
    if not found:
        return None
    with context.store.read() as session:
        trained = bool(models_of(session, context.number))
        winner = measured_in(step.counts for step in steps_of(session, context.number)).get("winner")
    if not trained:
        return found[0]
    return next((one for one in found if one.version == winner), None)


def compared_with(
    model: str, usual: Mapping[int, Triple], others: Mapping[PreLabeller, Mapping[int, Triple]], seed: int
) -> dict[str, Any]:
    """Compare files and dictionaries with the model that pre-labels otherwise; return JSON values for the counts.

    :param model: name of that model's arm; empty without a model, so that F1 is all that is known.
    :param usual: its counts by test document.
    :param others: counts of each file and dictionary, by the test documents that it has.
    :param seed: decides the resamples.
    """
    level = 1 - (1 - LEVEL) / max(len(others), 1)
    measured: list[dict[str, Any]] = []
    for one, counts in others.items():
        entry: dict[str, Any] = {"title": one.title, "version": one.version, "documents": len(counts)}
        shared = sorted(counts.keys() & usual.keys())
        if model and len(shared) >= LEAST:
            pair = [[counts[document] for document in shared], [usual[document] for document in shared]]
            f1, other, low, high = paired_f1(np.array(pair, dtype=np.float64), seed, level)
            entry |= {"f1": f1, "model_f1": other, "low": low, "high": high}
        elif counts:
            tp, fp, fn = (sum(column) for column in zip(*counts.values(), strict=True))
            entry["f1"] = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0
        measured.append(entry)
    better = [entry for entry in measured if entry.get("low", 0.0) > 0]
    winner = max(better, key=lambda entry: float(entry["f1"] - entry["model_f1"]), default=None)
    return {"model": model, "level": level, "measured": measured, "winner": winner["version"] if winner else None}


def measured_in(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a round has found of files and dictionaries; empty if nothing was measured.

    :param counts: those of each of its steps.
    """
    return next((some[MEASURED] for some in counts if MEASURED in some), {})


def sentences(values: Mapping[str, Any]) -> list[str]:
    """Return what was measured, and who won by how much, a sentence for each file and dictionary."""
    said = []
    for entry in values["measured"]:
        title, documents = entry["title"][0].upper() + entry["title"][1:], entry["documents"]
        if "f1" not in entry:
            said.append(f"{title}: no test document to measure it on")
        elif "low" not in entry:
            said.append(f"{title}: F1 {100 * entry['f1']:.1f} on {documents:,} test documents")
        else:
            wins = entry["version"] == values["winner"]
            verdict = "so it pre-labels the next batch" if wins else "so the model pre-labels the next batch"
            if values["winner"] and not wins:
                verdict = "and another is better still" if entry["low"] > 0 else "so it does not pre-label"
            said.append(
                f"{title}: F1 {100 * entry['f1']:.1f} on {documents:,} test documents, the model ({values['model']}) "
                f"{100 * entry['model_f1']:.1f} (difference {100 * (entry['f1'] - entry['model_f1']):+.1f}, "
                f"{100 * values['level']:.4g} % interval {100 * entry['low']:+.1f} to {100 * entry['high']:+.1f}), "
                f"{verdict}"
            )
    return said


def newest_sentences(session: Session) -> list[str]:
    """Return what the newest round that measured files and dictionaries found; empty if none has."""
    for row in reversed(all_rounds(session)):
        if measured := measured_in(step.counts for step in steps_of(session, row.number)):
            return sentences(measured)
    return []


def of_documents(rows: Sequence[Mapping[str, Any]]) -> dict[int, Triple]:
    """Return counts by document, over all labels, from the rows of an evaluation."""
    found: dict[int, Triple] = {}
    for row in rows:
        tp, fp, fn = found.get(row["document_id"], (0, 0, 0))
        found[row["document_id"]] = (
            tp + row["true_positives"], fp + row["false_positives"], fn + row["false_negatives"],
        )  # fmt: skip
    return found
