"""The report on simulations: what it says, that it is one harmless page, and what stops it."""

from __future__ import annotations

import csv
import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.pace import Pace
from biorat_al.acquisition.price.price import PRIOR
from biorat_al.acquisition.price.work import Work
from biorat_al.efficiency.report.build import headline_of, simulation_report, write_simulation_report
from biorat_al.efficiency.report.page import Headline, Report, ReportPart
from biorat_al.efficiency.report.sections.calibration import calibration_section
from biorat_al.efficiency.report.sections.comparisons import (
    CHOSEN_AFTER,
    comparison_section,
    comparisons,
    strategies_section,
)
from biorat_al.efficiency.report.sections.curves_and_cost import curves_section
from biorat_al.efficiency.report.sections.forecast import forecast_section
from biorat_al.efficiency.report.sections.labels import labels_section
from biorat_al.efficiency.report.sections.robustness import robustness_section
from biorat_al.efficiency.report.study import Study
from biorat_al.efficiency.report.tables import FigureTable, Section
from biorat_al.efficiency.runs.model import ConfidenceBin, Point, Run, priced, read_runs, write_runs
from biorat_al.efficiency.statistics.comparison import compare
from biorat_al.efficiency.statistics.curves import labels_needed, learning_curve
from biorat_al.efficiency.statistics.forecast import amount
from biorat_al.errors import NothingToDoYet, ProjectError
from tests.efficiency import factories as small

HOSTILE = "</script><script>alert(1)</script>\"'>{{ 7*7 }}{% x %}</svg><img src=x onerror=y>&amp; مرحبا 😀 " + "x" * 300

DOCUMENTS = 12
MENTIONS = 400


class Page(HTMLParser):
    """The tags and texts of a page, and its tables by section."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.verdicts: list[str] = []
        self.sections: dict[str, list[list[list[str]]]] = {}
        self._open: list[str] = []
        self._section = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "section":
            self._section = str(attributes["id"])
            self.sections[self._section] = []
        elif tag == "table":
            self.sections[self._section].append([])
        elif tag == "tr":
            self.sections[self._section][-1].append([])
        elif tag in ("td", "th"):
            self.sections[self._section][-1][-1].append("")
        elif tag == "p" and attributes.get("class") == "verdict":
            self.verdicts.append("")
        if tag in ("td", "th", "p", "style"):
            self._open.append(f"{tag}.{attributes.get('class') or ''}")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "p", "style"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        where = self._open[-1] if self._open else ""
        if where == "style.":
            return
        self.text += data
        if where.startswith(("td", "th")):
            row = self.sections[self._section][-1][-1]
            row[-1] = f"{row[-1]} {data.strip()}".strip()
        elif where == "p.verdict":
            self.verdicts[-1] += data


def point(number: int, arm: str, seed: int, generator: random.Random, size: int = 20) -> Point:
    """Return a model on `size` × `number` documents; RAT learns a third faster."""
    speed = 1.6 if arm == "rat" else 1.0
    share = 0.9 - 0.7 / (1 + number * speed)
    counts = {}
    for document in range(DOCUMENTS):
        found = round(MENTIONS * share + generator.gauss(0, 4))
        counts[f"t{document}"] = (found, MENTIONS - found, MENTIONS - found)
    total = tuple(sum(column) for column in zip(*counts.values(), strict=True))
    passes = 1.5 if arm == "rat" else 1.0
    return Point(
        round=number,
        documents=size * number,
        tokens=250 * size * number,
        mentions=8 * size * number,
        work=Work(words=170, added=4, changed=1, removed=1, confirmed=3, tasks=1) * (size * number),
        picks=tuple(f"{arm}{number}-{n}" for n in range(3)),
        counts=counts,
        by_label={"Disease": total},
        cost={
            "forward_passes": 10 * passes,
            "backward_passes": 10 * passes,
            "tokens": 5000 * passes,
            "seconds": 2 * passes,
            "peak_memory": 1e9 * passes,
        },
        reliability=(ConfidenceBin(count=0, confidence=0, right=0), ConfidenceBin(count=40, confidence=32.0, right=28)),
        robustness={"typos": {key: (tp - 40, fp + 40, fn + 40) for key, (tp, fp, fn) in counts.items()}},
    )


def run(arm: str, seed: int, *, strategy: str = "mnlp", rounds: int = 6, same_as: str | None = None, **values) -> Run:
    generator = random.Random(f"{same_as or arm} {strategy} {seed}")
    points = tuple(point(number, same_as or arm, seed, generator) for number in range(1, rounds + 1))
    defaults = {"id": f"{arm}-{strategy}-s{seed}", "kind": "simulated", "corpus": "any", "encoder": "minilm"}
    given = {"arm": arm, "strategy": strategy, "seed": seed, "points": points}
    settings = {"settings": {"seed": seed, "training": {"epochs": 6}}, "models": [{"version": f"{arm}-{seed}-v"}]}
    return Run.model_validate(defaults | given | {"provenance": settings} | values)


def simulation(folder: Path, *runs: Run) -> Path:
    (folder / "runs").mkdir(parents=True)
    for number, one in enumerate(runs):
        write_runs(folder / "runs" / f"{number}.jsonl", [one])
    (folder / "simulation.json").write_text(json.dumps({"corpus_sha256": "e" * 64, "documents": {"pool": 500}}))
    return folder


@pytest.fixture(scope="module")
def saving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a simulation in which RAT saves labels."""
    folder = tmp_path_factory.mktemp("saving") / "corpus"
    runs = [run(arm, seed) for seed in range(4) for arm in ("none", "rat")]
    return write_simulation_report(simulation(folder, *runs), target=0.7)[0]


