"""Results of a campaign, as users take them: data frames, xarray, plain JSON, contours."""

import fnmatch
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hfscale.errors import SelectionError
from hfscale.inference.results import PointStatus
from hfscale.store.open import open_store
from hfscale.store.status import StoreStatus
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

    from hfscale.plot.points import PlanePoints

_STATUS = {
    PointStatus.NOT_RUN: "pending",
    PointStatus.OK: "ok",
    PointStatus.NO_SIGNAL: "no_signal",
    PointStatus.FAILED: "failed",
}
_BAND = ("m2", "m1", "0", "p1", "p2")
_SCALARS = ("CLs_obs", "CLsb", "CLb", "q", "q_asimov", "mu_hat", "mu_hat_error")
_MINIMA = {key: f"twice_nll_{key}" for key in ("free", "conditional", "background")}


@dataclass(frozen=True)
class Results:
    """Results in a store, finished or not.

    Attributes:
        store: The open store.
    """

    store: ResultStore

    @property
    def path(self) -> Path:
        """Folder of the store."""
        return self.store.path

    def status(self) -> StoreStatus:
        """Count what is done, failed and left."""
        return self.store.status()

    def failures(self) -> dict[str, str]:
        """Name of each signal point that failed, or whose toys could not be run -> why."""
        names = self.store.names
        return {**{names[task.point]: why for task, why in self.store.toy_failures().items()}, **self.store.reasons()}

    def to_xarray(self) -> "xarray.Dataset":
        """All arrays with dimensions point, mu, nsigma and parameter; read when they are used."""
        return self.store.to_xarray()

    def toys(self, points: str = "*") -> "xarray.Dataset":
        """All toys: test statistic, best-fit POI, both minima and status over point, mu, hypothesis and toy.

        Args:
            points: Pattern of the names of the signal points.

        Raises:
            SelectionError: The store has no toys, or no point matches.
        """
        from hfscale.toy_results import toys_to_xarray

        chosen = [k for k, name in enumerate(self.store.names) if fnmatch.fnmatchcase(name, points)]
        if not self.store.rounds or not chosen:
            what = (
                f"no signal point of {self.path} matches {points!r}"
                if self.store.rounds
                else f"{self.path} has no toys"
            )
            raise SelectionError(what, remedy="toys come from a calculation with calctype toybased")
        return toys_to_xarray(self.store, chosen)

    def to_dataframe(self) -> "pandas.DataFrame":
        """One row per signal point: labels, status, CLs (expected from -2 to +2 sigma as m2 to p2) and fit results."""
        import pandas

        rows = []
        for point in self.to_list():
            band = point["CLs_exp"] or [None] * len(_BAND)
            rows.append(
                {
                    "name": point["name"],
                    **point["values"],
                    "status": point["status"],
                    **{key: point[key] for key in ("CLs_obs",)},
                    **{f"CLs_exp_{k}": value for k, value in zip(_BAND, band, strict=True)},
                    **{key: point[key] for key in _SCALARS[1:]},
                    **{f"twice_nll_{key}": point["twice_nll"][key] for key in _MINIMA},
                    **_toy_columns(point),
                }
            )
        frame = pandas.DataFrame(rows).set_index("name")
        numbers = [column for column in frame.columns if column != "status" and column not in self.store.labels]
        return frame.astype(dict.fromkeys(numbers, np.float64))

    def to_list(self) -> list[dict[str, Any]]:
        """One plain JSON object per signal point, None where there is no number."""
        data = self.to_xarray().load()
        calculation = self.store.settings["calculation"]
        reasons = self.store.reasons()
        labels = {label: _plain(data[name].values) for label, name in self.store.labels.items()}
        status = data["status"].values[:, 0]
        # A task that was killed before its marker may have left numbers, which do not count.
        known = [name for name in (*_SCALARS, "CLs_exp", *_MINIMA.values()) if name in data]
        numbers = data[known].where(data["status"] != PointStatus.NOT_RUN)
        columns = {str(name): array.values for name, array in numbers.data_vars.items()}
        points = [
            {
                "name": name,
                "values": {label: values[k] for label, values in labels.items()},
                "status": "failed" if name in reasons else _STATUS[PointStatus(int(status[k]))],
                "poi": calculation["test_poi"],
                "calctype": calculation["calctype"],
                "test_stat": calculation["test_stat"],
                **{key: _number(columns[key][k]) for key in _SCALARS if key in columns},
                **({"CLs_exp": _band(columns["CLs_exp"][k, 0])} if "CLs_exp" in columns else {}),
                "twice_nll": {key: _number(columns[name][k]) for key, name in _MINIMA.items()},
                **({"reason": reasons[name]} if name in reasons else {}),
            }
            for k, name in enumerate(self.store.names)
        ]
        if not self.store.rounds:
            return points
        from hfscale.toy_results import read_p_values, with_toys

        return [with_toys(point, toys) for point, toys in zip(points, read_p_values(self.store), strict=True)]

    def plane_points(self) -> "PlanePoints":
        """Points with their labels and CLs, as contours need them."""
        from hfscale.plot.points import PlanePoints

        data = self.to_xarray().load()
        points = self.to_list()
        return PlanePoints(
            names=tuple(point["name"] for point in points),
            labels={label: data[name].values for label, name in self.store.labels.items()},
            CLs_obs=np.array([point["CLs_obs"] for point in points], dtype=np.float64),
            CLs_exp=np.array([point["CLs_exp"] or [np.nan] * len(_BAND) for point in points], dtype=np.float64),
            status=tuple(point["status"] for point in points),
        )

    def contour(
        self,
        x: str,
        y: str,
        select: str | None = None,
        *,
        project: bool = False,
        level: float = 0.05,
        interpolation: Literal["linear", "rbf"] = "linear",
        style: Literal["plain", "ATLAS", "CMS"] = "plain",
        title: str | None = None,
    ) -> "Figure":
        """Draw the exclusion contour of a plane of signal points.

        Args:
            x, y: Axes, expressions of the patchset's labels (``m_n2 - m_n1``).
            select: Expression that chooses the points of the plane (``m_n1 == 60``).
            project: Allow labels that are no axis to vary.
            level: CLs on the contour.
            interpolation: How the significance between the points is found.
            style: Look of the figure.
            title: Text above it.

        Raises:
            SelectionError: The selected points are not one plane, or an expression names what is no label.
        """
        from hfscale.plot.axes import select_plane
        from hfscale.plot.contours import exclusion_contours
        from hfscale.plot.figure import draw_contour

        plane = select_plane(self.plane_points(), x, y, select, project=project)
        contours = exclusion_contours(plane, level=level, interpolation=interpolation)
        return draw_contour(contours, plane, style=style, title=title)


