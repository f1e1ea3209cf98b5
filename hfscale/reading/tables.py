"""CLs of signal points from tables that other programs wrote, as contours are made from."""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from hfscale.errors import SchemaError, SourceError
from hfscale.plot.keywords import FigureKeywords, SurfaceKeywords
from hfscale.plot.points import PlanePoints

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.plot.interactive import Fact
    from hfscale.plot.interpolation_error import InterpolationError
    from hfscale.plot.suggestions import Suggestion

TABLE_SUFFIXES = (".json", ".csv")
_Row = dict[str, Any]
_NAMES = ("name", "point")
_OBSERVED = ("CLs_obs", "CLs")
_BAND = "CLs_exp"
_BANDS = (
    ("CLs_exp_m2", "CLs_exp_m1", "CLs_exp_0", "CLs_exp_p1", "CLs_exp_p2"),  # hfscale export --format csv
    ("clsd2s", "clsd1s", "CLsexp", "clsu1s", "clsu2s"),  # HistFitter's harvest
)
_RESULTS = re.compile(
    r"name|point|poi|level|kind|calctype|test_stat|status|reason|asymptotics_doubts|effective_events|signal_yield"
    r"|CLs.*|CLb.*|cls[ud]\ds|q|q0|q_.*|q0_.*|p0.*|p1|Z|Z_.*|mu_hat.*|twice_nll.*|toys_.*|S95_.*|visible_xsec.*|xsec.*"
    r"|upper_?limit.*|expectedUpperLimit.*|excludedXsec|sigma[01]|mode|nexp|seed|fID"
    r"|nofit|fitstatus|failed.*|dodgycov|covqual",
    re.IGNORECASE,
)
"""What hfscale and HistFitter write into tables that is no label."""
_STATUSES = ("ok", "no_signal", "partial", "failed", "pending", "not_run")


def is_table(path: str | Path) -> bool:
    """Tell whether a path is that of a table, by its suffix, and not of a store."""
    return str(path).lower().endswith(TABLE_SUFFIXES) and not Path(path).is_dir()


@dataclass(frozen=True, repr=False)
class Table:
    """CLs of signal points that come from no store.

    Attributes:
        points: The points.
    """

    points: PlanePoints

    def __repr__(self) -> str:
        return f"<Table of {len(self.points.names)} signal points, labels {', '.join(self.points.labels)}>"

    def plane_points(self) -> PlanePoints:
        """Points with their labels and CLs, as contours need them."""
        return self.points

    def facts(self) -> "dict[str, list[Fact]]":
        """What tooltips tell of each point."""
        from hfscale.reading.facts import facts_of

        found = {}
        for k, name in enumerate(self.points.names):
            values = {label: column[k].item() for label, column in self.points.labels.items()}
            CLs = [None if math.isnan(number) else number for number in self.points.expected[k].tolist()]
            observed = float(self.points.observed[k])
            row = {"values": values, "status": self.points.status[k]}
            found[name] = facts_of({**row, "CLs_obs": None if math.isnan(observed) else observed, "CLs_exp": CLs})
        return found

    def contour(
        self,
        x: str,
        y: str,
        select: str | None = None,
        *,
        bands: int = 1,
        expected_lines: Sequence[int] = (),
        error: bool = False,
        **choices: Unpack[FigureKeywords],
    ) -> "Figure":
        """Draw the exclusion contour; arguments and errors as of `hfscale.results.Results.contour`."""
        from hfscale.plot.compose import contour_figure

        lines: dict[str, Any] = {"bands": bands, "expected_lines": expected_lines}
        return contour_figure(self.points, x, y, select, error=error, **lines, **choices)

    def suggest_points(
        self, x: str, y: str, select: str | None = None, *, n: int = 10, **surface: Unpack[SurfaceKeywords]
    ) -> "tuple[Suggestion, ...]":
        """Suggest the next signal points worth generating, as `hfscale.results.Results.suggest_points`."""
        from hfscale.plot.compose import next_points

        return next_points(self.points, x, y, select, n=n, **surface)

    def interpolation_error(
        self, x: str, y: str, select: str | None = None, **surface: Unpack[SurfaceKeywords]
    ) -> "InterpolationError":
        """Estimate how far the contour may be off, as `hfscale.results.Results.interpolation_error`."""
        from hfscale.plot.compose import error_between

        return error_between(self.points, x, y, select, **surface)