@pytest.fixture(scope="module")
def page(saving: Path) -> Page:
    return Page(saving.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_verdict_stands_first(page: Page) -> None:
    (verdict,) = page.verdicts
    found = re.match(r"rat needs (\d+) % fewer hours than none for an F1 of 70\.0: the ratio is 0\.(\d+), ", verdict)
    assert found
    assert int(found[1]) == 100 - int(found[2]) > 10
    assert "4 seeds and 12 test documents" in verdict
    assert page.text.index(verdict) < page.text.index("Learning curves")
    assert list(page.sections)[:2] == ["curves", "cost"]


@pytest.mark.slow
def test_costs_are_relative_to_the_plain_arm(page: Page) -> None:
    header, plain, rat = page.sections["cost"][0]
    assert header[:2] == ["arm", "passes relative to plain"]
    assert [row[0] for row in (plain, rat)] == ["none", "rat"]
    assert plain[1].startswith("60")
    assert "×" not in "".join(plain)
    # 6 models of 15 + 15 passes (a backward one counts as two, in units of three), against 10 + 10
    assert rat[1] == "90 no spread ×1.50 no spread"
    assert rat[4] == "1.50 GB no spread ×1.50 no spread"


def test_arms_are_compared_in_all_units_hours_first(page: Page) -> None:
    header, *rows = page.sections["comparisons"][0]
    assert [row[1] for row in rows] == ["hours", "mentions", "word pieces", "documents"]
    for row in rows:
        ratio = re.match(r"×(\d\.\d\d) ×(\d\.\d\d) to ×(\d\.\d\d)", row[header.index("left by right")])
        assert ratio
        value, low, high = map(float, ratio.groups())
        assert low < value < high < 1


def test_robustness_calibration_and_labels_have_intervals(page: Page) -> None:
    for row in page.sections["robustness"][0][1:]:
        # a tenth of the mentions is lost in each document
        assert re.match(r"-10\.0 ", row[2])
        assert row[0] == "typing errors"
    for row in page.sections["calibration"][0][1:]:
        value, low, _, high = row[1].split()
        assert float(low) <= float(value) <= float(high)
        # confidence 0.8, right 0.7
        assert value == "10.0"
    for row in page.sections["labels"][0][1:]:
        assert row[:1] + row[2:3] == ["Disease", "4800"]
        assert " to " in row[3]


def test_the_page_says_how_its_figures_came_about(page: Page) -> None:
    assert (
        "4 seeds (0, 1, 2, 3), 12 test documents. Each arm chose its documents itself (query strategy mnlp)."
        in page.text
    )
    assert "e" * 64 in page.text
    assert "95 % confidence intervals over seeds and test documents." in page.text
    settings = {row[0]: row[1] for row in page.sections["provenance"][1][1:]}
    assert settings == {"seed": "0; 1; 2; 3", "training.epochs": "6"}


def test_the_page_needs_nothing_from_elsewhere(saving: Path, page: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "xlink:href"):
                assert str(value).startswith("#")
    html = saving.read_text(encoding="utf-8")
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(value)[1:] for tag, attributes in page.tags if tag == "a" for value in [attributes["href"]]} <= set(ids)


