"""Plots: drawn once with matplotlib, kept as files, and put into the page so that they follow its colours.

Series are told apart by marker and line as well as by colour; the colours are those of Okabe and Ito, "Color Universal
Design" (2008), in the page with other ones of the same set where the page is dark.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from xml.etree.ElementTree import Element, register_namespace, tostring

from defusedxml.ElementTree import fromstring

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_NAME = 28
"""Longer names of series are cut in the plot; the tables have them in full."""

_MARKERS = 12
"""About how many a line has; the grids of curves are finer."""

_ROOM = 0.04
"""Of the range of values, added above and below it."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_INK = "#010203"
"""Text and axes; in the page the colour of its text."""


Line = Literal["-", "--", "-.", ":"]


class Style(NamedTuple):
    """How a series looks; `dark` replaces `colour` in a dark page."""

    colour: str
    dark: str
    marker: str
    line: Line


STYLES: Mapping[str, Style] = {
    "rat": Style("#0072b2", "#56b4e9", "o", "-"),
    "none": Style("#d55e00", "#e69f00", "s", "--"),
    "at": Style("#009e73", "#33c9a0", "^", ":"),
    "matched": Style("#a65787", "#cc79a7", "D", "-."),
}
"""Of the arms."""

_REST = (
    Style("#222223", "#f0e442", "v", "-"),
    Style("#b8860b", "#dcb27c", "P", "--"),
    Style("#3f3f8f", "#a0a0ff", "X", ":"),
    Style("#6b6b6c", "#bbbbbc", "*", "-."),
)


@dataclass(frozen=True, slots=True)
class PlotLine:
    """One line of a plot with its band.

    :param low: lower border of the interval of each value, shape (n,); empty where there is none.
    :param high: upper border.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """What is to be drawn.

    :param name: of its files, letters and hyphens.
    :param title: what it shows, in words; the page's caption and its text for those who cannot see it.
    :param diagonal: draw the line y = x, where perfect calibration lies.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: Sequence[PlotLine]
    y_limits: tuple[float, float] | None = None
    diagonal: bool = False


def styles_of(names: Sequence[str]) -> dict[str, Style]:
    """A style for each series: an arm keeps its own; others, in order, take one that no other has, as long as there
    are any, and those of arms last."""
    arms = {name: STYLES[name] for name in names if name in STYLES}
    free = [*_REST, *(style for style in STYLES.values() if style not in arms.values())]
    others = [name for name in names if name not in arms]
    return arms | {name: free[place % len(free)] for place, name in enumerate(others)}


def write_plot(plot: Plot, folder: Path) -> None:
    """Write ``NAME.svg`` and ``NAME.png``; the same bytes for the same plot."""
    figure = _draw(plot)
    (folder / f"{plot.name}.svg").write_bytes(_svg(figure))
    picture = io.BytesIO()
    with _quiet():
        figure.savefig(picture, format="png", dpi=160, metadata={"Software": None})
    (folder / f"{plot.name}.png").write_bytes(picture.getvalue())


def inline_svg(plot: Plot) -> str:
    """The plot as an SVG element for a page: no size of its own, the page's font, and its colours by CSS variables.

    The variables ``--cCOLOUR`` are in :func:`colour_variables`.
    """
    figure = _draw(plot)
    for patch in (figure.patch, figure.axes[0].patch):
        patch.set_visible(False)
    root: Element = fromstring(_svg(figure))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"class": "plot", "role": "img", "aria-label": plot.title}
    for parent in list(root.iter()):
        for child in list(parent):
            # a style sheet inside would be one for the whole page
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    known = [style.colour for style in (*STYLES.values(), *_REST)]
    for element in root.iter():
        _make_unique(element, plot.name)
        style = element.get("style")
        if style is not None:
            style = re.sub(r"font-family:[^;]*;?|(?<=font: )(\S+) [^;]*", r"\1", style)
            style = style.replace(_INK, "currentColor")
            for colour in known:
                style = style.replace(colour, f"var(--c{colour[1:]})")
            element.set("style", style)
    register_namespace("", _SVG)
    register_namespace("xlink", _XLINK)
    return tostring(root, encoding="unicode")


def colour_variables(*, dark: bool) -> dict[str, str]:
    """The CSS variables that plots in a page refer to."""
    return {f"--c{style.colour[1:]}": style.dark if dark else style.colour for style in (*STYLES.values(), *_REST)}


def plain_name(name: str) -> str:
    """A series' name as a plot can show it: one short line of what can be printed."""
    shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in name)
    if len(shown) > LONGEST_NAME:
        shown = shown[: LONGEST_NAME - 1] + "…"
    # matplotlib leaves names with an underscore in front out of the legend
    return f" {shown}" if shown.startswith("_") or not shown else shown


def _make_unique(element: Element, name: str) -> None:
    """Several plots in one page must not share ids."""
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")
    link = f"{{{_XLINK}}}href"
    if element.get(link, "").startswith("#"):
        element.set(link, f"#{name}-{element.attrib[link][1:]}")
    for attribute in ("clip-path", "style"):
        if "url(#" in element.get(attribute, ""):
            element.set(attribute, element.attrib[attribute].replace("url(#", f"url(#{name}-"))


def _draw(plot: Plot) -> Figure:
    # without a screen, and without touching what the caller's program draws
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    styles = styles_of([series.name for series in plot.series])
    for place, series in enumerate(plot.series):
        style = styles[series.name]
        if series.low:
            axes.fill_between(series.x, series.low, series.high, color=style.colour, alpha=0.16, linewidth=0)
        axes.plot(
            series.x,
            series.y,
            color=style.colour,
            marker=style.marker,
            linestyle=style.line,
            markersize=5,
            markevery=_every(series, place, len(plot.series)),
        )
    if plot.diagonal:
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.8, linestyle=(0, (1, 2)))
    _dress(axes, plot)
    _legend(figure, plot, styles)
    return figure


def _every(series: PlotLine, place: int, of: int) -> tuple[int, int]:
    """Where markers stand: at every value of a short series, at some of a long one, in other places for each series."""
    step = max(1, len(series.x) // _MARKERS)
    return (place * step // of, step)


def _dress(axes: Axes, plot: Plot) -> None:
    axes.set_xlabel(plot.x_label, color=_INK, parse_math=False)
    axes.set_ylabel(plot.y_label, color=_INK, parse_math=False)
    if plot.y_limits is not None:
        # a marker at a limit would be cut in half
        low, high = plot.y_limits
        room = _ROOM * (high - low)
        axes.set_ylim(low - room, high + room)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_INK)
    axes.tick_params(colors=_INK)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.grid(color=_INK, alpha=0.15, linewidth=0.6)


def _legend(figure: Figure, plot: Plot, styles: Mapping[str, Style]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle=style.line, markersize=5)
        for style in (styles[series.name] for series in plot.series)
    ]
    names = [plain_name(series.name) for series in plot.series]
    # as many beside each other as there is room for, in characters
    widest = max(map(len, names), default=0) + 7
    columns = max(1, min(len(names), 54 // widest))
    legend = figure.legend(
        handles, names, loc="outside upper left", ncols=columns, frameon=False, handlelength=3.2, labelcolor=_INK
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _svg(figure: Figure) -> bytes:
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "biorat-al", "svg.fonttype": "none"}), _quiet():
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    # a name may have characters that the plots' font lacks; the page has them
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
