"""What to tell users whose settings of a calculation are refused."""

from collections.abc import Collection, Mapping

_REMEDY = (
    "test_poi is a finite number from 0 upwards, test_stat qtilde or q, calctype asymptotics or toybased, interpcode"
    " for example normsys=code4,histosys=code4p (or code1; code0, code2), a modifier package.module:attribute"
)
_TOY_REMEDY = (
    "with calctype toybased, ntoys is from 1 and seed and first_toy from 0 upwards, ensemble unconditional,"
    " aux-profiled or aux-observed, toy_nuisance profiled or prefit; with adaptive, in place of ntoys, min_toys and"
    " max_toys are from 1 upwards, nsigma is from 0 to 6, accuracy between 0 and 1, budget for example 90s, 30m or 2h"
)
_KIND_REMEDY = (
    "kind is cls (with test_poi), limit (with level, between 0 and 1, and rtol, from 1e-7 to 0.1, or, with calctype"
    " toybased, poi_grid; luminosity in fb^-1 is above 0), scan (with poi_grid, A:B:N), significance, profile"
    " (with parameters), fit or ranking (with fix, bounds and init: parameter -> number or [lower, upper]; a fit with"
    " minos, names or all; a ranking with groups: name -> patterns of parameters), or gof (with fix, bounds, init and"
    " channels; its toys have ntoys, seed and ensemble)"
)
_FIT_REMEDY = (
    "fix and init are finite numbers by the names of parameters, bounds a lower and an upper one each; minos are names"
    " of parameters or all, groups at least one pattern of names of parameters by the name of each group"
)
_PROFILE_REMEDY = (
    "for a profile likelihood, name one or two parameters, and give a grid A:B:N for each of them or none at all;"
    " with adaptive_grid, grid_tolerance is from 1e-4 to 0.5"
)


_PROFILE_FIELDS = ("parameters", "grids", "adaptive_grid", "grid_tolerance")
_FIT_FIELDS = ("fix", "bounds", "init", "minos", "groups")
_KIND_FIELDS = frozenset({"kind", "poi_grid", "level", "rtol", "luminosity", "channels"})


def remedy_for(name: str, fields: Mapping[str, object], toy_options: Collection[str]) -> str:
    """What to do about a wrong setting.

    Args:
        name: Which one, empty where several contradict each other.
        fields: All that were given.
        toy_options: Settings that only toys have.
    """
    field = name.partition(".")[0]
    if field in _PROFILE_FIELDS or (not name and fields.get("kind") == "profile"):
        return _PROFILE_REMEDY
    if field in _FIT_FIELDS:
        return _FIT_REMEDY
    if field in _KIND_FIELDS or (not name and fields.get("kind", "cls") != "cls"):
        return _KIND_REMEDY
    return _TOY_REMEDY if not name or name in toy_options else _REMEDY