def test_the_files_beside_it_say_the_same(saving: Path, page: Page) -> None:
    files = saving.with_name("report_files")
    figures = json.loads((files / "figures.json").read_text(encoding="utf-8"))
    assert figures["parts"][0]["verdict"] == {"outcome": "saves", "sentence": page.verdicts[0]}
    names = {path.name for path in files.iterdir()}
    for section in figures["parts"][0]["sections"]:
        for table in section["tables"]:
            rows = list(csv.DictReader((files / f"{table['name']}.csv").open(encoding="utf-8")))
            assert len(rows) == len(table["rows"])
        assert {f"{plot['name']}.{kind}" for plot in section["plots"] for kind in ("svg", "png")} <= names
    rows = list(csv.DictReader((files / "cost.csv").open(encoding="utf-8")))
    assert [(row["arm"], float(row["passes"])) for row in rows] == [("none", 60), ("rat", 90)]
    runs = read_runs(files / "runs.jsonl")
    assert [one.id for one in runs][:2] == ["none-mnlp-s0", "rat-mnlp-s0"]


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    runs = [run(arm, seed, rounds=3) for seed in range(2) for arm in ("none", "rat")]
    contents = []
    for name in ("one", "two"):
        folder = simulation(tmp_path / name / "corpus", *runs)
        made, _ = write_simulation_report(folder)
        contents.append({path.name: path.read_bytes() for path in sorted(made.parent.rglob("*")) if path.is_file()})
    assert contents[0] == contents[1]


@pytest.mark.slow
def test_a_cost_is_said_in_the_same_words_and_size_as_a_saving(tmp_path: Path) -> None:
    runs = [run("none", seed, same_as="rat") for seed in range(4)]
    runs += [run("rat", seed, same_as="none") for seed in range(4)]
    report = simulation_report(simulation(tmp_path / "corpus", *runs), target=0.7)
    assert report.parts[0].headline.outcome == "costs"
    page = Page(report.html())
    assert re.match(r"rat needs \d+ % more hours than none for an F1 of 70\.0: ", page.verdicts[0])
    # nothing on the page depends on the outcome but the words
    assert not [1 for _, attributes in page.tags if "costs" in str(attributes.get("class"))]


@pytest.mark.slow
def test_one_seed_has_intervals_over_documents_alone_and_no_verdict(tmp_path: Path) -> None:
    report = simulation_report(simulation(tmp_path / "corpus", run("none", 0), run("rat", 0)), target=0.7)
    page = Page(report.html())
    assert page.verdicts[0].startswith(
        "No difference between rat and none in the hours needed for an F1 of 70.0 could be shown with 1 seed: "
    )
    assert "over test documents alone" in page.text
    assert "One seed, so there is no range." in page.text
    assert "No interval: there is one seed" in page.text


@pytest.mark.slow
def test_no_other_pair_stands_in_for_the_main_one() -> None:
    # the seeds of rat are no other arm's
    runs = [run(arm, seed) for seed in range(2) for arm in ("none", "at", "matched")]
    runs += [run("rat", seed) for seed in (7, 8)]
    study = Study("any", runs, runs, live=False, target=0.7)
    found, problems = comparisons(study)
    assert study.pairs[0] == ("rat", "none")
    for of_unit in found.values():
        assert [(one.left, one.right, one.comparisons) for one in of_unit] == [
            ("matched", "none", 2),
            ("at", "none", 2),
        ]
    headline = headline_of(study, found[study.main_unit], problems)
    assert headline.outcome == "cannot be told"
    assert headline.sentence == (
        "Whether rat saves labels is not known: rat against none by documents: no seed is on both sides of this "
        "comparison; simulate both with the same seeds."
    )


@pytest.mark.slow
def test_the_main_pair_alone_is_not_adjusted() -> None:
    runs = [run(arm, seed) for seed in range(2) for arm in ("none", "at", "matched", "rat")]
    study = Study("any", runs, runs, live=False, target=0.7)
    for of_unit in comparisons(study)[0].values():
        assert [(one.left, one.right, one.comparisons) for one in of_unit] == [
            ("rat", "none", 1),
            ("rat", "matched", 3),
            ("matched", "none", 3),
            ("at", "none", 3),
        ]