def read_table(path: str | Path, labels: Sequence[str] = ()) -> Table:
    """Read the CLs of signal points from a table, to draw their contour.

    Understood are, as JSON, an object of signal points by name, each with ``CLs_obs``, ``CLs_exp`` (from -2 to +2
    standard deviations) and ``values`` (a list or an object), what ``hfscale show --json`` prints, and HistFitter's
    harvest lists; and CSV with a header. ``CLs_obs`` may be called ``CLs``; ``CLs_exp`` may be the columns
    ``CLs_exp_m2``, ``CLs_exp_m1``, ``CLs_exp_0``, ``CLs_exp_p1``, ``CLs_exp_p2``, or ``clsd2s``, ``clsd1s``,
    ``CLsexp``, ``clsu1s``, ``clsu2s``. Of observed and expected CLs one may be absent, and of the band all but the
    median. Labels are the ``values``, or without these all columns that are no results of hfscale or HistFitter.

    Args:
        path: The file, with the suffix .json or .csv.
        labels: Names of the numbers in ``values``, where these are lists; by default x, y, or x1, x2, x3. Without
            ``values``, which columns are the labels.

    Raises:
        SourceError: The file cannot be read, or is not JSON.
        SchemaError: It is no such table, has no points, or a CLs is not between 0 and 1.
    """
    path = Path(path)
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
    if not rows:
        raise SchemaError(f"{path} holds no signal points", remedy="give a table with a row for every signal point")
    values = [_values_of(path, row, labels) for row in rows]
    band = next((names for names in _BANDS if any(names[2] in row for row in rows)), _BANDS[0])
    observed = next((name for name in _OBSERVED if any(name in row for row in rows)), _OBSERVED[0])
    if not any(key in row for row in rows for key in (observed, _BAND, band[2])):
        raise SchemaError(
            f"{path} has no column of CLs",
            remedy="name columns CLs_obs and CLs_exp_m2 to CLs_exp_p2, or as HistFitter",
        )
    names = tuple(_name_of(row, k) for k, row in enumerate(rows))
    statuses = tuple(str(row.get("status", "ok")) for row in rows)
    if unknown := set(statuses) - set(_STATUSES):
        raise SchemaError(f"{path} has a status {min(unknown)!r}", remedy=f"use {', '.join(_STATUSES)}")
    points = PlanePoints(
        names=names,
        labels=_labels(values),
        observed=np.array([_CLs(path, name, row.get(observed)) for name, row in zip(names, rows, strict=True)]),
        expected=np.array([_band_of(path, name, row, band) for name, row in zip(names, rows, strict=True)]),
        status=statuses,
    )
    return Table(points)


def _json_rows(path: Path) -> list[_Row]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", remedy="check the path") from error
    except ValueError as error:
        raise SourceError(f"{path} is not JSON: {error}") from error
    if isinstance(document, Mapping):
        document = [{"name": name, **row} if isinstance(row, Mapping) else row for name, row in document.items()]
    if not isinstance(document, list) or not all(isinstance(row, Mapping) for row in document):
        raise SchemaError(
            f"{path} is no table of CLs", remedy="give an object of signal points by name, or a list of objects"
        )
    return [dict(row) for row in document]


def _csv_rows(path: Path) -> list[_Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, skipinitialspace=True)
            rows = list(table)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", remedy="check the path") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is not CSV: {error}") from error
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise SchemaError(f"a row of {path} has not as many cells as there are columns", place=f"row {line}")
    return [{name: _cell(text) for name, text in row.items() if text.strip()} for row in rows]


def _cell(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip()


def _values_of(path: Path, row: _Row, labels: Sequence[str]) -> _Row:
    """The labels of a signal point."""
    values = row.get("values")
    if values is None:
        if missing := [label for label in labels if label not in row]:
            raise SchemaError(f"{path} has no column {missing[0]!r}", remedy=f"its columns are {', '.join(row)}")
        return {key: row[key] for key in labels or row if labels or not _RESULTS.fullmatch(key)}
    if isinstance(values, Mapping):
        return dict(values)
    if not isinstance(values, list):
        raise SchemaError(f"values in {path} are neither a list nor an object")
    default = ("x", "y") if len(values) == 2 else tuple(f"x{k + 1}" for k in range(len(values)))
    names = tuple(labels) or default
    if len(names) != len(values):
        raise SchemaError(
            f"{path} has {len(values)} values for each signal point, and {len(names)} labels were given for them",
            remedy="give as many labels as there are values",
        )
    return dict(zip(names, values, strict=True))


def _labels(rows: Sequence[_Row]) -> dict[str, np.ndarray]:
    """Entries that every row has, and whose values are all numbers or all text."""
    found = {}
    for key in rows[0]:
        values = [row.get(key) for row in rows]
        if all(_is_number(value) for value in values):
            found[key] = np.array(values, dtype=np.float64)
        elif all(isinstance(value, str) for value in values):
            found[key] = np.array(values)
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _name_of(row: _Row, k: int) -> str:
    return str(next((row[key] for key in _NAMES if key in row), f"row {k + 1}"))


def _band_of(path: Path, name: str, row: _Row, band: Sequence[str]) -> list[float]:
    values = row.get(_BAND)
    if values is None:
        values = [row.get(key) for key in band]
    if _is_number(values):
        values = [None, None, values, None, None]
    if not isinstance(values, list) or len(values) != len(band):
        raise SchemaError(
            f"the expected CLs of signal point {name!r} in {path} are not {len(band)} numbers",
            remedy="give those for -2, -1, 0, +1 and +2 standard deviations",
        )
    return [_CLs(path, name, value) for value in values]


def _CLs(path: Path, name: str, value: object) -> float:
    """A CLs, NaN where there is none."""
    # HistFitter writes -1 where there is none, and what is no number as text.
    if value is None or value == -1 or str(value).lower() in ("nan", "inf", "-inf"):
        return float("nan")
    if not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise SchemaError(
            f"a CLs of signal point {name!r} in {path} is {value!r}, not a number between 0 and 1",
            remedy="leave out what is not known",
        )
    return float(value)
