"""Exclusion contours as a page of their own: hover a point for its numbers, toggle lines and bands.

Python decides what is drawn and writes it down as JSON; ``web/contour.js`` draws it. A table has the same numbers for
those without JavaScript.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.plot.axes import Plane
from hfscale.plot.contours import ExclusionContours
from hfscale.plot.outlines import Region, forbidden_region
from hfscale.plot.points import NSIGMA
from hfscale.plot.standing import standings
from hfscale.plot.web.markup import Html, element, join, table
from hfscale.plot.web.page import heading, json_script, make_page, save_page

SCRIPT = "contour.js"
"""What a page with a contour needs."""

_SYMBOL = re.compile(r"([A-Za-z]+)_([A-Za-z0-9]+)")
_BEGIN = 1
_MARGIN = 0.04


class Fact(NamedTuple):
    """Something about a signal point: a name, and a number, a text, or None where there is none."""

    name: str
    value: int | float | str | None


@dataclass(frozen=True)
class InteractiveContour:
    """A contour for browsers; notebooks show it where a cell ends in it.

    Attributes:
        document: What is drawn, as JSON.
    """

    document: Mapping[str, Any]

    def to_html(self) -> str:
        """Return the page: one file that needs no network and no other file."""
        title = str(self.document["title"])
        return make_page(title, [heading(title), self.figure("contour"), self.numbers()], [SCRIPT])

    def save(self, path: str | Path) -> None:
        """Write the page.

        Raises:
            InputError: The name does not end in .html, or the file cannot be written.
        """
        save_page(self.to_html(), Path(path))

    def figure(self, identity: str) -> Html:
        """Return the contour as a piece of a page that has the script `SCRIPT`.

        Args:
            identity: Name of the piece, unique in the page.
        """
        note = "This drawing needs JavaScript; the numbers are in the table."
        tooltip = element("div", id=f"{identity}-tooltip", class_="tooltip", role="status", hidden=True)
        caption = [element("div", message[0].upper() + message[1:] + ".") for message in self.document["messages"]]
        return join(
            [
                element(
                    "figure",
                    element("div", class_="legend", role="group", aria_label="What is shown"),
                    element("div", tooltip, class_="plot"),
                    element("noscript", element("p", note)),
                    element("figcaption", *caption) if caption else None,
                    class_="contour",
                    data_source=identity,
                ),
                json_script(identity, self.document),
            ]
        )

    def numbers(self) -> Html:
        """Return the facts of all points as a table, to be opened."""
        points = self.document["points"]
        names = list(dict.fromkeys(name for point in points for name, _ in point["facts"]))
        rows = ([point["name"], *(dict(point["facts"]).get(name) for name in names)] for point in points)
        return element("details", element("summary", "The signal points as a table"), table(("name", *names), rows))

    def _repr_html_(self) -> str:
        # A frame of its own: notebooks neither run the scripts of others' HTML, nor should our style reach them.
        page = html.escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="760" style="border: 0" title="contour"></iframe>'


def interactive_contour(
    contours: ExclusionContours,
    plane: Plane,
    facts: Mapping[str, Sequence[Fact]],
    *,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    x_unit: str | None = None,
    y_unit: str | None = None,
    messages: Iterable[str] = (),
) -> InteractiveContour:
    """Make a contour for browsers.

    Args:
        contours: The lines and bands.
        plane: The points that they were made from.
        facts: What is told of each point, by name; points without any show their status.
        title: Text above it, and title of the page.
        x_label: Instead of the expression of x.
        y_label: The same for y.
        x_unit: Unit behind the label of x.
        y_unit: The same for y.
        messages: Sentences for below the drawing, before those of the contours.
    """
    texts = zip((x_label or plane.x_text, y_label or plane.y_text), (x_unit, y_unit), strict=True)
    names = [f"{text} [{unit}]" if unit else text for text, unit in texts]
    selected = f" where {plane.select}" if plane.select else ""
    document = {
        "title": title or f"Exclusion contour of {plane.y_text} against {plane.x_text}{selected}",
        "x": _axis(plane.x, names[0], plane.log[0]),
        "y": _axis(plane.y, names[1], plane.log[1]),
        "hull": _coordinates(contours.grid.hull),
        "layers": [*_shapes(contours), *_markers(contours, plane)],
        "points": _points(plane, facts),
        "messages": [*messages, *contours.messages, *contours.remarks],
    }
    return InteractiveContour(document)


def label_parts(text: str) -> list[tuple[str, bool]]:
    """Split a label into pieces and whether they are subscripts: ``m_lsp`` is an m with the subscript lsp."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for symbol in _SYMBOL.finditer(text):
        parts += [(text[end : symbol.start()] + symbol[1], False), (symbol[2], True)]
        end = symbol.end()
    parts.append((text[end:], False))
    return [(part, below) for part, below in parts if part]