def test_the_strategies_of_all_arms_are_adjusted_for_each_other() -> None:
    runs = [
        run(arm, seed, strategy=name) for seed in range(2) for arm in ("none", "rat") for name in ("mnlp", "random")
    ]
    section = strategies_section(Study("any", runs, runs, live=False, target=0.6))
    table = section.tables[1]
    assert "Intervals and p-values are adjusted for 2 comparisons (Bonferroni, Holm)." in table.note
    for row, arm in zip(table.rows, ("none", "rat"), strict=True):
        by_mnlp, at_random = ([one for one in runs if (one.arm, one.strategy) == (arm, s)] for s in ("mnlp", "random"))
        area = compare(by_mnlp, at_random, level=0.975).area.estimate
        assert (row["area"].low, row["area"].high) == (area.low, area.high)


def test_strategies_are_drawn_for_an_arm_that_has_several() -> None:
    runs = [run(arm, seed) for seed in range(2) for arm in ("none", "rat")]
    runs += [run("none", seed, strategy="random") for seed in range(2)]
    section = strategies_section(Study("any", runs, runs, live=False, target=0.6))
    (plot,) = section.plots
    assert plot.title.endswith("(arm none)")
    assert [series.name for series in plot.series] == ["mnlp", "random"]


@pytest.mark.slow
def test_f1_is_compared_at_the_most_labels_that_both_have() -> None:
    runs = [run(arm, seed, rounds=rounds) for seed in range(2) for arm, rounds in (("none", 6), ("rat", 4))]
    for unit, made in comparisons(Study("any", runs, runs, live=False))[0].items():
        assert [effect.at for effect in made[0].budgets] == [getattr(runs[1].points[-1], unit)]


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "said"), [((1,), True), ((1, 2), False)])
def test_a_difference_in_f1_says_what_its_interval_is_over(seeds: tuple[int, ...], said: bool) -> None:
    runs = [
        small.run({20: [0.5, 0.6, 0.55], 40: [0.5, high, 0.55]}, seed=seed, arm=arm)
        for seed in seeds
        for arm, high in (("none", 0.62), ("rat", 0.64 + seed / 100))
    ]
    study = Study("any", runs, runs, live=False)
    found, problems = comparisons(study)
    sentence = headline_of(study, found[study.main_unit], problems).sentence
    assert "no F1 is reached clearly by both arms" in sentence
    assert "rat comes to +" in sentence
    assert ("over test documents alone)" in sentence) == said


@pytest.mark.slow
def test_rows_and_captions_say_what_has_one_seed(tmp_path: Path) -> None:
    runs = [run(arm, seed) for seed in range(3) for arm in ("none", "rat")] + [run("at", 0)]
    page = Page(simulation_report(simulation(tmp_path / "corpus", *runs), target=0.7).html())
    header, *rows = page.sections["comparisons"][0]
    assert {(row[0], row[header.index("seeds")]) for row in rows} == {
        ("rat against none", "3"),
        ("at against none", "1"),
    }
    header, *rows = page.sections["robustness"][0]
    assert [(row[1], row[header.index("seeds")]) for row in rows] == [("none", "3"), ("rat", "3"), ("at", "1")]
    but = "95 % confidence intervals over seeds and test documents, but over test documents alone for {}: there is one"
    assert page.text.count("are views of one question, not adjusted for each other.") == 2
    # under the curves and under robustness; under the comparisons and under every figure
    assert page.text.count(but.format("at")) == 2
    assert page.text.count(but.format("at against none")) == 2
    assert "95 % confidence intervals over seeds and test documents." not in page.text


@pytest.mark.parametrize(
    ("uncased", "lost", "said"),
    [
        (
            True,
            0,
            "so a word in changed case is the same word to it. That no F1 is lost under changed case is therefore",
        ),
        (
            True,
            40,
            "so a word in changed case is the same word to it. Differences under changed case come from elsewhere",
        ),
        (None, 0, "as PubMedBERT and MiniLM do, a word in changed case is the same. That no F1 is lost"),
        (None, 40, "as PubMedBERT and MiniLM do, a word in changed case is the same. Differences under changed case"),
        (False, 40, "This encoder knows capital letters"),
    ],
)
def test_the_sentence_on_changed_case_agrees_with_the_table_beneath(uncased: bool | None, lost: int, said: str) -> None:
    (one,) = [run("none", 0, rounds=1)]
    counts = {key: (tp - lost, fp + lost, fn + lost) for key, (tp, fp, fn) in one.points[0].counts.items()}
    last = one.points[0].model_copy(update={"robustness": {"case": counts}})
    encoder = {} if uncased is None else {"encoder": {"name": "any", "uncased": uncased}}
    changed = one.model_copy(update={"points": (last,), "provenance": encoder})
    section = robustness_section(Study("any", [changed], [changed], live=False))
    assert (section.tables[0].rows[0]["delta"].value == 0) == (lost == 0)
    (text,) = [text for text in section.texts if "case" in text and "encoder" in text]
    assert said in text


