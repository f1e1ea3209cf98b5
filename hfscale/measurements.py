"""Public functions of measurements: best fits, rankings of nuisance parameters, and goodness of fit.

The function of the verb ``fit`` is `best_fit`, because `hfscale.fit` is the folder of the minimisers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

from hfscale.api import Options, compute
from hfscale.results import Results


def best_fit(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    minos: Sequence[str] = (),
    fix: Mapping[str, float] = MappingProxyType({}),
    bounds: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    init: Mapping[str, float] = MappingProxyType({}),
    **options: Unpack[Options],
) -> Results:
    """Best fit of all parameters of every signal point, with uncertainties and correlations: see `Results.fits`.

    No parameter of interest is needed.

    Args:
        workspace, patchset, store: As `hfscale.cls`.
        minos: Parameters that get MINOS errors; ``["all"]`` for all.
        fix: Parameters that are held, and where; ``x`` stands for all components ``x[i]``.
        bounds: Lower and upper bounds of parameters in place of the model's.
        init: Start values of parameters in place of the model's.
        options: See `hfscale.api.Options`; toys do not apply.

    Raises:
        InputError, StoreError, InterruptedRunError: As `hfscale.cls`.
    """
    overrides = {"fix": dict(fix), "bounds": dict(bounds), "init": dict(init)}
    return compute({"kind": "fit", "minos": tuple(minos), **overrides}, workspace, patchset, store, options)


def ranking(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    groups: Mapping[str, Sequence[str]] = MappingProxyType({}),
    fix: Mapping[str, float] = MappingProxyType({}),
    bounds: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    init: Mapping[str, float] = MappingProxyType({}),
    **options: Unpack[Options],
) -> Results:
    """Impacts of all nuisance parameters on the parameter of interest of every point: see `Results.rankings`.

    Args:
        workspace, patchset, store: As `hfscale.cls`.
        groups: Groups of nuisance parameters: name -> patterns of the names of parameters.
        fix, bounds, init: As `best_fit`.
        options: See `hfscale.api.Options`; toys do not apply.

    Raises:
        InputError, StoreError, InterruptedRunError: As `hfscale.cls`.
    """
    overrides = {"fix": dict(fix), "bounds": dict(bounds), "init": dict(init)}
    patterns = {name: tuple(texts) for name, texts in groups.items()}
    return compute({"kind": "ranking", "groups": patterns, **overrides}, workspace, patchset, store, options)


def gof(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    channels: Sequence[str] = (),
    fix: Mapping[str, float] = MappingProxyType({}),
    bounds: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    init: Mapping[str, float] = MappingProxyType({}),
    **options: Unpack[Options],
) -> Results:
    """Goodness of fit of every signal point against the saturated model: see `Results.goodness`.

    Args:
        workspace, patchset, store: As `hfscale.cls`.
        channels: Those whose part is told; all of the workspace by default.
        fix, bounds, init: As `best_fit`.
        options: See `hfscale.api.Options`; of those of toys, ``calctype``, ``ntoys``, ``seed`` and ``ensemble`` apply.

    Raises:
        InputError, StoreError, InterruptedRunError: As `hfscale.cls`.
    """
    overrides = {"fix": dict(fix), "bounds": dict(bounds), "init": dict(init)}
    return compute({"kind": "gof", "channels": tuple(channels), **overrides}, workspace, patchset, store, options)
