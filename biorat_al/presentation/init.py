"""The text that ``init`` prints."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.notices import reading_lines
from biorat_al.errors import LONGEST_ID
from biorat_al.presentation.text import (
    counts_text,
    labelled,
    note_text,
)
from biorat_al.project import Project
from biorat_al.rounds.borrowing.kept import borrowed_corpora, in_words, mapped_labels
from biorat_al.rounds.pre_labels.copying import in_words as in_words_of_file
from biorat_al.rounds.pre_labels.copying import left_out_lines
from biorat_al.rounds.pre_labels.kept import Labels, kept_files, read_record
from biorat_al.store.documents import ImportReport
from biorat_al.wording import plural, shortened, verb


def init_text(project: Project, report: ImportReport, read: ReadReport) -> str:
    """Return what the new project holds, and what was left out of it."""
    pool = report.documents - report.test_documents - report.leaks
    lines = [
        f"Project {project.settings.name} is ready in {project.folder}",
        *labelled("pool", plural(pool, "document")),
        *labelled("test set", f"{plural(report.test_documents, 'document')}, held out"),
        *labelled("labels", ", ".join(project.settings.labels)),
    ]
    if report.mentions:
        lines += labelled("mentions", f"{counts_text(report.mentions)} (annotated in the files)")
    if project.settings.relations:
        lines += labelled("relations", _relations_text(project.settings.relation_labels, report))
    if report.duplicates:
        examples = ", ".join(report.duplicate_examples[:3])
        lines += note_text(f"{plural(report.duplicates, 'duplicate')} with the same text, read once: {examples}")
    if read.titles_alone:
        named = ", ".join(shortened(key, LONGEST_ID) for key in read.title_examples)
        consist = f"{plural(read.titles_alone, 'document')} {verb(read.titles_alone, 'consist')} of a title alone"
        lines += note_text(f"{consist}, which you may want to leave out: {named}")
    if report.leaks:
        lines += note_text(f"{plural(report.leaks, 'document')} left out: a test document has the same text")
    lines += _borrowed(project)
    lines += _pre_labels(project)
    for line in reading_lines(read):
        # places and messages stay on one line, so that they can be copied
        lines += [f"  {line}"] if line.startswith(" ") else note_text(line)
    if report.ignored:
        lines += labelled("ignored", counts_text(report.ignored))
    if report.test_documents == 0:
        lines += note_text("There is no test set, so no model will be measured.")
    return "\n".join([*lines, f"Next: cd {shlex.quote(str(project.folder))} && biorat-al round"])


def _borrowed(project: Project) -> list[str]:
    """Return what the project borrows, and what was left out of it."""
    settings = project.settings
    corpora = borrowed_corpora(project.folder, settings)
    if not corpora:
        return []
    mapping = settings.borrow.mapping(settings.entities)
    lines = [line for corpus in corpora for line in labelled("borrowed", in_words([corpus]))]
    lines += labelled("", mapped_labels(corpora, mapping, settings.entities))
    for corpus in corpora:
        for reason, count in corpus.left_out.items():
            lines += note_text(f"{plural(count, 'document')} of {corpus.name} left out: {reason}")
        if aside := {label: count for label, count in corpus.mentions.items() if label not in mapping}:
            lines += note_text(f"Mentions of {corpus.name} that are not used: {counts_text(aside)}")
        if missing := [label for label in settings.labels if label not in corpus.labels(mapping)]:
            lines += note_text(f"{corpus.name} does not annotate {', '.join(missing)}: unknown there, not absent")
    if settings.relations:
        lines += note_text("Only mentions are borrowed; models of relations begin from the base encoder.")
    return lines


def _pre_labels(project: Project) -> list[str]:
    """Return which pre-labels were copied, and what was left out of them."""
    settings = project.settings
    record = read_record(project.folder)
    labels = Labels(settings)
    lines: list[str] = []
    for kept in kept_files(settings):
        found = record[kept.file]
        lines += labelled(kept.kind, f"{kept.name} ({in_words_of_file(found, kept.label)})")
        lines += [line for text in left_out_lines(found) for line in note_text(f"Left out of {kept.name}: {text}")]
        if aside := {label: count for label, count in found.mentions.items() if labels.of(label) is None}:
            lines += note_text(f"Mentions of {kept.name} that are not used: {counts_text(aside)}")
    return lines


def _relations_text(labels: Sequence[str], report: ImportReport) -> str:
    """Return the counts of relations, or only their labels if the documents have none."""
    if not report.relations:
        return ", ".join(labels)
    aside = f"; kept aside: {counts_text(report.relations_aside)}" if report.relations_aside else ""
    return f"{counts_text(report.relations)}{aside}"