def test_where_case_was_not_measured_nothing_is_said_of_it() -> None:
    runs = [run("none", 0, rounds=1)]
    assert not any("encoder" in text for text in robustness_section(Study("any", runs, runs, live=False)).texts)


@pytest.mark.slow
def test_provenance_has_a_row_for_each_value(tmp_path: Path) -> None:
    libraries = {"libraries": {"torch": "2.4", "numpy": "1.26"}, "program_versions": ["1", "2"], "threads": 2}
    runs = [run(arm, 0, rounds=2, provenance=libraries) for arm in ("none", "rat")]
    report = simulation_report(simulation(tmp_path / "corpus", *runs))
    facts = [(row["fact"], row["value"]) for row in report.closing[0].tables[0].rows]
    for fact in (
        ("libraries: torch", "2.4"),
        ("libraries: numpy", "1.26"),
        ("program versions", "1"),
        ("program versions", "2"),
        ("threads", "2"),
    ):
        assert facts.count(fact) == 1
    assert not [value for _, value in facts if str(value).startswith(("{", "["))]


def test_arms_are_explained_where_they_are_first_named(page: Page) -> None:
    assert page.text.index("rat needs") < page.text.index("random adversarial training: in some steps")
    assert page.text.index("random adversarial training: in some steps") < page.text.index("Learning curves")
    # those that were not trained are left out
    assert "full adversarial training" not in page.text


def test_labels_are_those_of_the_last_models_with_their_range_over_seeds() -> None:
    runs = [run("none", seed, rounds=3) for seed in range(2)]
    (row,) = labels_section(Study("any", runs, runs, live=False), None).tables[0].rows
    last = sorted(one.points[-1].f1 for one in runs)
    assert (row["f1"].low, row["f1"].value, row["f1"].high) == pytest.approx((last[0], sum(last) / 2, last[1]))
    assert row["mentions"] == DOCUMENTS * MENTIONS


def test_plots_show_what_the_tables_say() -> None:
    runs = [run("none", seed, rounds=3) for seed in range(2)]
    study = Study("any", runs, runs, live=False)
    (series,) = calibration_section(study).plots[0].series
    # confidence along, the share that is right up
    assert (series.x, series.y) == ([pytest.approx(0.8)], [pytest.approx(0.7)])
    plots = {plot.name: plot for plot in curves_section(study).plots}
    for unit in ("documents", "tokens", "mentions"):
        (series,) = plots[f"curves-{unit}"].series
        curve = learning_curve(runs, unit, grid=[getattr(point, unit) for point in runs[0].points])
        for drawn, values in ((series.y, curve.mean), (series.low, curve.low), (series.high, curve.high)):
            assert drawn == pytest.approx([100 * value for value in values])
        assert tuple(series.x) == curve.grid


@pytest.mark.slow
def test_labels_needed_have_intervals_and_targets_a_decimal() -> None:
    runs = [run(arm, seed) for seed in range(3) for arm in ("none", "rat")]
    study = Study("any", runs, runs, live=False, target=0.725)
    section = comparison_section(study, *comparisons(study))
    row = next(row for row in section.tables[0].rows if row["unit"] == "documents")
    effects = section.tables[1].rows
    for name, arm in (("left", "rat"), ("right", "none")):
        needed = labels_needed([one for one in runs if one.arm == arm], 0.725)
        assert (row[name].value, row[name].low, row[name].high) == (needed.value.value, needed.low, needed.high)
        assert needed.low < needed.value.value < needed.high
    assert "documents needed for an F1 of 72.5" in [one["what"] for one in effects]


def test_a_forecast_names_its_target_with_a_decimal() -> None:
    models = {"models": [{"round": 6, "selecting": True}]}
    runs = [run("rat", 0, rounds=6, kind="live", provenance=models)]
    section = forecast_section(Study("any", runs, runs, live=True, target=0.875), None, 1000)
    assert section.tables[0].title == "More labels to an F1 of 87.5"


