"""Plots, drawn with matplotlib: written as files, and put into the page as SVG that follows the page's colours.

Lines differ in marker and dash pattern as well as in colour. The colours are those of Okabe and Ito, "Color Universal
Design" (2008); in a dark page, other colours of the same set.
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
"""Longer names are shortened in the legend; the tables show them in full."""

_MARKERS = 12
"""Approximate number of markers on a line; the grids of curves are finer."""

_ROOM = 0.04
"""Margin above and below the limits of the y axis, as a share of their range."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_INK = "#010203"
"""Colour of text and axes; in the page it is replaced by the colour of the page's text."""


Line = Literal["-", "--", "-.", ":"]


class Style(NamedTuple):
    """How a line looks; `dark` replaces `colour` in a dark page."""

    colour: str
    dark: str
    marker: str
    line: Line


STYLES: Mapping[str, Style] = {
    "rat": Style("#0072b2", "#56b4e9", "o", "-"),
    "none": Style("#d55e00", "#e69f00", "s", "--"),
    "at": Style("#009e73", "#33c9a0", "^", ":"),
    "committee": Style("#222223", "#f0e442", "v", "-"),
    "matched": Style("#a65787", "#cc79a7", "D", "-."),
}
"""The style of each arm."""

_REST = (
    Style("#b8860b", "#dcb27c", "P", "--"),
    Style("#3f3f8f", "#a0a0ff", "X", ":"),
    Style("#6b6b6c", "#bbbbbc", "*", "-."),
    Style("#7a3b00", "#ffb27a", "p", "-"),
)


@dataclass(frozen=True, slots=True)
class PlotLine:
    """One line of a plot with its band.

    :param low: lower ends of the intervals, one per value; empty without a band.
    :param high: upper ends of the intervals.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot to be drawn.

    :param name: name of its files, in letters and hyphens.
    :param title: what the plot shows; used as caption and as the text for people who cannot see it.
    :param series: the lines.
    :param diagonal: draw the line y = x, which is perfect calibration.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: Sequence[PlotLine]
    y_limits: tuple[float, float] | None = None
    diagonal: bool = False


def styles_of(names: Sequence[str]) -> dict[str, Style]:
    """Choose a style for each line: an arm has its own; other lines take unused styles, those of absent arms last."""
    arms = {name: STYLES[name] for name in names if name in STYLES}
    free = [*_REST, *(style for style in STYLES.values() if style not in arms.values())]
    others = [name for name in names if name not in arms]
    return arms | {name: free[place % len(free)] for place, name in enumerate(others)}


def write_plot(plot: Plot, folder: Path) -> None:
    """Write ``NAME.svg`` and ``NAME.png``; the same plot gives the same bytes."""
    figure = _draw(plot)
    (folder / f"{plot.name}.svg").write_bytes(_svg(figure))
    picture = io.BytesIO()
    with _quiet():
        figure.savefig(picture, format="png", dpi=160, metadata={"Software": None})
    (folder / f"{plot.name}.png").write_bytes(picture.getvalue())


def inline_svg(plot: Plot) -> str:
    """Return the plot as an SVG element for a page, without a fixed size, with the page's font and CSS colours.

    Colours are CSS variables ``--cCOLOUR``; :func:`colour_variables` gives their values.
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
            # a style sheet in the SVG would apply to the whole page
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
    """Return the CSS variables to which plots in a page refer, with their values."""
    return {f"--c{style.colour[1:]}": style.dark if dark else style.colour for style in (*STYLES.values(), *_REST)}


def plain_name(name: str) -> str:
    """Return a name as the legend can show it: one short line of printable characters."""
    shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in name)
    if len(shown) > LONGEST_NAME:
        shown = shown[: LONGEST_NAME - 1] + "…"
    # matplotlib leaves names that begin with an underscore out of the legend
    return f" {shown}" if shown.startswith("_") or not shown else shown


def _make_unique(element: Element, name: str) -> None:
    """Prefix ids and references with the name of the plot, since ids must be unique in a page."""
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")
    link = f"{{{_XLINK}}}href"
    if element.get(link, "").startswith("#"):
        element.set(link, f"#{name}-{element.attrib[link][1:]}")
    for attribute in ("clip-path", "style"):
        if "url(#" in element.get(attribute, ""):
            element.set(attribute, element.attrib[attribute].replace("url(#", f"url(#{name}-"))


def _draw(plot: Plot) -> Figure:
    """Draw a plot."""
    # without a screen, and without touching figures of the calling program
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
    """Return first marker and distance of markers: at every value of a short line, fewer on a long one.

    The first marker depends on the place of the line, so that markers of different lines do not coincide.
    """
    step = max(1, len(series.x) // _MARKERS)
    return (place * step // of, step)


def _dress(axes: Axes, plot: Plot) -> None:
    """Set labels, limits, colours and grid of the axes."""
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
    # as many columns as there is room for, estimated in characters
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
    # a name may have characters that the font of the plots lacks; the page shows them
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
