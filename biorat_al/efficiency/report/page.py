"""The report and its files: one page that needs no network, and its figures as JSON, CSV and pictures beside it.

A project's page begins with an overview and the work of the annotators; the comparison of the arms follows. A
simulation's page begins with the comparison, which is its purpose. The templates are in ``templates/report``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from biorat_al.claims import NO_CLAIM, Claim, check_target, claimed
from biorat_al.efficiency.report.arms import explained
from biorat_al.efficiency.report.overview.overview import Overview
from biorat_al.efficiency.report.plots import colour_variables, inline_svg, write_plot
from biorat_al.efficiency.report.tables import FigureTable, Section
from biorat_al.efficiency.runs.model import Run, write_runs
from biorat_al.errors import ProjectError
from biorat_al.files import replacing, replacing_folder
from biorat_al.resources import resource
from biorat_al.version import __version__

PAGE = "report.html"
FIGURES = "figures.json"


@dataclass(frozen=True, slots=True)
class Headline:
    """The result of a comparison in a sentence.

    :param corpus: name of the corpus.
    :param outcome: as in :class:`~biorat_al.efficiency.statistics.verdict.Verdict`.
    :param basis: how the result was obtained: seeds, documents, who selected.
    """

    corpus: str
    outcome: str
    sentence: str
    basis: str = ""


@dataclass(frozen=True)
class ReportPart:
    """The part of a report on one corpus.

    :param headline: result of the comparison of the arms.
    :param sections: sections of that comparison.
    :param progress: sections before it: the work of the annotators, and how much remains.
    :param arms: names of the compared arms; the known ones are explained below the headline.
    """

    headline: Headline
    sections: Sequence[Section]
    progress: Sequence[Section] = ()
    arms: Sequence[str] = ()

    @property
    def everything(self) -> list[Section]:
        """All sections, in the order of the page."""
        return [*self.progress, *self.sections]

    @property
    def explained(self) -> dict[str, str]:
        """An explanation of each arm."""
        return explained(self.arms)


@dataclass(frozen=True)
class Report:
    """A report that can be written.

    :param subtitle: a sentence that says what the report is about.
    :param runs: all runs on which the report is based.
    :param closing: sections at the end of the page, on the report as a whole.
    :param overview: the first screen of a project's page.
    """

    title: str
    subtitle: str
    parts: Sequence[ReportPart]
    runs: Sequence[Run]
    closing: Sequence[Section] = field(default=())
    overview: Overview | None = None

    @property
    def sentences(self) -> list[str]:
        """One line for each fact of the overview, and the result of the comparison for each corpus."""
        facts = self.overview.sentences if self.overview else []
        return [*facts, *(part.headline.sentence for part in self.parts)]

    def html(self) -> str:
        """Return the page."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(resource("templates"), encoding="utf-8"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # the SVG comes from a serializer that escapes; nothing else goes into the page unescaped
        environment.filters["svg"] = lambda plot: Markup(inline_svg(plot))
        return environment.get_template("report.html.j2").render(
            report=self,
            parts=self._named_parts(),
            light=colour_variables(dark=False),
            dark=colour_variables(dark=True),
            version=__version__,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "program": f"biorat-al {__version__}",
            "title": self.title,
            **({"overview": self.overview.as_dict()} if self.overview else {}),
            "parts": [
                {
                    "corpus": part.headline.corpus,
                    "verdict": {"outcome": part.headline.outcome, "sentence": part.headline.sentence},
                    "sections": [_section(section) for section in part.everything],
                }
                for part in self._named_parts()
            ],
            "closing": [_section(section) for section in self.closing],
        }

    def write(self, page: Path, *, force: bool = False) -> None:
        """Write the page, and the folder ``NAME_files`` beside it; the same report gives the same bytes.

        :raises ProjectError: see :func:`check_page`.
        """
        with claimed(page, force=force, parents=True) as claim:
            check_page(page, force=force, claim=claim)
            # the page comes last, so that a page always has its figures
            with replacing_folder(files_of(page)) as draft:
                self._write_figures(draft)
            with replacing(page) as half:
                half.write_text(self.html(), encoding="utf-8")

    def _write_figures(self, draft: Path) -> None:
        """Write the figures as JSON, CSV and pictures into a folder."""
        sections = [section for part in self._named_parts() for section in part.everything]
        tables: list[FigureTable] = list(self.overview.tables) if self.overview else []
        for section in [*sections, *self.closing]:
            tables += section.tables
            for plot in section.plots:
                write_plot(plot, draft)
        for table in tables:
            (draft / f"{table.name}.csv").write_text(table.csv(), encoding="utf-8")
        figures = json.dumps(self.as_dict(), indent=1, ensure_ascii=False)
        (draft / FIGURES).write_text(figures + "\n", encoding="utf-8")
        write_runs(draft / "runs.jsonl", self.runs)

    def _named_parts(self) -> list[ReportPart]:
        """Return the parts, with names of sections, tables and plots that are unique in the report."""
        if len(self.parts) == 1:
            return list(self.parts)
        return [
            replace(
                part,
                sections=[_prefixed(section, f"corpus{number}-") for section in part.sections],
                progress=[_prefixed(section, f"corpus{number}-") for section in part.progress],
            )
            for number, part in enumerate(self.parts, start=1)
        ]


