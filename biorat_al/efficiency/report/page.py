"""The report: one page that needs no network; beside it its figures as JSON, CSV and pictures.

A project's page begins with an overview and what people did; the comparison of the arms follows. A simulation's page
begins with the comparison, which is what it was made for. The page's parts are templates in ``templates/report``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from biorat_al import __version__
from biorat_al.claims import NO_CLAIM, Claim, check_target, claimed
from biorat_al.efficiency.report.arms import explained
from biorat_al.efficiency.report.overview import Overview
from biorat_al.efficiency.report.plots import colour_variables, inline_svg, write_plot
from biorat_al.efficiency.report.tables import FigureTable, Section
from biorat_al.efficiency.runs.model import Run, write_runs
from biorat_al.errors import ProjectError
from biorat_al.files import replacing, replacing_folder
from biorat_al.resources import resource

PAGE = "report.html"
FIGURES = "figures.json"


@dataclass(frozen=True, slots=True)
class Headline:
    """What came out, in a sentence.

    :param corpus: what it is about.
    :param outcome: as in :class:`~biorat_al.efficiency.statistics.Verdict`.
    :param basis: how it came about: seeds, documents, who selected.
    """

    corpus: str
    outcome: str
    sentence: str
    basis: str = ""


@dataclass(frozen=True)
class ReportPart:
    """One corpus of a report.

    :param headline: of the comparison of its arms.
    :param sections: of that comparison.
    :param progress: what comes before it: the work of people, and how much is left.
    :param arms: names of the arms that are compared; those that are known are explained beneath the headline.
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
        """The arms, and what each is."""
        return explained(self.arms)


@dataclass(frozen=True)
class Report:
    """A report, ready to be written.

    :param subtitle: what it is about, in a sentence.
    :param runs: everything that it was made from.
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
        """The overview in a line for each fact, and what the arms came to, a sentence for each corpus."""
        facts = self.overview.sentences if self.overview else []
        return [*facts, *(part.headline.sentence for part in self.parts)]

    def html(self) -> str:
        """The page."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(resource("templates"), encoding="utf-8"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # made by a serializer that escapes; nothing else is put in as it is
        environment.filters["svg"] = lambda plot: Markup(inline_svg(plot))
        return environment.get_template("report.html.j2").render(
            report=self,
            parts=self._named_parts(),
            light=colour_variables(dark=False),
            dark=colour_variables(dark=True),
            version=__version__,
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
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
        """Write the page, and the folder ``NAME_files`` beside it; the same bytes for the same report.

        :raises ProjectError: see :func:`check_page`.
        """
        with claimed(page, force=force, parents=True) as claim:
            check_page(page, force=force, claim=claim)
            # the page last: where there is one, its figures are there as well
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
        """The parts with names of sections, tables and plots that are unique in the report."""
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
    """Where the page goes: `output` itself where it names an HTML file, else ``report.html`` in that folder."""
    return output if output.suffix.lower() in (".html", ".htm") else output / PAGE


def check_page(page: Path, *, force: bool, claim: Claim = NO_CLAIM) -> None:
    """Refuse to replace what is there.

    A command that found nothing there, and was cut off before it wrote the page, leaves at most the folder: that is
    written anew.

    :param claim: on the page.
    :raises ProjectError: the page or its folder is there already and `force` is not set, or the folder is another's.
    """
    files = files_of(page)
    for target in (page, files):
        check_target(target, force=force or (claim.cut_off and target == files), claim=claim)
    if page.is_dir() or (files.exists() and not (files / FIGURES).is_file()):
        taken = page if page.is_dir() else files
        raise ProjectError(f"{taken} is there and does not belong to a report; choose another name for the report")


def files_of(page: Path) -> Path:
    """The folder beside the page with its figures."""
    return page.with_name(f"{page.stem}_files")


def _prefixed(section: Section, prefix: str) -> Section:
    return replace(
        section,
        key=prefix + section.key,
        tables=[replace(table, name=prefix + table.name) for table in section.tables],
        plots=[replace(plot, name=prefix + plot.name) for plot in section.plots],
    )


def _section(section: Section) -> dict[str, Any]:
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
