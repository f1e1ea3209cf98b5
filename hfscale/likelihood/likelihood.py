"""The likelihood of one workspace: parameters, expected data, log-likelihood and its derivatives, fits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

from hfscale.errors import InputError
from hfscale.likelihood.build import build_single, interpolation_codes
from hfscale.likelihood.cost import CostFunction, remembering
from hfscale.likelihood.fit import Fit
from hfscale.likelihood.minimum import FitRequest, fit_likelihood
from hfscale.likelihood.programs import HESSIAN_LANES, MANY_LANES, Program, Programs, evaluate, programs_of
from hfscale.likelihood.vectors import Vectors, as_numbers, vectors_of
from hfscale.model.constraints import expected_auxdata
from hfscale.model.custom import CustomModifier
from hfscale.model.pruning import PruningReport
from hfscale.model.structure import ModelGroup
from hfscale.workspace.loading import choose_measurement
from hfscale.workspace.single import PatchSource, WorkspaceSource, read_workspace


@dataclass(frozen=True, eq=False, repr=False)
class Likelihood:
    """The HistFactory likelihood of one workspace with its observed data, all vectors in pyhf's order.

    Vectors of data hold the observations of the channels sorted by name, and behind them the auxiliary data. Functions
    of parameters or data take one vector or a batch with any leading axes; those of both are broadcast.

    Attributes:
        group: The model as arrays, a group of one point.
        poi_names: Names of the parameters of interest, the chosen one first; none for a model without.
        pruned: What became of modifiers of small effect where the workspace asks for pruning, else None.
    """

    group: ModelGroup
    poi_names: tuple[str, ...]
    pruned: PruningReport | None = None

    @classmethod
    def from_workspace(
        cls,
        workspace: WorkspaceSource,
        *,
        patch: PatchSource | None = None,
        measurement: str | None = None,
        poi: str | None = None,
        interpcode: Mapping[str, str] = MappingProxyType({}),
        modifiers: Mapping[str, CustomModifier] = MappingProxyType({}),
    ) -> "Likelihood":
        """Build the likelihood of a workspace.

        Args:
            workspace: A JSON file, ``ARCHIVE::MEMBER``, a folder or archive with a ``BkgOnly.json``, or the document.
            patch: A file with a JSON patch, its operations, or a signal point of `hfscale.workspace.load_inputs`.
            measurement: Name of the measurement, the first by default.
            poi: Name of the parameter of interest, the first of the measurement by default; ``""`` for none.
            interpcode: Interpolation codes, ``{"normsys": "code4", "histosys": "code4p"}`` by default.
            modifiers: Functions of the custom modifiers that the workspace uses, by type.

        Raises:
            InputError: A file cannot be read, the patch does not apply, the result is no model, or there is no such
                measurement, parameter of interest or interpolation code. The message names the place.
        """
        codes = interpolation_codes(interpcode)
        document = read_workspace(workspace, patch)
        chosen = choose_measurement(document.content, measurement, document.source)
        return cls(*build_single(document.content, chosen, poi, codes, modifiers))

    def __repr__(self) -> str:
        poi = "without POI" if self.poi_name is None else f"POI {self.poi_name!r}"
        return f"<hfscale.Likelihood: {len(self.bin_names)} bins, {len(self.parameter_names)} parameters, {poi}>"

    @cached_property
    def _vectors(self) -> Vectors:
        return vectors_of(self.group)

    @property
    def _programs(self) -> Programs:
        return programs_of(self.group.structure)

    @property
    def poi_name(self) -> str | None:
        """Name of the chosen parameter of interest, None for a model without one."""
        return next(iter(self.poi_names), None)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of all parameters: ``x`` for a scalar, ``x[i]`` for a component."""
        return self._vectors.names

    @property
    def suggested_init(self) -> Float[np.ndarray, " parameter"]:
        """Start values."""
        return np.take(self.group.inits[0], self._vectors.index)

    @property
    def suggested_bounds(self) -> Float[np.ndarray, "parameter 2"]:
        """Lower and upper bounds."""
        points, index = self.group.points, self._vectors.index
        return np.stack([points.lower[0, index], points.upper[0, index]], axis=-1)

    @property
    def suggested_fixed(self) -> Bool[np.ndarray, " parameter"]:
        """Which parameters are held constant in fits."""
        return np.take(self.group.points.fixed[0], self._vectors.index)

    @property
    def bin_names(self) -> tuple[tuple[str, int], ...]:
        """Channel and number of every bin of the main data."""
        return self.group.bin_names

    @property
    def observations(self) -> Float[np.ndarray, " bin"]:
        """Observed main data."""
        return self._vectors.main.copy()

    @property
    def auxdata(self) -> Float[np.ndarray, " auxiliary"]:
        """Observed auxiliary data."""
        return np.take(self._vectors.auxdata, self._vectors.aux_index)

    @property
    def data(self) -> Float[np.ndarray, " data"]:
        """Observed main and auxiliary data."""
        return np.concatenate([self.observations, self.auxdata])

    def with_data(self, data: npt.ArrayLike) -> "Likelihood":
        """The same model with other observed data, main and auxiliary.

        Raises:
            InputError: The data are of the wrong length or not finite.
        """
        main, auxdata = self._vectors.split_data(as_numbers(data, "the data").flatten())
        points = self.group.points._replace(data=main[None], auxdata=auxdata[None])
        return replace(self, group=replace(self.group, points=points))

    def expected_data(
        self, parameters: npt.ArrayLike, *, include_auxdata: bool = True
    ) -> Float[np.ndarray, "*batch data"]:
        """Expected main data, followed by expected auxiliary data unless told otherwise.

        Those of a log-normal constraint are the median, of which the parameter is the maximum-likelihood estimate.

        Raises:
            InputError: The parameters are of the wrong length.
        """
        at = self._at(parameters, None)
        (rates,) = self._evaluate(self._programs.rates, at)
        if include_auxdata:
            index = self._vectors.aux_index
            constraint, width = self.group.structure.constraint[index], self.group.points.width[0, index]
            rates = np.concatenate([rates, expected_auxdata(constraint, width, at.theta[:, index])], axis=1)
        return rates.reshape(*at.batch, -1)

    def logpdf(self, parameters: npt.ArrayLike, data: npt.ArrayLike | None = None) -> Float[np.ndarray, "*batch"]:
        """Logarithm of the likelihood, with all constants; NaN where a rate is negative.

        Args:
            parameters: One vector or a batch.
            data: Main and auxiliary data, the observed ones by default.

        Raises:
            InputError: Parameters or data are of the wrong length, or data are not finite.
        """
        at = self._at(parameters, data)
        (nll,) = self._evaluate(self._programs.value, at)
        return np.asarray(-nll).reshape(at.batch)

    def gradient(
        self, parameters: npt.ArrayLike, data: npt.ArrayLike | None = None
    ) -> Float[np.ndarray, "*batch parameter"]:
        """Exact gradient of `logpdf`; arguments and errors are the same."""
        at = self._at(parameters, data)
        _, gradient = self._evaluate(self._programs.gradient, at)
        return -gradient[:, self._vectors.index].reshape(*at.batch, -1)

    def hessian(
        self, parameters: npt.ArrayLike, data: npt.ArrayLike | None = None
    ) -> Float[np.ndarray, "*batch parameter parameter"]:
        """Exact second derivatives of `logpdf`; arguments and errors are the same."""
        at = self._at(parameters, data)
        (hessian,) = self._evaluate(self._programs.hessian, at, HESSIAN_LANES)
        index = self._vectors.index
        return -hessian[:, index[:, None], index].reshape(*at.batch, len(index), len(index))

    def fit(
        self,
        data: npt.ArrayLike | None = None,
        *,
        init: npt.ArrayLike | None = None,
        bounds: npt.ArrayLike | None = None,
        fixed: npt.ArrayLike | None = None,
        poi: float | Mapping[str, float] | None = None,
    ) -> Fit:
        """Maximise the likelihood within its bounds.

        A fit that does not end at a certified minimum raises nothing: see the status of the result.

        Args:
            data: Main and auxiliary data, one vector; the observed ones by default.
            init: Start values, the suggested ones by default.
            bounds: Pairs of a lower and an upper bound, the suggested ones by default.
            fixed: Which parameters are held at their start values, the suggested ones by default.
            poi: Value at which the parameter of interest is held, or values of several by their names; they are fitted
                by default.

        Raises:
            InputError: An argument is of the wrong length, a start value lies outside its bounds, or a value of the
                parameter of interest is given to a model without one.
        """
        return fit_likelihood(
            self.group,
            self._vectors,
            self.poi_names,
            FitRequest(
                data=data,
                init=self.suggested_init if init is None else init,
                bounds=self.suggested_bounds if bounds is None else bounds,
                fixed=self.suggested_fixed if fixed is None else fixed,
                poi=poi,
            ),
        )

    def cost(self, data: npt.ArrayLike | None = None) -> CostFunction:
        """-2 ln L as a cost function for iminuit, with its exact gradient.

        Args:
            data: Main and auxiliary data, one vector; the observed ones by default.

        Raises:
            InputError: The data are of the wrong length or not finite.
        """
        given = self.data if data is None else as_numbers(data, "the data").flatten()
        self._vectors.split_data(given)

        def evaluate_at(parameters: Float[np.ndarray, " parameter"]) -> tuple[float, Float[np.ndarray, " parameter"]]:
            nll, gradient = self._evaluate(self._programs.gradient, self._at(parameters, given))
            return float(nll[0]), gradient[0, self._vectors.index]

        return CostFunction(
            parameter_names=self.parameter_names,
            init=self.suggested_init,
            lower=self.suggested_bounds[:, 0],
            upper=self.suggested_bounds[:, 1],
            fixed=self.suggested_fixed,
            evaluate=remembering(evaluate_at),
        )

    def _at(self, parameters: npt.ArrayLike, data: npt.ArrayLike | None) -> "_Batch":
        """Broadcast parameters and data against each other, and flatten the batch."""
        theta = self._vectors.to_internal(parameters)
        main, auxdata = self._vectors.split_data(data)
        try:
            batch = np.broadcast_shapes(theta.shape[:-1], main.shape[:-1])
        except ValueError as error:
            raise InputError(
                f"batches of parameters {theta.shape[:-1]} and of data {main.shape[:-1]} do not fit together",
                remedy="give one vector of either, or as many of both",
            ) from error
        return _Batch(batch, *(np.broadcast_to(a, (*batch, a.shape[-1])).reshape(-1, a.shape[-1])
                               for a in (theta, main, auxdata)))  # fmt: skip

    def _evaluate(self, program: Program, at: "_Batch", most_lanes: int = MANY_LANES) -> tuple[np.ndarray, ...]:
        group = self.group
        return evaluate(program, group.shared, group.points, at.theta, at.main, at.auxdata, most_lanes)


class _Batch(NamedTuple):
    """Parameters and data of a batch, flattened and in the internal order, with the shape that it had."""

    batch: tuple[int, ...]
    theta: Float[np.ndarray, "n internal"]
    main: Float[np.ndarray, "n bin"]
    auxdata: Float[np.ndarray, "n internal"]