def _toy_columns(point: dict[str, Any]) -> dict[str, float | None]:
    """Counts of toys, and the uncertainty of the observed CLs that comes from them."""
    if "toys" not in point:
        return {}
    toys = point["toys"]
    low, high = toys["CLs_obs_interval"]
    counts = {f"toys_{key}": toys[key] for key in ("sb", "b", "failed_sb", "failed_b")}
    return {**counts, "CLs_obs_low": low, "CLs_obs_high": high}


def open_results(path: str | Path) -> Results:
    """Open the results in a store.

    Raises:
        StoreError: There is no store at `path`, or it was written by a newer version.
    """
    return Results(open_store(path))


def _number(values: "np.ndarray | np.floating[Any]") -> float | None:
    value = float(np.ravel(values)[0])
    return value if math.isfinite(value) else None


def _band(values: np.ndarray) -> list[float] | None:
    return [float(value) for value in values] if np.isfinite(values).all() else None


def _plain(values: np.ndarray) -> list[Any]:
    """Python numbers and texts; whole numbers as integers, as patchsets write masses."""
    items = values.tolist()
    if values.dtype.kind != "f":
        return [str(item) for item in items]
    whole = all(math.isfinite(item) and item == int(item) for item in items)
    return [int(item) for item in items] if whole else items
