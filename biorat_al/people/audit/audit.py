"""The audit of a corpus: all findings, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Any

from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.borders import border_findings
from biorat_al.people.audit.doubted_words import word_findings
from biorat_al.people.audit.findings import Finding, merged
from biorat_al.people.audit.habits import Habit, find_habits, shape_findings
from biorat_al.people.audit.lengths import length_findings
from biorat_al.people.audit.places import find_places
from biorat_al.people.audit.predictions import Predicted, model_findings
from biorat_al.people.audit.strings import string_findings
from biorat_al.people.audit.twins import find_twins, twin_findings
from biorat_al.wording import plural

NO_PREDICTIONS: Mapping[str, Predicted] = MappingProxyType({})
"""No model has predicted any of the documents out of sample."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What looks wrong in an annotated corpus.

    :param documents: number of annotated documents; `mentions` is the number of mentions in them.
    :param findings: the findings, worst first.
    :param habits: how borders are drawn, by annotator.
    :param twins: number of pairs of near-duplicates.
    :param predicted: number of documents with predictions out of sample.
    :param folds: number of parts into which the documents were cut for models that were trained for the audit; 0 if
        there were none.
    :param left_out: number of further findings, which a limit left out.
    """

    documents: int
    mentions: int
    findings: tuple[Finding, ...]
    habits: tuple[Habit, ...]
    twins: int = 0
    predicted: int = 0
    folds: int = 0
    left_out: int = 0

    def only(self, *, limit: int | None = None, label: str | None = None) -> Audit:
        """Return the audit with its worst findings only.

        :param limit: number of findings to keep.
        :param label: keep findings on this label, marked or suggested.
        """
        chosen = [one for one in self.findings if label is None or one.concerns(label)]
        kept = tuple(chosen[:limit])
        return replace(self, findings=kept, left_out=len(chosen) - len(kept))

    @property
    def notes(self) -> list[str]:
        """Sentences on what the findings rest on."""
        if self.folds:
            models = (
                f"{plural(self.predicted, 'document')} compared with {self.folds} models, each on the part of the "
                "documents that it had not learnt from."
            )
        elif self.predicted:
            models = (
                f"For {plural(self.predicted, 'document')}, predictions of a model that had not learnt from them "
                "were compared as well."
            )
        else:
            models = "No model's predictions out of sample are kept for these documents, so none were compared."
        twins = f"{plural(self.twins, 'pair')} of near-duplicates compared." if self.twins else "No near-duplicates."
        return [models, twins]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "documents": self.documents,
            "mentions": self.mentions,
            "twins": self.twins,
            "predicted": self.predicted,
            "folds": self.folds,
            "left_out": self.left_out,
            "findings": [finding.as_dict() for finding in self.findings],
            "habits": [habit.as_dict() for habit in self.habits],
        }


def audit(documents: Iterable[AnnotatedDocument], predicted: Mapping[str, Predicted] = NO_PREDICTIONS) -> Audit:
    """Return everything that looks wrong in annotated documents; their order does not matter.

    :param predicted: predictions of models that have not learnt from the document, by document id.
    """
    corpus = sorted(map(Worded, documents), key=lambda worded: worded.id)
    spreads = find_places(corpus)
    twins = find_twins([worded.text for worded in corpus])
    findings = chain(
        string_findings(corpus, spreads),
        border_findings(corpus, spreads),
        shape_findings(corpus),
        length_findings(corpus),
        twin_findings(corpus, spreads, twins),
        model_findings(corpus, predicted),
        word_findings(corpus, predicted),
    )
    return Audit(
        documents=len(corpus),
        mentions=sum(len(worded.marks) for worded in corpus),
        findings=tuple(merged(findings)),
        habits=tuple(find_habits(corpus)),
        twins=len(twins),
        predicted=sum(worded.id in predicted for worded in corpus),
    )