def page_of(output: Path) -> Path:
    """Return the file of the page: `output` itself if it names an HTML file, else ``report.html`` in that folder."""
    return output if output.suffix.lower() in (".html", ".htm") else output / PAGE


def place_of(folder: Path, output: Path | None, *, force: bool) -> tuple[Path, bool]:
    """Return the file of a report's page, and whether it may be replaced.

    So may the report that an earlier call wrote to the usual place: it is made again from the same database.

    :param folder: of the project or the simulation.
    :param output: what the user named; None: the usual place.
    :param force: the user wants it replaced.
    """
    page = page_of(folder / "report" if output is None else output)
    return page, force or (output is None and page.is_file() and (files_of(page) / FIGURES).is_file())


def check_page(page: Path, *, force: bool, claim: Claim = NO_CLAIM) -> None:
    """Refuse to replace files that exist.

    A first command that was interrupted before it wrote the page leaves at most the folder, which may be replaced.

    :param claim: the claim on the page.
    :raises ProjectError: the page or its folder already exists and `force` is not set, or belongs to something else.
    """
    files = files_of(page)
    for target in (page, files):
        check_target(target, force=force or (claim.cut_off and target == files), claim=claim)
    if page.is_dir() or (files.exists() and not (files / FIGURES).is_file()):
        taken = page if page.is_dir() else files
        raise ProjectError(f"{taken} exists and does not belong to a report; choose another name for the report")


def files_of(page: Path) -> Path:
    """Return the folder with the figures, beside the page."""
    return page.with_name(f"{page.stem}_files")


def _prefixed(section: Section, prefix: str) -> Section:
    """Put a prefix before the names of a section, its tables and its plots."""
    return replace(
        section,
        key=prefix + section.key,
        tables=[replace(table, name=prefix + table.name) for table in section.tables],
        plots=[replace(plot, name=prefix + plot.name) for plot in section.plots],
    )


def _section(section: Section) -> dict[str, Any]:
    """Return a section as JSON values."""
    return {
        "key": section.key,
        "title": section.title,
        "texts": list(section.texts),
        "tables": [table.as_dict() for table in section.tables],
        "plots": [
            {
                "name": plot.name,
                "title": plot.title,
                "x": plot.x_label,
                "y": plot.y_label,
                "series": [
                    {name: _values(getattr(series, name)) for name in ("name", "x", "y", "low", "high")}
                    for series in plot.series
                ],
            }
            for plot in section.plots
        ],
    }


def _values(value: str | Sequence[float]) -> Any:
    return value if isinstance(value, str) else list(value)
