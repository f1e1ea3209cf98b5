"""Expected yields of the samples of a model, with uncertainties from those of its parameters and their correlations.

The uncertainty of a yield y is, as cabinetry has it, sqrt(sum_ij v_i C_ij v_j) with the symmetrised variations
v_i = (y(theta_i + sigma_i) - y(theta_i - sigma_i)) / 2 and the correlation matrix C: linear in the parameters, with all
correlations. As a check, it can be taken from yields at parameters drawn from their normal distribution, inside their
bounds.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.measurement.ranking import prefit_errors
from hfscale.model.likelihood import sample_rates
from hfscale.model.structure import ModelGroup, Structure

Method = Literal["variations", "sampling"]
_LANES = 64


class ParameterState(NamedTuple):
    """Where the parameters of a model are, in its internal order.

    Attributes:
        theta: Values.
        errors: Standard deviations, all finite.
        correlation: Correlations.
    """

    theta: Float[np.ndarray, " parameter"]
    errors: Float[np.ndarray, " parameter"]
    correlation: Float[np.ndarray, "parameter parameter"]


class FittedParameters(NamedTuple):
    """Parameters of a fit, which may be of another model, by their names."""

    names: Sequence[str]
    theta: Float[np.ndarray, " fitted"]
    errors: Float[np.ndarray, " fitted"]
    correlation: Float[np.ndarray, "fitted fitted"]


class Drawing(NamedTuple):
    """How uncertainties are found.

    Attributes:
        method: ``variations`` or ``sampling``.
        draws, seed: How many sets of parameters are drawn, and which.
    """

    method: Method = "variations"
    draws: int = 10_000
    seed: int = 0


DRAWING = Drawing()


class Yields(NamedTuple):
    """Yields with uncertainties; the last row of either is the sum of all samples, of which correlations are known.

    Attributes:
        bins, bin_errors: In every bin.
        channels, channel_errors: In every channel.
    """

    bins: Float[np.ndarray, "row bin"]
    bin_errors: Float[np.ndarray, "row bin"]
    channels: Float[np.ndarray, "row channel"]
    channel_errors: Float[np.ndarray, "row channel"]


def prefit_state(group: ModelGroup) -> ParameterState:
    """The parameters of the only point of a group before any fit: start values, and the widths of constraints."""
    points, n = group.points, group.structure.n_parameters
    errors = np.where(points.fixed | ~group.present, 0.0, prefit_errors(group, points))[0]
    return ParameterState(group.inits[0].copy(), errors, np.eye(n))


def postfit_state(group: ModelGroup, fitted: FittedParameters) -> tuple[ParameterState, tuple[str, ...]]:
    """The parameters of the only point of a group after a fit, and the names of those that the fit does not have.

    These keep what they have before any fit, uncorrelated with all others, as in cabinetry's `match_fit_results`.
    """
    theta, errors, correlation = prefit_state(group)
    internal = [group.parameter_names[k] for k in group.order]
    place = {name: k for k, name in enumerate(fitted.names)}
    has = group.present[0]
    own = np.array([k for k, name in enumerate(internal) if name in place and has[k]], dtype=np.int64)
    theirs = np.array([place[internal[k]] for k in own], dtype=np.int64)
    theta[own], errors[own] = fitted.theta[theirs], fitted.errors[theirs]
    correlation[np.ix_(own, own)] = fitted.correlation[np.ix_(theirs, theirs)]
    missing = [name for k, name in enumerate(internal) if name not in place and has[k]]
    return ParameterState(theta, errors, correlation), tuple(name for name in group.parameter_names if name in missing)


def predicted_yields(
    group: ModelGroup,
    state: ParameterState,
    sample_of_entry: Int[np.ndarray, " entry"],
    channel_of_bin: Int[np.ndarray, " bin"],
    n_samples: int,
    drawing: Drawing = DRAWING,
) -> Yields:
    """Yields and their uncertainties.

    Args:
        group: A group of one point.
        state: Its parameters.
        sample_of_entry: Position of the sample that each entry counts for; several may be merged into one.
        channel_of_bin: Position of the channel of each bin.
        n_samples: How many samples there are.
        drawing: How uncertainties are found.
    """
    places = _Places(group, sample_of_entry, channel_of_bin, n_samples)
    central = _summed(places, state.theta[None])
    errors = _varied(places, state) if drawing.method == "variations" else _drawn(places, state, drawing)
    n = group.structure.n_bins
    values = central[0]
    return Yields(values[:, :n], errors[:, :n], values[:, n:], errors[:, n:])


class _Places(NamedTuple):
    """Where the yields of entries go."""

    group: ModelGroup
    sample_of_entry: Int[np.ndarray, " entry"]
    channel_of_bin: Int[np.ndarray, " bin"]
    n_samples: int


def _varied(places: _Places, state: ParameterState) -> Float[np.ndarray, "row place"]:
    moved = np.flatnonzero(state.errors > 0)
    shift = np.zeros((len(moved), len(state.theta)))
    shift[np.arange(len(moved)), moved] = state.errors[moved]
    if not len(moved):
        return np.zeros_like(_summed(places, state.theta[None])[0])
    up, down = _summed(places, state.theta + shift), _summed(places, state.theta - shift)
    half = 0.5 * (up - down)
    flat = half.reshape(len(moved), -1)
    variance = (flat * (state.correlation[np.ix_(moved, moved)] @ flat)).sum(axis=0)
    errors: Float[np.ndarray, "row place"] = np.sqrt(np.maximum(variance, 0.0)).reshape(half.shape[1:])
    return errors


def _drawn(places: _Places, state: ParameterState, drawing: Drawing) -> Float[np.ndarray, "row place"]:
    points = places.group.points
    covariance = state.correlation * np.outer(state.errors, state.errors)
    # Rounding may leave the smallest eigenvalues below zero.
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    numbers = np.random.default_rng(drawing.seed).standard_normal((drawing.draws, len(values)))
    theta = np.clip(state.theta + numbers @ root.T, points.lower[0], points.upper[0])
    theta[:, state.errors == 0] = state.theta[state.errors == 0]
    spread: Float[np.ndarray, "row place"] = _summed(places, theta).std(axis=0, ddof=1)
    return spread


def _summed(places: _Places, theta: Float[np.ndarray, "n parameter"]) -> Float[np.ndarray, "n row place"]:
    """Yields by sample and in total, in bins and behind them in channels."""
    structure = places.group.structure
    n_bins = structure.n_bins
    n_channels = int(places.channel_of_bin.max(initial=-1)) + 1
    found = np.zeros((len(theta), places.n_samples + 1, n_bins + n_channels))
    entries = _entry_yields(places.group, theta)
    for entry in range(structure.n_entries):
        found[:, places.sample_of_entry[entry], structure.entry_bin[entry]] += entries[:, entry]
    found[:, -1, :n_bins] = found[:, :-1, :n_bins].sum(axis=1)
    if structure.clip.bins is not None:
        found[:, -1, :n_bins] = np.maximum(found[:, -1, :n_bins], structure.clip.bins)
    for k, channel in enumerate(places.channel_of_bin):
        found[:, :, n_bins + channel] += found[:, :, k]
    return found


@lru_cache(maxsize=8)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(sample_rates, structure))


def _entry_yields(group: ModelGroup, theta: Float[np.ndarray, "n parameter"]) -> Float[np.ndarray, "n entry"]:
    """Yields of all entries, a fixed number of parameters at a time, so that one program does for all."""
    program, parts = _program(group.structure), []
    points = group.points.take(np.zeros(_LANES, dtype=np.int64))
    with jax.enable_x64(True):
        for begin in range(0, len(theta), _LANES):
            index = np.minimum(np.arange(begin, begin + _LANES), len(theta) - 1)
            parts.append(np.asarray(program(group.shared, points, theta[index])))
    return np.concatenate(parts)[: len(theta)]