def test_a_forecast_in_hours_is_shown_with_each_price_halved_and_doubled() -> None:
    models = {"models": [{"round": 6, "selecting": True}]}
    runs = [run("rat", 0, rounds=6, kind="live", provenance=models)]
    pace = Pace(np.array([100.0]), factors={"words × 2": 1.6, "words × 0.5": 0.7})
    section = forecast_section(Study("any", runs, runs, live=True, target=0.85), pace, 1000)
    needed, varied = section.tables
    assert [row["unit"] for row in needed.rows] == ["hours", "mentions", "word pieces", "documents"]
    assert [row["price"] for row in varied.rows] == ["as it is", "words × 2", "words × 0.5"]
    assert varied.rows[1]["hours"].value == pytest.approx(1.6 * needed.rows[0]["more"].value)
    hours = needed.rows[0]["more"].value
    assert (
        f"With one price halved or doubled, {amount(0.7 * hours)} to {amount(1.6 * hours)} hours." in section.texts[0]
    )
    assert section.texts[1].startswith("The next hour of annotation brings about +")


@pytest.mark.slow
def test_hours_are_compared_with_each_price_halved_and_doubled() -> None:
    runs = [run(arm, seed) for seed in range(2) for arm in ("none", "rat")]
    # what rat saves is reading: half the words for the same mentions
    runs = [
        one.model_copy(
            update={
                "points": tuple(
                    point.model_copy(
                        update={"work": Work(words=100 * point.documents, added=4 * point.documents)}
                        if one.arm == "rat"
                        else {"work": Work(words=200 * point.documents, added=4 * point.documents)}
                    )
                    for point in one.points
                )
            }
        )
        for one in runs
    ]
    price = PriceEstimate(PRIOR.price, np.tile(PRIOR.price.vector(), (9, 1)))
    study = Study("any", priced(runs, price.price), runs, live=False, target=0.6, price=price)
    section = comparison_section(study, *comparisons(study))
    rows = {row["price"]: row["ratio0"].value for row in section.tables[1].rows}
    assert len(rows) == 13
    shown = next(row for row in section.tables[0].rows if row["unit"] == "hours")
    assert rows["as it is"] == pytest.approx(shown["ratio"].value)
    # the dearer words are, the more is saved; nothing was confirmed
    assert rows["words × 2"] < rows["as it is"] < rows["words × 0.5"]
    assert rows["confirmed × 2"] == pytest.approx(rows["as it is"])
    areas = {row["price"]: row["area0"].value for row in section.tables[1].rows}
    assert areas["as it is"] == pytest.approx(shown["area"].value)
    assert areas["words × 2"] > areas["as it is"] > areas["words × 0.5"]
    assert areas["confirmed × 2"] == pytest.approx(areas["as it is"])


def test_runs_of_one_arm_are_said_to_have_nothing_to_compare() -> None:
    runs = [run("committee", seed) for seed in range(2)]
    study = Study("any", runs, runs, live=False, target=0.6)
    section = comparison_section(study, *comparisons(study))
    assert (section.texts, section.tables) == (["There is nothing to compare: all runs have the same arm."], [])


@pytest.mark.slow
def test_runs_of_an_older_version_have_no_hours_and_the_report_says_so(tmp_path: Path) -> None:
    runs = [run(arm, seed) for seed in range(2) for arm in ("none", "rat")]
    old = [
        one.model_copy(update={"points": tuple(p.model_copy(update={"work": None}) for p in one.points)})
        for one in runs
    ]
    report = simulation_report(simulation(tmp_path / "corpus", *old), target=0.7)
    text = Page(report.html()).text
    assert "There are no hours: the version of the program that made these runs" in text
    assert "hours of annotation" not in text
    assert "The price of annotation" not in text


@pytest.mark.slow
def test_a_target_that_nobody_named_was_chosen_after_the_fact(tmp_path: Path, page: Page) -> None:
    runs = [run(arm, seed) for seed in range(3) for arm in ("none", "rat")]
    report = simulation_report(simulation(tmp_path / "corpus", *runs))
    assert report.parts[0].headline.basis.endswith(CHOSEN_AFTER)
    # under the headline, under the comparisons and under every figure
    assert Page(report.html()).text.count(CHOSEN_AFTER) == 3
    assert CHOSEN_AFTER not in page.text


