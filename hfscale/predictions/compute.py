"""Computing expected yields: of workspaces before any fit, or after a fit that a store holds.

Nothing is kept: yields of a point take less than a second, and the fit that takes longer is in a store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from hfscale.errors import InputError, SelectionError
from hfscale.inference.measurement.prediction import (
    Drawing,
    FittedParameters,
    Method,
    ParameterState,
    postfit_state,
    predicted_yields,
    prefit_state,
)
from hfscale.likelihood import Likelihood
from hfscale.plan.settings import Calculation
from hfscale.predictions.merging import merged_samples
from hfscale.predictions.prediction import Prediction
from hfscale.reading.fits import FittedPoint
from hfscale.results import Results, open_results
from hfscale.store.open import is_store
from hfscale.store.places import store_place
from hfscale.work.custom import import_modifiers
from hfscale.workspace import Inputs, SignalPoint, load_inputs, patched_workspace
from hfscale.workspace.points import select_points


def prediction(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    fit: str | Path | None = None,
    merge: Mapping[str, Sequence[str]] = MappingProxyType({}),
    method: Method = "variations",
    draws: int = 10_000,
    seed: int = 0,
    with_data: bool = True,
    interpcode: Mapping[str, str] | None = None,
    modifiers: Mapping[str, str] | None = None,
    **inputs: Any,
) -> tuple[Prediction, ...]:
    """Expected yields of every signal point, in bins and channels, with uncertainties.

    Args:
        workspace, patchset: As `hfscale.cls`; or, as `workspace`, a store of `hfscale.best_fit` or `hfscale.ranking`,
            which stands for its own inputs after its fits.
        fit: Store with best fits that the parameters are taken from, by their names; also those of another workspace.
            That of the same signal point counts, or the only one. Without, the yields are those before any fit.
        merge: Samples to be merged: new name -> patterns of their names.
        method: ``variations`` (linear in the parameters, as cabinetry) or ``sampling`` of parameters, as a check.
        draws, seed: How many sets of parameters are sampled, and which.
        with_data: Whether observed data are shown beside the yields. They never are where the fit did not see them.
        interpcode, modifiers: As `hfscale.cls`; those of the fit by default.
        inputs: Further arguments of `hfscale.workspace.load_inputs`, such as ``patches``, ``points`` and ``data``.

    Raises:
        InputError: An input is wrong, or the fit failed.
        SelectionError: The fits have no such signal point, or no sample matches a pattern.
        StoreError: There is no such store.
    """
    _check_drawing(method, draws)
    own_store = not isinstance(workspace, Mapping) and is_store(store_place(workspace))
    if own_store and (fit is not None or patchset is not None):
        raise InputError(
            f"{workspace} is a store, which stands for its own inputs after its fits",
            remedy="give a workspace with --fit-from, or the store alone",
        )
    source = workspace if own_store and not isinstance(workspace, Mapping) else fit
    results = None if source is None else open_results(str(source))
    fits = None if results is None else results.fits()
    chosen = _own_inputs(results, inputs) if own_store and results else _inputs(workspace, patchset, inputs)
    settings = Calculation() if results is None else Calculation.model_validate(results.store.settings["calculation"])
    if settings.asimov_poi is not None:
        with_data = False
    likelihoods = _Models(
        chosen,
        settings.interpcode.model_dump() if interpcode is None else interpcode,
        settings.modifiers if modifiers is None else modifiers,
    )
    drawing = Drawing(method, draws, seed)
    return tuple(
        _predicted(likelihoods, point, None if fits is None else _fit_of(fits, point.name), merge, drawing, with_data)
        for point in chosen.points
    )


def _check_drawing(method: str, draws: int) -> None:
    if method not in ("variations", "sampling"):
        raise InputError(f"there is no method {method!r} for uncertainties", remedy="choose variations or sampling")
    if draws < 2:
        raise InputError(f"{draws} draws give no spread", remedy="give at least 2")


class _Models:
    """Likelihoods of signal points, with the same settings."""

    def __init__(self, inputs: Inputs, interpcode: Mapping[str, str], modifiers: Mapping[str, str]) -> None:
        self.inputs = inputs
        self._settings: dict[str, Any] = {"interpcode": interpcode, "modifiers": import_modifiers(modifiers)}

    def document(self, point: SignalPoint) -> Mapping[str, Any]:
        """The workspace with the signal."""
        return patched_workspace(self.inputs, point)

    def likelihood(self, document: Mapping[str, Any]) -> Likelihood:
        """Its likelihood; yields need no POI."""
        return Likelihood.from_workspace(document, measurement=self.inputs.measurement, poi="", **self._settings)


def _inputs(workspace: Any, patchset: Any, options: Mapping[str, Any]) -> Inputs:
    return load_inputs(workspace, patchset, needs_poi=False, **options)


def _own_inputs(results: Results, options: Mapping[str, Any]) -> Inputs:
    """The inputs of a store, those of its points that were chosen."""
    given = [name for name, value in options.items() if value not in (None, (), [], True) and name != "points"]
    if given:
        raise InputError(
            f"{', '.join(given)} would have no effect on the inputs of the store {results.path}",
            remedy="give the workspace with --fit-from instead",
        )
    inputs = Inputs.from_json(dict(results.store.inputs()))
    patterns = options.get("points") or ()
    return replace(inputs, points=select_points(inputs.points, patterns))


def _fit_of(fits: Sequence[FittedPoint], name: str) -> FittedPoint:
    """The fit of a signal point, or the only one."""
    named = {fit.name: fit for fit in fits}
    if name not in named and len(fits) != 1:
        raise SelectionError(
            f"the fits are of {len(fits)} signal points, none of which is {name!r}",
            remedy=f"choose points that have one, such as {', '.join(list(named)[:3])}, or a store with one fit",
        )
    fit = named.get(name, fits[0])
    if fit.status not in ("ok", "no_signal"):
        raise InputError(
            f"the fit of {fit.name} has the status {fit.status}{': ' if fit.reason else ''}{fit.reason}",
            remedy="choose other points, or finish the store first",
        )
    return fit


def _predicted(
    models: _Models,
    point: SignalPoint,
    fit: FittedPoint | None,
    merge: Mapping[str, Sequence[str]],
    drawing: Drawing,
    with_data: bool,
) -> Prediction:
    document = models.document(point)
    likelihood = models.likelihood(document)
    group = likelihood.group
    state, missing = _state(likelihood, fit)
    order = dict.fromkeys(str(sample["name"]) for channel in document["channels"] for sample in channel["samples"])
    merged = merged_samples(tuple(order), merge)
    channels = tuple(dict.fromkeys(channel for channel, _ in group.bin_names))
    channel_of_bin = np.array([channels.index(channel) for channel, _ in group.bin_names], dtype=np.int64)
    entries = merged.places([sample for _, sample, _ in group.entry_names])
    return Prediction(
        name=point.name,
        values=point.values,
        label="pre-fit" if fit is None else "post-fit",
        samples=merged.names,
        channels=channels,
        channel_of_bin=channel_of_bin,
        yields=predicted_yields(group, state, entries, channel_of_bin, len(merged.names), drawing),
        data=_observed(models.inputs, likelihood) if with_data else np.full(len(channel_of_bin), np.nan),
        missing=missing,
    )


def _state(likelihood: Likelihood, fit: FittedPoint | None) -> tuple[ParameterState, tuple[str, ...]]:
    if fit is None:
        return prefit_state(likelihood.group), ()
    errors = np.where(np.isfinite(fit.errors), fit.errors, 0.0)
    return postfit_state(
        likelihood.group, FittedParameters(fit.parameters, fit.best_fit, errors, fit.correlation)
    )  # fmt: skip


def _observed(inputs: Inputs, likelihood: Likelihood) -> np.ndarray:
    if inputs.data is None:
        return likelihood.observations
    counts = inputs.data["observations"]
    try:
        return np.array([counts[channel][k] for channel, k in likelihood.bin_names], dtype=np.float64)
    except (KeyError, IndexError) as error:
        raise SelectionError(
            "the data lack a channel or a bin of the workspace", remedy="give counts of all bins"
        ) from error
