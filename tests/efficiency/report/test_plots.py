"""Plots: the same bytes each time, readable without colour, harmless whatever the names are."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from biorat_al.efficiency.report.plots import (
    STYLES,
    Plot,
    PlotLine,
    colour_variables,
    inline_svg,
    plain_name,
    styles_of,
    write_plot,
)

HOSTILE = [
    "</svg><script>alert(1)</script>",
    '"><img src=x onerror=1>',
    "{{ 7*7 }}",
    "$x_{$",
    "_hidden",
    "مرحبا",
    "😀" * 60,
]


def plot(*names: str, name: str = "curve") -> Plot:
    series = [
        PlotLine(one, [10, 20, 30], [0.2, 0.4, place / 10], [0.1, 0.3, 0], [0.3, 0.5, 1])
        for place, one in enumerate(names)
    ]
    return Plot(name, f"Of {' and '.join(names)}", "documents", "F1 (%)", series)


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_no_two_series_look_alike_without_colour() -> None:
    styles = styles_of(["rat", "none", "at", "matched", "mnlp", "random", "x", "y"])
    assert len({(style.marker, style.line) for style in styles.values()}) == 8
    assert len({style.colour for style in styles.values()}) == len({style.dark for style in styles.values()}) == 8
    assert styles["rat"] == STYLES["rat"]
    assert styles_of(["mnlp"])["mnlp"] not in STYLES.values()


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    contents = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_plot(plot("rat", "none"), folder)
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"curve.svg", "curve.png"}
    assert contents[0]["curve.png"].startswith(b"\x89PNG")
    assert b"<dc:date>" not in contents[0]["curve.svg"]


def test_in_a_page_a_plot_takes_the_pages_colours() -> None:
    svg = inline_svg(plot("rat", "none"))
    assert "currentColor" in svg
    used = set(re.findall(r"var\((--\w+)\)", svg))
    assert used == {f"--c{STYLES[arm].colour[1:]}" for arm in ("rat", "none")}
    assert used <= colour_variables(dark=True).keys() == colour_variables(dark=False).keys()
    # no colour but these, and nothing painted behind
    assert not re.search(r"(?:fill|stroke): #", svg)


def test_plots_of_one_page_share_no_ids() -> None:
    found = [re.findall(r'id="([^"]+)"', inline_svg(plot("rat", name=name))) for name in ("a", "b")]
    assert found[0]
    assert not set(found[0]) & set(found[1])
    svg = inline_svg(plot("rat", name="a"))
    for reference in re.findall(r'(?:href="|url\()#([^")]+)', svg):
        assert f'id="{reference}"' in svg


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str, tmp_path: Path) -> None:
    svg = inline_svg(plot(name, "rat"))
    root = fromstring(svg)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "g",
        "defs",
        "path",
        "use",
        "text",
        "clipPath",
        "rect",
    }
    assert plain_name(name).strip() in [text.strip() for text in texts(root)]
    assert "<script" not in svg
    assert root.get("aria-label") == f"Of {name} and rat"
    write_plot(plot(name, "rat"), tmp_path)


def test_a_long_name_is_cut_in_the_plot() -> None:
    assert plain_name("x" * 500) == "x" * 27 + "…"
    assert plain_name("a\x00b\nc") == "a b c"


def test_a_series_of_one_point_and_one_without_a_band_are_drawn() -> None:
    series = [PlotLine("rat", [0.5], [0.5]), PlotLine("none", [], [])]
    root = fromstring(inline_svg(Plot("p", "t", "x", "y", series, (0, 1), diagonal=True)))
    assert {"0.0", "1.0", "rat", "none"} <= set(texts(root))


def test_a_marker_at_a_limit_of_the_values_is_not_cut() -> None:
    limits = (60.0, 80.0)
    root = fromstring(inline_svg(Plot("p", "t", "x", "y", [PlotLine("rat", [1, 2], list(limits))], limits)))
    svg = "{http://www.w3.org/2000/svg}"
    (clip,) = root.iter(f"{svg}clipPath")
    (rect,) = clip.iter(f"{svg}rect")
    top, height = float(rect.get("y", "")), float(rect.get("height", ""))
    markers = [float(use.get("y", "")) for use in root.iter(f"{svg}use") if "clip-path" not in use.attrib]
    inside = [
        float(use.get("y", ""))
        for group in root.iter(f"{svg}g")
        if "clip-path" in group.attrib
        for use in group.iter(f"{svg}use")
        if "rat" not in (use.get("id") or "")
    ]
    assert markers or inside
    # half of a marker is three points
    for y in inside:
        assert top + 3 <= y <= top + height - 3
