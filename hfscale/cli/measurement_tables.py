"""The tables of ``hfscale show`` of fits, rankings and goodness of fit, with several rows per signal point."""

from typing import Any

_Point = dict[str, Any]

FIT_COLUMNS = ("name", "status", "parameter", "value", "error", "minos -", "minos +", "remark")
RANKING_COLUMNS = (
    "name", "status", "parameter", "value", "error", "pre-fit +", "pre-fit -", "post-fit +", "post-fit -", "component",
    "group impact",
)  # fmt: skip

GOODNESS_COLUMNS = ("name", "status", "channel", "chi2", "bins", "n_dof", "p-value", "from toys")


def fit_rows(point: _Point) -> list[tuple[str, ...]]:
    """A row for each parameter of a best fit."""
    head = (point["name"], point["status"])
    rows = []
    for name, fields in point["parameters"].items():
        lower, upper = fields.get("minos", (None, None))
        remark = "fixed" if fields["fixed"] else "at bound" if fields["at_bound"] else ""
        rows.append((*head, name, *(_text(x) for x in (fields["value"], fields["error"], lower, upper)), remark))
    return rows or [(*head, *["-"] * (len(FIT_COLUMNS) - 2))]


def ranking_rows(point: _Point) -> list[tuple[str, ...]]:
    """A row for each nuisance parameter, largest impacts first, and one for each group."""
    head = (point["name"], point["status"])
    keys = ("value", "error", "prefit_up", "prefit_down", "postfit_up", "postfit_down", "component")
    rows = [(*head, one["parameter"], *(_text(one[key]) for key in keys), "") for one in point["impacts"]]
    for group in point["groups"]:
        empty = [""] * (len(keys) - 1)
        rows.append((*head, f"[{group['group']}]", *empty, _text(group["component"]), _text(group["impact"])))
    return rows or [(*head, *["-"] * (len(RANKING_COLUMNS) - 2))]


def goodness_rows(point: _Point) -> list[tuple[str, ...]]:
    """A row for the goodness of fit, and one for the part of the constraints and of each channel."""
    head = (point["name"], point["status"])
    ends = point.get("toy_p_value_interval", (None, None))
    toys = _text(point.get("toy_p_value"))
    if None not in ends:
        toys += f" [{_text(ends[0])}, {_text(ends[1])}]"
    dof = "-" if point["n_dof"] is None else str(point["n_dof"])
    rows: list[tuple[str, ...]] = []
    rows.append((*head, "[all]", _text(point["chi2"]), "", dof, _text(point["p_value"]), toys))
    rows.append((*head, "[constraints]", _text(point["chi2_constraints"]), "", "", "", ""))
    for one in point["channels"]:
        share = _text(one["toy_p_value"]) if "toy_p_value" in one else ""
        rows.append((*head, one["channel"], _text(one["chi2"]), str(one["bins"]), "", "", share))
    return rows


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
