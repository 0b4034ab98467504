"""The first screen of a project's report: progress, hours left, quality, disputes, next steps, and who did what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.report.overview.facts import Fact, disputed, hours_left, progress, quality
from biorat_al.efficiency.report.overview.steps import Step, next_steps
from biorat_al.efficiency.report.overview.tables import disputes_table, labels_table, people_table, relations_table
from biorat_al.efficiency.report.sections.labels import LabelCounts
from biorat_al.efficiency.report.sections.relations import RelationCounts
from biorat_al.efficiency.report.study import Study, selecting_run, tested_mentions
from biorat_al.efficiency.report.tables import FigureTable
from biorat_al.people.agreement_report import AgreementReport, Disagreement
from biorat_al.people.work_by_annotator import WorkOfAnnotator
from biorat_al.rounds.status import ProjectStatus


@dataclass(frozen=True)
class Overview:
    """The first screen.

    :param facts: facts in the order in which they are shown.
    :param steps: what to do next, the most urgent first.
    :param tables: F1 by label, who has done what, what is disputed.
    """

    facts: Sequence[Fact]
    steps: Sequence[Step] = field(default=())
    tables: Sequence[FigureTable] = field(default=())

    @property
    def sentences(self) -> list[str]:
        """The facts and the next steps, one line each."""
        facts = [f"{fact.label}: {fact.value}{f' – {fact.beside}' if fact.beside else ''}" for fact in self.facts]
        return [*facts, *(f"Next step: {step.sentence}" for step in self.steps)]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "facts": [
                {
                    "label": fact.label,
                    "value": fact.value,
                    **({"beside": fact.beside} if fact.beside else {}),
                    "detail": fact.detail,
                }
                for fact in self.facts
            ],
            "next": [{"text": step.text, "command": step.command} for step in self.steps],
            "tables": [table.as_dict() for table in self.tables],
        }


@dataclass(frozen=True)
class ProjectMeasurements:
    """What was measured in a project, beyond its runs.

    :param labels: counts of mentions by label.
    :param relations: counts of relations.
    :param pace: seconds of annotation for one more document; None if no document has been answered.
    """

    labels: LabelCounts
    relations: RelationCounts
    pace: Pace | None


@dataclass(frozen=True)
class GroupMeasurements:
    """What is known of the people who annotate.

    :param work: the work of each.
    :param agreement: how far they agree; None if no text has independent answers of two people.
    :param disagreements: differences in the texts with a dispute that nobody has settled.
    """

    work: Sequence[WorkOfAnnotator] = ()
    agreement: AgreementReport | None = None
    disagreements: Sequence[Disagreement] = ()


def project_overview(
    status: ProjectStatus, study: Study, target: float, known: ProjectMeasurements | None, group: GroupMeasurements
) -> Overview:
    """Return the first screen of a project with at least one round.

    :param target: F1, a fraction, for which the remaining work is forecast.
    :param known: measurements of the project; None if no model has been measured.
    """
    run = selecting_run(study.runs) if known and tested_mentions(study.runs) else None
    tables: list[FigureTable | None] = [people_table(group.work, group.agreement)]
    if run is not None and known is not None:
        tables.append(labels_table(status, run, known.labels))
        tables.append(relations_table(study, run, known.relations))
    tables.append(disputes_table(group.disagreements))
    return Overview(
        [
            progress(status),
            hours_left(status, run, target, known.pace if known else None),
            quality(status, run),
            disputed(status, group.agreement),
        ],
        next_steps(status),
        [table for table in tables if table is not None],
    )
