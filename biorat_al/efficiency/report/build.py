"""Reports on a project and on simulations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import estimate_price
from biorat_al.acquisition.price.pace import Pace
from biorat_al.claims import claimed
from biorat_al.efficiency.report.adversarial import adversarial_training
from biorat_al.efficiency.report.changes import changes_noted
from biorat_al.efficiency.report.forecast_in_words import seconds_per_document
from biorat_al.efficiency.report.overview.overview import GroupMeasurements, ProjectMeasurements, project_overview
from biorat_al.efficiency.report.page import Headline, Report, ReportPart, check_page, place_of
from biorat_al.efficiency.report.sections.annotators import work_section
from biorat_al.efficiency.report.sections.calibration import calibration_section
from biorat_al.efficiency.report.sections.comparisons import (
    CHOSEN_AFTER,
    comparison_section,
    comparisons,
    main_of,
    reuse_section,
    strategies_section,
)
from biorat_al.efficiency.report.sections.curves_and_cost import cost_section, curves_section
from biorat_al.efficiency.report.sections.disputes import disputes_section
from biorat_al.efficiency.report.sections.forecast import TARGET, forecast_section
from biorat_al.efficiency.report.sections.labels import labels_section
from biorat_al.efficiency.report.sections.pre_label_bias import pre_label_section
from biorat_al.efficiency.report.sections.provenance import provenance_section
from biorat_al.efficiency.report.sections.relations import relation_counts, relations_section
from biorat_al.efficiency.report.sections.robustness import robustness_section
from biorat_al.efficiency.report.sections.sensitivity import PUBLISHED, price_section
from biorat_al.efficiency.report.sections.unasked import unasked_section
from biorat_al.efficiency.report.study import PLAIN, Study, comparable, tested_mentions, tried
from biorat_al.efficiency.report.tables import Section, words, written, written_interval
from biorat_al.efficiency.runs.annotator_work import annotator_work, relation_work
from biorat_al.efficiency.runs.model import Run, priced
from biorat_al.efficiency.runs.of_project import CountTokens, label_counts, live_runs
from biorat_al.efficiency.statistics.comparison import Comparison
from biorat_al.efficiency.statistics.verdict import verdict
from biorat_al.errors import NothingToDoYet, ProjectError
from biorat_al.people.agreement_report import find_disagreements, known_agreement
from biorat_al.people.pre_label_answers import measure_pre_label_bias
from biorat_al.people.pre_label_bias import PreLabelBias
from biorat_al.people.work_by_annotator import work_by_annotator
from biorat_al.rounds.status import ProjectStatus, RoundStatus, project_status
from biorat_al.settings import COMMITTEE, Settings, make_settings
from biorat_al.store.store import Store
from biorat_al.version import __version__
from biorat_al.wording import plural


def project_report(
    folder: Path,
    settings: Settings,
    store: Store,
    *,
    target: float | None = None,
    count_tokens: CountTokens | None = None,
) -> Report:
    """Return the report on a project in its current state.

    :param target: F1 that the user named.
    :param count_tokens: see :func:`~biorat_al.efficiency.runs.of_project.live_runs`.
    :raises NothingToDoYet: there has been no round yet.
    """
    status = project_status(folder, settings, store)
    if not status.rounds:
        raise NothingToDoYet("there has been no round yet, so there is nothing to report; run: biorat-al round")
    runs = live_runs(store, settings, count_tokens)
    work, of_relations = annotator_work(store), relation_work(store) if settings.relations else []
    same, notes = comparable(runs)
    notes += changes_noted(same)
    if status.has_sentences:
        notes.append("A sentence that was asked for by itself counts as the share of its document that it is.")
    price = status.price or estimate_price([], settings)
    same = priced(same, price.price)
    study = Study(settings.name, same, runs, live=True, target=target, notes=notes, price=price)
    pace, group, bias = _people(settings, store, status)
    missing = _missing(status, runs, same)
    known: ProjectMeasurements | None = None
    sections: list[Section] = []
    progress = [work_section(work, of_relations), *([pre_label_section(bias)] if work else [])]
    if missing:
        headline = Headline(settings.name, "cannot be told", missing)
    else:
        known = ProjectMeasurements(label_counts(store, study.runs), relation_counts(store, study.runs), pace)
        headline, sections = _study(study, known)
        if tested_mentions(study.runs):
            progress.append(forecast_section(study, pace, status.to_annotate))
    disputes = disputes_section(status.disputes, status.ceiling)
    unasked = unasked_section(status.not_asked)
    progress += [section for section in (disputes, unasked) if section]
    facts = {
        "program": f"biorat-al {__version__}",
        "documents of the pool": status.documents["pool"],
        "of these annotated": status.documents["pool"] - status.to_annotate,
        **({"sentences annotated by themselves": status.labelled["segment"]} if status.has_sentences else {}),
        "test documents": status.documents["test"],
        "of these annotated ": status.labelled["test"],
        "desk": status.desk,
    }
    return Report(
        f"{settings.name}: how far the corpus is",
        f"A project that marks {words(status.labels)}, {_how_far(status.rounds[-1])}.",
        [ReportPart(headline, sections, progress, list(study.arms))],
        runs,
        [provenance_section(runs, facts)],
        project_overview(status, study, target or TARGET, known, group),
    )


def _how_far(newest: RoundStatus) -> str:
    """Return which round the figures are of."""
    if newest.waiting_for is None:
        return f"after round {newest.number}"
    return f"in round {newest.number}, which has not ended"


def simulation_report(folder: Path, *, target: float | None = None) -> Report:
    """Return the report on the simulation in `folder`, or on all simulations in its subfolders.

    :raises ProjectError: there is no simulation.
    :raises NothingToDoYet: no run is finished yet.
    """
    # imported here because the code that makes simulations trains models, which a project's report does not need
    from biorat_al.efficiency.simulation.simulation import PLAN, read_simulation

    folders = [folder] if (folder / PLAN).is_file() else sorted(path.parent for path in folder.glob(f"*/{PLAN}"))
    if not folders:
        raise ProjectError(f"{folder} holds no simulation (there is no {PLAN} in it); make one: biorat-al simulate")
    parts, everything, facts = [], [], {"program": f"biorat-al {__version__}"}
    for place in folders:
        if not (place / "runs").is_dir():
            continue
        runs = read_simulation(place)
        if not runs:
            continue
        # runs that were added later may have another name for the same corpus
        corpus = runs[0].corpus
        if len(folders) > 1:
            # several simulations may use the same corpus
            corpus = corpus if corpus == place.name else f"{corpus} ({place.name})"
            runs = _told_apart(runs, place.name)
        runs = [run.model_copy(update={"corpus": corpus}) for run in runs]
        everything += runs
        facts |= _plan_facts(place / PLAN, prefix=f"{corpus}: " if len(folders) > 1 else "")
        same, notes = comparable(runs)
        price = estimate_price([], _plan_settings(place / PLAN))
        same = priced(same, price.price)
        study = Study(corpus, same, runs, live=False, target=target, notes=notes, price=price)
        headline, sections = _study(study)
        parts.append(ReportPart(headline, sections, arms=list(study.arms)))
    if not parts:
        raise NothingToDoYet(
            f"none of the runs of the simulation in {folder} is done yet, so there is nothing to report"
        )
    name = folder.resolve().name
    return Report(
        f"Label efficiency, simulated: {name}",
        f"{plural(len(everything), 'run')} with an oracle that answers from gold annotations.",
        parts,
        everything,
        [provenance_section(everything, facts)],
    )


def _people(
    settings: Settings, store: Store, status: ProjectStatus
) -> tuple[Pace | None, GroupMeasurements, PreLabelBias]:
    """Return the seconds for one more document, what is known of the annotators, and what pre-labels do to them."""
    with store.read() as session:
        answers = answered_work(session)
        disputed = status.disputes.texts if status.disputes is not None else frozenset[int]()
        group = GroupMeasurements(
            work_by_annotator(session, answers),
            known_agreement(session),
            find_disagreements(session, disputed) if disputed else [],
        )
        return seconds_per_document(session, settings, answers), group, measure_pre_label_bias(session)


def write_simulation_report(
    folder: Path, output: Path | None = None, *, target: float | None = None, force: bool = False
) -> tuple[Path, Report]:
    """Write the report on simulations; return the file of its page, and the report.

    :param output: an HTML file, or a folder for ``report.html``; None takes ``report`` in `folder`.
    :raises ProjectError: a file named by `output` already exists and `force` is not set; or see
        :func:`simulation_report`.
    """
    page, force = place_of(folder, output, force=force)
    with claimed(page, force=force, parents=True) as claim:
        check_page(page, force=force, claim=claim)
        report = simulation_report(folder, target=target)
        report.write(page, force=force)
    return page, report


def headline_of(study: Study, made: Sequence[Comparison], problems: Sequence[str]) -> Headline:
    """Return the result for the first of the study's pairs, in its main unit; no other pair replaces it.

    A project has one seed, so its headline says what the study of the program found instead.

    :param made: the comparisons in the study's main unit.
    :param problems: reasons why others could not be made, in the order of units and pairs.
    """
    arm = study.main_arm
    everyone = [run for runs in study.arms.values() for run in runs]
    basis = f"{study.basis(everyone)}. {study.who_selected}"

    def untold(why: str) -> Headline:
        what = "the committee" if arm == COMMITTEE else arm or "adversarial training"
        saves = f"Whether {what} saves labels is not known"
        return Headline(study.corpus, "cannot be told", f"{saves}: {why}", basis)

    if not study.pairs:
        only = next(iter(study.arms), PLAIN)
        return untold(f"the only arm is {only}, and there is no other to compare it with. Train the arms none and rat.")
    if not tested_mentions(study.runs):
        return untold("there is no mention in the annotated test documents, so F1 means nothing.")
    if study.live:
        own, known = adversarial_training(study, made)
        return Headline(study.corpus, "cannot be told", own, f"{known} {basis}")
    main = main_of(study, made)
    if main is None:
        return untold(problems[0])
    found, _ = tried(verdict, main)
    if found is not None:
        chosen = "" if study.target is not None else f" {CHOSEN_AFTER}"
        if main.unit == "hours" and study.price is not None and not (study.price.is_fitted or study.price.is_written):
            chosen = f" {PUBLISHED}{chosen}"
        return Headline(study.corpus, found.outcome, found.sentence, f"{basis}{chosen}")
    area = main.area.estimate
    text = "no F1 is reached clearly by both arms within what was measured"
    interval = written_interval(area, "points")
    if area.value is not None and interval is not None:
        alone = " over test documents alone" if len(main.seeds) == 1 else ""
        text += (
            f"; on average over the range that both have, {main.left} comes to "
            f"{written(area.value.value, 'points')} points of F1 against {main.right} "
            f"({interval}{alone})"
        )
    return untold(f"{text}.")


def _study(study: Study, known: ProjectMeasurements | None = None) -> tuple[Headline, list[Section]]:
    """Compare the arms of a study; return the headline and the sections."""
    found, problems = comparisons(study)
    headline = headline_of(study, found[study.main_unit], problems)
    if not tested_mentions(study.runs):
        # nothing that depends on F1 can be shown: it is 1 or 0, whatever a model has learnt
        return headline, [cost_section(study)]
    sections = [
        curves_section(study),
        cost_section(study),
        comparison_section(study, found, problems),
        price_section(study.price) if study.price and study.has_hours else None,
        strategies_section(study),
        reuse_section(study),
        robustness_section(study),
        calibration_section(study),
        labels_section(study, known.labels if known else None),
        relations_section(study, known.relations) if known else None,
    ]
    return headline, [section for section in sections if section is not None]


def _missing(status: ProjectStatus, runs: Sequence[Run], same: Sequence[Run]) -> str | None:
    """Return why the arms cannot be compared yet; None if they can."""
    if not runs:
        return (
            "How well a model does is not known yet: no model has been trained. "
            f"Annotated documents of the pool: {status.documents['pool'] - status.to_annotate:,}; annotate, then run: "
            "biorat-al round"
        )
    if not same:
        if not status.documents["test"]:
            return (
                "How well a model does cannot be known: this project has no test documents on which a model "
                "could be measured."
            )
        return (
            "How well a model does is not known yet: no model has been measured. "
            f"{status.labelled['test']:,} of {plural(status.documents['test'], 'test document')} are annotated; "
            "annotate them, then run: biorat-al round"
        )
    return None


def _told_apart(runs: Sequence[Run], folder: str) -> list[Run]:
    """Return the runs with ids that are unique across folders."""
    ids = {run.id: f"{folder}/{run.id}" for run in runs}
    return [
        run.model_copy(
            update={"id": ids[run.id], "selected_by": run.selected_by and ids.get(run.selected_by, run.selected_by)}
        )
        for run in runs
    ]


def _plan_settings(file: Path) -> Settings:
    """Return the settings of a simulation's plan; what an older version did not write takes its default."""
    values = json.loads(file.read_text(encoding="utf-8")).get("settings") or {"entities": [{"name": "any"}]}
    return make_settings({"name": "simulation", **values}, str(file))


def _plan_facts(file: Path, prefix: str) -> dict[str, Any]:
    """Return what a simulation's plan says about its corpus, by name."""
    plan: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    found = {"corpus (sha256)": plan.get("corpus_sha256")}
    found |= {f"documents ({split})": count for split, count in (plan.get("documents") or {}).items()}
    return {f"{prefix}{name}": value for name, value in found.items()}
