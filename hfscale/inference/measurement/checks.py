"""Checking what is asked of fits and rankings before anything is computed; knows no JAX."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from hfscale.errors import InputError, SelectionError
from hfscale.inference.measurement.overrides import ALL, FitOverrides, base_name, matching, overridden, own_columns
from hfscale.model.structure import ModelGroup


def check_fits(groups: Sequence[ModelGroup], overrides: FitOverrides, minos: Sequence[str]) -> None:
    """Check what is asked of fits.

    Args:
        groups: The models of all points.
        overrides: What the fits are to do differently.
        minos: Parameters whose MINOS errors are asked for.

    Raises:
        SelectionError: A name is no parameter of any point.
        InputError: A value lies outside the bounds of its parameter.
    """
    _check_overrides(groups, overrides, minos)


def check_ranking(
    groups: Sequence[ModelGroup], poi: str, overrides: FitOverrides, patterns: Mapping[str, Sequence[str]]
) -> None:
    """Check what is asked of rankings.

    Args:
        groups: The models of all points.
        poi: Name of the POI.
        overrides: What the fits are to do differently.
        patterns: Name of each group of parameters -> patterns of their names.

    Raises:
        SelectionError: A name is no parameter of any point, a pattern matches none beside the POI, or the POI has no
            effect or is held.
        InputError: A value lies outside the bounds of its parameter.
    """
    _check_overrides(groups, overrides, ())
    _check_groups(groups, poi, patterns)
    _require_effect([overridden(group, overrides) for group in groups], poi)


def _check_overrides(groups: Sequence[ModelGroup], overrides: FitOverrides, minos: Sequence[str]) -> None:
    known = _known(groups)
    for name in (*overrides.fix, *overrides.bounds, *overrides.init, *(name for name in minos if name != ALL)):
        if name not in known:
            near = get_close_matches(name, known, n=5) or sorted(known)[:10]
            raise SelectionError(f"{name!r} is no parameter", remedy=f"choose another, such as {', '.join(near)}")
    for group in groups:
        changed = overridden(group, overrides)
        for name, value in {**overrides.init, **overrides.fix}.items():
            for column in own_columns(group, name):
                has = group.present[:, column]
                lower = changed.points.lower[has, column].max(initial=-np.inf)
                upper = changed.points.upper[has, column].min(initial=np.inf)
                _require_inside(name, value, lower, upper)


def _require_inside(name: str, value: float, lower: float, upper: float) -> None:
    if not lower <= value <= upper:
        raise InputError(
            f"the value {value:g} of the parameter {name!r} lies outside its bounds [{lower:g}, {upper:g}]",
            remedy=f"choose a value inside them, or other bounds with --bounds {name}=LOWER:UPPER",
        )


def _check_groups(groups: Sequence[ModelGroup], poi: str, patterns: Mapping[str, Sequence[str]]) -> None:
    known = _known(groups) - {poi}
    for group, texts in patterns.items():
        for text in texts:
            if not matching([text], known):
                near = get_close_matches(text.strip("*"), known, n=5) or sorted(known)[:10]
                raise SelectionError(
                    f"the pattern {text!r} of the group {group!r} matches no nuisance parameter",
                    place=f"groups/{group}",
                    remedy=f"parameters are, for example, {', '.join(near)}",
                )


def _known(groups: Sequence[ModelGroup]) -> set[str]:
    """Components of all points, and the parameters that they belong to."""
    names = {
        name
        for group in groups
        for name, has in zip(group.parameter_names, group.external(group.present).T, strict=True)
        if has.any() and name
    }
    return names | {base_name(name) for name in names}


def _require_effect(groups: Sequence[ModelGroup], poi: str) -> None:
    """Refuse a ranking of impacts on a POI that has no effect, or that the measurement fixes."""
    scaling = [group for group in groups if group.has_signal.any()]
    if not scaling:
        raise SelectionError(
            f"the POI {poi!r} changes no expected rate at any signal point, so nothing has an impact on it",
            remedy="choose another parameter with --poi, or add the signal with a patch",
        )
    if all(group.points.fixed[group.has_signal, group.structure.poi].all() for group in scaling):
        raise SelectionError(
            f"the POI {poi!r} is held in all fits, so nothing has an impact on it",
            remedy="remove 'fixed' from its configuration in the measurement, or choose another parameter with --poi",
        )
