"""Results of a store as a data frame."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hfscale.reading.fits import fit_columns
from hfscale.reading.goodness import goodness_columns
from hfscale.reading.profiles import profile_columns
from hfscale.reading.rankings import ranking_columns
from hfscale.reading.records import Keys, keys_of
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    import pandas

_BAND = ("m2", "m1", "0", "p1", "p2")
_PAIR = ("m1", "p1")
_ROWS = MappingProxyType({"fit": fit_columns, "ranking": ranking_columns, "gof": goodness_columns})
"""What makes the rows of a data frame, of kinds that have keys of their own."""


def has_rows_of_its_own(store: ResultStore) -> bool:
    """Whether the kind of a store makes rows of its own, of which a signal point may have several."""
    return store.settings["calculation"].get("kind") in _ROWS


def results_frame(store: ResultStore, points: Sequence[dict[str, Any]]) -> "pandas.DataFrame":
    """Make a data frame with labels, status, results and numbers of the fits, by name of the signal point.

    Args:
        store: The store.
        points: Its JSON objects, from `hfscale.reading.points.read_points`.
    """
    import pandas

    calculation = store.settings["calculation"]
    kind = calculation.get("kind")
    if kind == "profile":
        rows = [profile_columns(point) for point in points]
    elif kind in _ROWS:
        rows = [row for point in points for row in _ROWS[kind](point)]
    else:
        keys = keys_of(calculation)
        rows = [{**_columns(point, keys), **_toy_columns(point)} for point in points]
    frame = pandas.DataFrame(rows).set_index("name")
    texts = {"parameter", *store.labels}
    numbers = [column for column in frame.columns if "status" not in column and column not in texts]
    return frame.astype(dict.fromkeys(numbers, np.float64))


def _columns(point: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """The columns of a data frame that a JSON object fills."""
    first, *others = (key for key in keys.numbers if key in point)
    columns = {"name": point["name"], **point["values"]}
    columns |= {key: point[key] for key in ("status", *keys.varying, first)}
    for key in (key for key in keys.bands if key in point):
        columns |= {f"{key}_{k}": value for k, value in zip(_BAND, point[key] or [None] * len(_BAND), strict=True)}
    for key in (key for key in keys.pairs if key in point):
        columns |= {f"{key}_{k}": value for k, value in zip(_PAIR, point[key], strict=True)}
    columns |= {key: point[key] for key in (*others, *keys.places) if not key.endswith("_exp_status")}
    return {**columns, **{f"twice_nll_{key}": point["twice_nll"][key] for key in keys.minima}}


def _toy_columns(point: dict[str, Any]) -> dict[str, Any]:
    """Counts of toys, and the uncertainties of observed numbers that come from them."""
    if "toys" not in point:
        return {}
    toys = point["toys"]
    columns = {f"toys_{key}": toys[key] for key in ("sb", "b", "failed_sb", "failed_b")}
    for key, interval in toys.items():
        name, is_interval = key.removesuffix("_interval"), key.endswith("_interval")
        if is_interval and not isinstance(interval[0], list):
            columns |= dict(zip((f"{name}_low", f"{name}_high"), interval, strict=True))
    return columns