def test_a_single_arm_cannot_be_compared(tmp_path: Path) -> None:
    report = simulation_report(simulation(tmp_path / "corpus", run("none", 0), run("none", 1)))
    assert report.parts[0].headline.outcome == "cannot be told"
    assert "the only arm is none" in report.sentences[0]


@pytest.mark.slow
def test_one_point_is_no_curve(tmp_path: Path) -> None:
    report = simulation_report(simulation(tmp_path / "corpus", *(run(arm, 0, rounds=1) for arm in ("none", "rat"))))
    assert "one point in common" in report.sentences[0]
    Page(report.html())


@pytest.mark.slow
def test_strategies_and_labels_used_again_have_their_parts(tmp_path: Path) -> None:
    runs = [
        run(arm, seed, strategy=name, rounds=4)
        for seed in range(2)
        for arm in ("none", "rat")
        for name in ("mnlp", "random")
    ]
    passive = [
        run("none", seed, id=f"p{seed}", kind="passive", selected_by=f"rat-mnlp-s{seed}", rounds=4) for seed in range(2)
    ]
    full = [run("rat", seed, id=f"f{seed}", kind="full", strategy="random", rounds=1) for seed in range(2)]
    page = Page(simulation_report(simulation(tmp_path / "corpus", *runs, *passive, *full), target=0.6).html())
    strategies, against, varied = page.sections["strategies"]
    assert [row[0] for row in varied[:3]] == ["price", "as it is", "words × 0.5"]
    assert [row[:3] for row in strategies[1:]] == [
        ["none", "mnlp", "2"], ["none", "random", "2"], ["rat", "mnlp", "2"], ["rat", "random", "2"],
    ]  # fmt: skip
    assert [row[0] for row in against[1:]] == ["mnlp (none) against random (none)", "mnlp (rat) against random (rat)"]
    reuse = [row[:4] for row in page.sections["reuse"][0][1:]]
    assert ["none, minilm", "rat (mnlp)", "2", "80"] in reuse
    assert ["rat, minilm", "nobody: the whole pool", "2", "20"] in reuse


@pytest.mark.slow
def test_several_simulations_are_parts_of_one_page(tmp_path: Path) -> None:
    for name in ("bc5cdr", "ncbi"):
        runs = [run(arm, seed, rounds=2) for seed in range(2) for arm in ("none", "rat")]
        simulation(tmp_path / name, *(one.model_copy(update={"corpus": name}) for one in runs))
    made, report = write_simulation_report(tmp_path)
    assert [part.headline.corpus for part in report.parts] == ["bc5cdr", "ncbi"]
    page = Page(made.read_text(encoding="utf-8"))
    assert len(page.verdicts) == 2
    assert {"corpus1-curves", "corpus2-curves"} <= page.sections.keys()
    assert {"corpus1-cost.csv", "corpus2-cost.csv"} <= {path.name for path in (made.parent / "report_files").iterdir()}


@pytest.mark.slow
def test_simulations_on_one_corpus_are_told_apart(tmp_path: Path) -> None:
    for number, name in enumerate(("ncbi", "ncbi-random")):
        runs = [run(arm, seed, rounds=2, corpus="NCBI") for seed in range(2) for arm in ("none", "rat")]
        passive = run("none", 0, id="p0", kind="passive", selected_by="rat-mnlp-s0", rounds=2, corpus="NCBI")
        plan = {"corpus_sha256": str(number) * 64}
        (simulation(tmp_path / name, *runs, passive) / "simulation.json").write_text(json.dumps(plan))
    made, report = write_simulation_report(tmp_path)
    assert [part.headline.corpus for part in report.parts] == ["NCBI (ncbi)", "NCBI (ncbi-random)"]
    facts = {row["fact"]: row["value"] for row in report.closing[0].tables[0].rows}
    assert facts["NCBI (ncbi): corpus (sha256)"] == "0" * 64
    assert facts["NCBI (ncbi-random): corpus (sha256)"] == "1" * 64
    runs = read_runs(made.parent / "report_files" / "runs.jsonl")
    assert len(runs) == 10
    assert runs[0].id == "ncbi/none-mnlp-s0"
    assert [one.selected_by for one in runs if one.kind == "passive"] == [
        "ncbi/rat-mnlp-s0",
        "ncbi-random/rat-mnlp-s0",
    ]
    assert ["none, minilm", "rat (mnlp)", "1"] in [
        row[:3] for row in Page(made.read_text(encoding="utf-8")).sections["corpus2-reuse"][0]
    ]