def _axis(values: Float[np.ndarray, " point"], name: str, log: bool) -> dict[str, Any]:
    places = np.log10(values) if log else values
    margin = _MARGIN * float(np.ptp(places) or 1.0)
    ends = (float(places.min()) - margin, float(places.max()) + margin)
    low, high = (10.0**end for end in ends) if log else ends
    return {"label": label_parts(name), "low": low, "high": high, "scale": "log" if log else "linear"}


def _shapes(contours: ExclusionContours) -> list[dict[str, Any]]:
    """Bands and lines, in the order in which they are drawn; those that are not there are left out."""
    one, two = contours.bands
    ends, varied = ([line for side in sides for line in side] for sides in (contours.uncertainty, contours.signal))
    layers = [
        _layer("two-sigma", "band", "Expected \N{PLUS-MINUS SIGN}2 \u03c3", "expected", _outlines(two), opacity=0.15),
        _layer("one-sigma", "band", "Expected \N{PLUS-MINUS SIGN}1 \u03c3", "expected", _outlines(one), opacity=0.3),
        *_forbidden(contours),
        *_quantiles(contours),
        _layer("expected", "line", "Expected limit", "expected", contours.expected[2], dashes="9 5"),
        _layer("toys", "line", "Observed, toys off by their 68% interval", "observed", ends, dashes="2 3", width=1.3),
        _layer("signal", "line", "Observed \N{PLUS-MINUS SIGN}1 \u03c3 theory", "observed", varied, dashes="4 3"),
        _layer("observed", "line", "Observed limit", "observed", contours.observed, width=2.6),
    ]
    return [layer for layer in layers if layer["lines"]]


def _forbidden(contours: ExclusionContours) -> list[dict[str, Any]]:
    if contours.grid.forbidden is None:
        return []
    label = f"Forbidden: {contours.grid.forbidden.text}"
    return [_layer("forbidden", "area", label, "points", _outlines(forbidden_region(contours.grid)), opacity=0.25)]


def _quantiles(contours: ExclusionContours) -> list[dict[str, Any]]:
    """The edges of the bands as lines, which are not shown until asked for."""
    found = []
    for sigma, lines in zip(NSIGMA, contours.expected, strict=True):
        if sigma:
            label, dashes = (
                f"Expected {sigma:+d} \u03c3".replace("-", "\N{MINUS SIGN}"),
                "7 2 2 2" if abs(sigma) == 1 else "2 4",
            )
            layer = _layer(f"expected{sigma:+d}", "line", label, "expected", lines, dashes=dashes, width=1.3)
            found.append({**layer, "hidden": True})
    return found


def _layer(
    identity: str,
    kind: str,
    label: str,
    colour: str,
    lines: Iterable[Float[np.ndarray, "_ 2"]],
    *,
    dashes: str | None = None,
    width: float = 2.0,
    opacity: float = 1.0,
) -> dict[str, Any]:
    look = {"colour": colour, "dashes": dashes, "width": width, "opacity": opacity}
    return {"id": identity, "kind": kind, "label": label, **look, "lines": [_coordinates(line) for line in lines]}


def _outlines(region: Region) -> list[Float[np.ndarray, "_ 2"]]:
    """The outlines of a region one by one."""
    starts = np.flatnonzero(region.codes == _BEGIN)
    return np.split(region.vertices, starts[1:]) if len(starts) else []


def _coordinates(line: Float[np.ndarray, "_ 2"]) -> list[list[float]]:
    """Places with as many digits as drawings need."""
    return [[float(f"{value:.7g}") for value in vertex] for vertex in line.tolist()]


def _markers(contours: ExclusionContours, plane: Plane) -> list[dict[str, Any]]:
    colours = {"excluded": "points", "allowed": "points"}
    return [
        {
            "id": standing.identity,
            "kind": "points",
            "label": standing.label,
            "colour": colours.get(standing.identity, "problem"),
            "marker": standing.shape,
            "points": np.flatnonzero(standing.points).tolist(),
        }
        for standing in standings(plane, plane.quantity.threshold(contours.level))
    ]


def _points(plane: Plane, facts: Mapping[str, Sequence[Fact]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "x": x, "y": y, "facts": [[*fact] for fact in facts.get(name, (Fact("status", status),))]}
        for name, x, y, status in zip(plane.names, plane.x.tolist(), plane.y.tolist(), plane.status, strict=True)
    ]