@pytest.mark.slow
def test_hostile_names_stay_text(tmp_path: Path) -> None:
    runs = [
        run(arm, seed, rounds=2, strategy=HOSTILE, id=f"{HOSTILE}{arm}{seed}", encoder=HOSTILE)
        for seed in range(2)
        for arm in ("none", "<script>rat</script>")
    ]
    labelled = []
    for one in runs:
        points = tuple(p.model_copy(update={"by_label": {HOSTILE: (1, 2, 3)}}) for p in one.points)
        labelled.append(one.model_copy(update={"points": points, "provenance": {HOSTILE: {HOSTILE: HOSTILE}}}))
    folder = simulation(tmp_path / "<b>&{{ x }}", *labelled)
    made, _ = write_simulation_report(folder)
    html = made.read_text(encoding="utf-8")
    page = Page(html)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert "<b>&{{ x }}" in page.text
    assert "49" not in page.verdicts[0]
    assert page.sections["labels"][0][1][0] == " ".join(HOSTILE.split()) or HOSTILE in page.sections["labels"][0][1][0]
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]


def test_everything_that_a_report_may_say_is_escaped() -> None:
    table = FigureTable("t", HOSTILE, {"k": HOSTILE}, [{"k": HOSTILE}], HOSTILE)
    section = Section("s", HOSTILE, [HOSTILE], [table])
    report = Report(
        HOSTILE, HOSTILE, [ReportPart(Headline(HOSTILE, HOSTILE, HOSTILE, HOSTILE), [section])] * 2, [], [section]
    )
    page = Page(report.html())
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "main", "nav", "ul", "li",
        "a", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "span", "footer",
    }  # fmt: skip
    assert page.verdicts == [HOSTILE, HOSTILE]
    assert page.text.count(HOSTILE) > 15


@pytest.mark.slow
def test_what_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    folder = simulation(tmp_path / "corpus", run("none", 0, rounds=2), run("rat", 0, rounds=2))
    made, _ = write_simulation_report(folder, tmp_path / "x.html")
    assert made == tmp_path / "x.html"
    assert (tmp_path / "x_files" / "cost.csv").is_file()
    with pytest.raises(ProjectError, match=r"x\.html already exists; .* --force"):
        write_simulation_report(folder, tmp_path / "x.html")
    (tmp_path / "x_files" / "old.csv").touch()
    write_simulation_report(folder, tmp_path / "x.html", force=True)
    assert not (tmp_path / "x_files" / "old.csv").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_a_report_that_was_cut_off_before_its_page_is_written_without_force(tmp_path: Path) -> None:
    folder = simulation(tmp_path / "corpus", run("none", 0, rounds=2), run("rat", 0, rounds=2))
    write_simulation_report(folder, tmp_path / "x.html")
    (tmp_path / "x.html").unlink()
    # what a process that is killed between the folder and the page leaves
    (tmp_path / ".x.html.claim").write_text("new")
    write_simulation_report(folder, tmp_path / "x.html")
    assert (tmp_path / "x.html").is_file()
    (tmp_path / ".x.html.claim").write_text("new")
    with pytest.raises(ProjectError, match=r"x\.html is complete: the command that was cut off had written it"):
        write_simulation_report(folder, tmp_path / "x.html")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_of_somebody_elses_is_left_alone_even_by_force(tmp_path: Path) -> None:
    folder = simulation(tmp_path / "corpus", run("none", 0, rounds=2), run("rat", 0, rounds=2))
    (tmp_path / "x_files").mkdir()
    (tmp_path / "x_files" / "thesis.txt").write_text("mine")
    with pytest.raises(ProjectError, match="does not belong to a report"):
        write_simulation_report(folder, tmp_path / "x.html", force=True)
    assert (tmp_path / "x_files" / "thesis.txt").read_text() == "mine"
    assert not (tmp_path / "x.html").exists()


def test_where_there_is_no_simulation_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="holds no simulation"):
        simulation_report(tmp_path)
    simulation(tmp_path / "begun")
    with pytest.raises(NothingToDoYet, match="none of the runs"):
        simulation_report(tmp_path / "begun")
    assert not (tmp_path / "report").exists()
