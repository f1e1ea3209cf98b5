"""The settings of a campaign as frozen, validated models: what to compute, and how to run it."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hfscale.errors import InputError
from hfscale.inference.measurement.overrides import FitOverrides
from hfscale.inference.profile_grids import DEFAULT_VALUES
from hfscale.inference.profile_refinement import ADAPTIVE_VALUES, TOLERANCE, usual_fits
from hfscale.inference.results import SIGNAL_VARIATIONS
from hfscale.inference.toys.settings import Ensemble, ToyNuisance, ToySettings
from hfscale.model.interpolation import HistosysCode, InterpolationCodes, NormsysCode
from hfscale.plan.adaptive import LARGEST_NSIGMA, Allocation
from hfscale.plan.kind_options import (
    ADAPTIVE_GRID,
    ADAPTIVE_OPTIONS,
    FIXED_NUMBER,
    GOF_TOYS,
    KIND_OPTIONS,
    LEFT_OUT,
    TOY_OPTIONS,
    WITHOUT_TOYS,
)
from hfscale.plan.remedies import remedy_for
from hfscale.plan.texts import checked_duration, checked_grid, checked_values, read_duration, read_grid, read_values


def _no_truth_value(value: object) -> object:
    # pydantic reads True as 1; a YAML "yes" where a number belongs is a mistake of the user.
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value)]
FiniteNumber = Annotated[Number, Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_no_truth_value)]
ImportPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] <= bounds[1]:
        raise ValueError("the lower bound is above the upper one")
    return bounds


LARGEST_INDEX = 2**62
"""Seeds and indices of toys stay below, so that they fit into signed integers of 64 bits."""
LARGEST_SCAN = 100_000
"""Places of the grid of a profile likelihood."""


class Settings(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Interpcode(Settings):
    """Interpolation codes of CERN-OPEN-2012-016, per modifier type.

    Attributes:
        normsys: ``code4`` or ``code1``.
        histosys: ``code4p``, ``code0`` or ``code2``.
    """

    normsys: NormsysCode = "code4"
    histosys: HistosysCode = "code4p"

    def codes(self) -> InterpolationCodes:
        """The codes as models take them."""
        return InterpolationCodes(self.normsys, self.histosys)


class Calculation(Settings):
    """What is computed for every signal point. Two stores may be compared only if this is equal in both.

    Attributes:
        kind: ``cls``, the CLs at one value of the parameter of interest; ``scan``, at several; ``limit``, the upper
            limits on it; ``significance``, the p-value of the background-only hypothesis; ``profile``, the profile
            likelihood of one or two parameters; ``fit``, the best fit of all parameters; ``ranking``, the impacts of
            nuisance parameters on the parameter of interest; ``gof``, the goodness of fit.
        calctype: ``asymptotics``, the formulas of arXiv:1007.1727, or ``toybased``, pseudo-experiments.
        test_poi: The tested value of the parameter of interest.
        test_stat: ``qtilde`` or ``q``, eqs. (16) and (14) of arXiv:1007.1727.
        poi_grid: The tested values of a scan, and of limits from toys: ``A:B:N`` for N values from A to B, or
            single ones, or several of these between commas.
        parameters: Names of the one or two parameters that a profile likelihood is scanned over.
        grids: Values of each of them, ``A:B:N``; without any, three uncertainties around the best fit.
        adaptive_grid: Whether only those of these values are fitted that intervals and contours need, and others
            interpolated; see `hfscale.inference.profile_refinement`.
        grid_tolerance: Standard deviations by which they may be off then.
        fix, bounds, init: Parameters that a fit holds at values, keeps within a lower and an upper bound, or starts
            from; of ``fit``, ``ranking`` and ``gof``.
        minos: Parameters of a ``fit`` that get MINOS errors; ``all`` for all.
        groups: Groups of nuisance parameters in a ``ranking``: name -> patterns of the names of parameters.
        channels: Channels whose part of a ``gof`` is told; all of the workspace by default.
        level: CLs at an upper limit; that which an adaptive number of toys is to decide on.
        rtol: Relative precision of asymptotic upper limits.
        luminosity: Integrated luminosity in fb^-1, for limits on visible cross-sections; None for no such limits.
        cross_section: Cross-section in fb of each signal point with the POI at 1, by name, for limits on it: a number
            for all points, a mapping, or a file (`hfscale.workspace.cross_sections`); None for no such limits.
        signal_uncertainty: Relative uncertainty of the cross-section of each signal point, given in the same ways, for
            observed CLs at `test_poi` times 1 - and 1 + this (`hfscale.inference.signal_variations`); None for none.
        expected_only: Whether no observed data are fitted at all, and observed results are left out: the data are the
            pre-fit Asimov data of the background, for a significance those of the signal with the POI at 1.
        asimov: The pre-fit Asimov data at this POI value are the data, None for the observed ones.
        interpcode: How the effects of normsys and histosys are interpolated.
        modifiers: Type -> ``package.module:attribute`` of the custom modifiers that the workspace uses.
        ntoys: Toys per signal point and hypothesis.
        seed: Chooses the sequence of toys.
        first_toy: Index of the first toy in that sequence.
        ensemble: What a toy fluctuates: main and auxiliary data (``unconditional``), or the main data alone, with the
            auxiliary data at the profiled (``aux-profiled``) or at the observed values (``aux-observed``).
        toy_nuisance: Nuisance parameters that toys are thrown with: those that fit the data best under each
            hypothesis (``profiled``), or their values before any fit (``prefit``).
        adaptive: Whether every signal point (and POI value) gets as many toys as it takes to decide whether its CLs,
            observed and expected, is below `level`, in place of `ntoys`; see `hfscale.plan.adaptive`.
        nsigma: Standard deviations from `level` that decide.
        min_toys, max_toys: Least and largest number of toys per signal point, POI value and hypothesis.
        accuracy: Uncertainty of CLs that is enough, None to go on until the above decides.
        budget: Time of running toys after which no further ones are planned, as ``90s``, ``30m`` or ``2h``; None for no
            end. The least number of toys is run in any case, and pauses between runs do not count.
    """

    kind: Literal["cls", "limit", "scan", "significance", "profile", "fit", "ranking", "gof"] = "cls"
    calctype: Literal["asymptotics", "toybased"] = "asymptotics"
    test_poi: Number = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    test_stat: Literal["qtilde", "q"] = "qtilde"
    poi_grid: Annotated[str, AfterValidator(checked_grid)] | None = None
    parameters: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    grids: tuple[Annotated[str, AfterValidator(checked_values)], ...] = ()
    adaptive_grid: bool = False
    grid_tolerance: Number = Field(default=TOLERANCE, ge=1e-4, le=0.5)
    fix: dict[str, FiniteNumber] = {}
    bounds: dict[str, Annotated[tuple[FiniteNumber, FiniteNumber], AfterValidator(_ascending)]] = {}
    init: dict[str, FiniteNumber] = {}
    minos: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    groups: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    channels: tuple[str, ...] = ()
    level: Number = Field(default=0.05, gt=0.0, lt=1.0)
    rtol: Number = Field(default=1e-4, ge=1e-7, le=0.1)
    luminosity: Number | None = Field(default=None, gt=0.0, allow_inf_nan=False)
    cross_section: Number | str | dict[str, Number] | None = None
    signal_uncertainty: Number | str | dict[str, Number] | None = None
    expected_only: bool = False
    asimov: Number | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    interpcode: Interpcode = Interpcode()
    modifiers: dict[str, ImportPath] = {}
    ntoys: Count = Field(default=2000, ge=1, lt=LARGEST_INDEX)
    seed: Count = Field(default=0, ge=0, lt=LARGEST_INDEX)
    first_toy: Count = Field(default=0, ge=0, lt=LARGEST_INDEX)
    ensemble: Ensemble = "unconditional"
    toy_nuisance: ToyNuisance = "profiled"
    adaptive: bool = False
    nsigma: Number = Field(default=3.0, gt=0.0, le=LARGEST_NSIGMA)
    min_toys: Count = Field(default=500, ge=1, lt=LARGEST_INDEX)
    max_toys: Count = Field(default=20_000, ge=1, lt=LARGEST_INDEX)
    accuracy: Number | None = Field(default=None, gt=0.0, lt=1.0)
    budget: Annotated[str, AfterValidator(checked_duration)] | None = None

    @model_validator(mode="after")
    def _refuse_options_without_effect(self) -> "Calculation":
        given = sorted(TOY_OPTIONS & self.model_fields_set)
        if given and self.calctype != "toybased":
            raise ValueError(f"{', '.join(given)} without calctype toybased would have no effect")
        if self.kind == "gof" and set(given) - GOF_TOYS:
            raise ValueError(f"{', '.join(sorted(set(given) - GOF_TOYS))} would have no effect with kind gof")
        return self

    @model_validator(mode="after")
    def _refuse_half_adaptive(self) -> "Calculation":
        given = sorted((FIXED_NUMBER if self.adaptive else ADAPTIVE_OPTIONS) & self.model_fields_set)
        if given:
            raise ValueError(f"{', '.join(given)} {'with' if self.adaptive else 'without'} adaptive has no effect")
        if self.min_toys > self.max_toys:
            raise ValueError(f"min_toys {self.min_toys} is above max_toys {self.max_toys}")
        if self.adaptive and self.kind == "significance":
            raise ValueError("adaptive is not possible with kind significance, which has no level to decide on")
        return self

    @model_validator(mode="after")
    def _refuse_options_of_other_kinds(self) -> "Calculation":
        given = sorted(self._options_of_other_kinds & self.model_fields_set)
        if given:
            raise ValueError(
                f"{', '.join(given)} would have no effect with kind {self.kind} and calctype {self.calctype}"
            )
        if "poi_grid" in self._own_options and self.poi_grid is None:
            raise ValueError("limits from toys need a poi_grid" if self.toybased else "a scan needs its poi_grid")
        if self.expected_only and self.asimov is not None:
            raise ValueError("expected_only and asimov exclude each other")
        return self

    @model_validator(mode="after")
    def _refuse_signal_uncertainty_without_tests(self) -> "Calculation":
        if self.signal_uncertainty is None:
            return self
        if self.toybased:
            raise ValueError("signal_uncertainty is not possible with calctype toybased: its tests are asymptotic")
        if self.expected_only:
            raise ValueError("signal_uncertainty has no effect with expected_only: it varies the observed CLs")
        if self.test_poi == 0.0:
            raise ValueError("signal_uncertainty has no effect with test_poi 0")
        return self

    @model_validator(mode="after")
    def _refuse_other_profiles(self) -> "Calculation":
        if self.toybased and self.kind in WITHOUT_TOYS:
            raise ValueError(f"kind {self.kind} is not possible with calctype toybased: it has no toys")
        if self.kind != "profile":
            return self
        if len(self.parameters) not in DEFAULT_VALUES or len(set(self.parameters)) != len(self.parameters):
            raise ValueError(
                f"a profile likelihood is of one parameter or of two different ones, not of {list(self.parameters)}"
            )
        if self.grids and len(self.grids) != len(self.parameters):
            raise ValueError(f"{len(self.grids)} grids do not belong to {len(self.parameters)} parameters")
        if "grid_tolerance" in self.model_fields_set and not self.adaptive_grid:
            raise ValueError("grid_tolerance without adaptive_grid has no effect")
        if math.prod(self.scan_shape) > LARGEST_SCAN:
            raise ValueError(f"grids of more than {LARGEST_SCAN} places are not scanned")
        return self

    @property
    def _own_options(self) -> frozenset[str]:
        """Fields that this calculation has and others do not."""
        own = KIND_OPTIONS[self.kind]
        if self.kind == "limit":
            own |= {"poi_grid" if self.toybased else "rtol"}
        return own | {"level"} if self.adaptive else own

    @property
    def _options_of_other_kinds(self) -> frozenset[str]:
        return frozenset({"rtol"}).union(*KIND_OPTIONS.values()) - self._own_options

    @property
    def poi_values(self) -> tuple[float, ...]:
        """The POI values that results are kept for; none for kinds that find their own."""
        if "poi_grid" in self._own_options:
            return read_grid(str(self.poi_grid))
        return (self.test_poi,) if self.kind == "cls" else ()

    @property
    def needs_poi(self) -> bool:
        """Whether there are no results without a parameter of interest."""
        return self.kind not in ("profile", "fit", "gof")

    @property
    def overrides(self) -> FitOverrides:
        """What fits do differently than the model says."""
        return FitOverrides(self.fix, self.bounds, self.init)

    @property
    def scan_values(self) -> tuple[tuple[float, ...] | None, ...]:
        """Values of each scanned parameter, None where every point has its own; nothing for other kinds."""
        return tuple(read_values(grid) for grid in self.grids) or (None,) * len(self.parameters)

    @property
    def scan_shape(self) -> tuple[int, ...]:
        """How many values of each scanned parameter there are; nothing for other kinds."""
        default = (ADAPTIVE_VALUES if self.adaptive_grid else DEFAULT_VALUES).get(len(self.parameters), 0)
        return tuple(default if values is None else len(values) for values in self.scan_values)

    @property
    def toy_poi_values(self) -> tuple[float, ...]:
        """The POI values that toys test: for a significance, the background-only hypothesis."""
        return self.poi_values or (0.0,)

    @property
    def fitted_values(self) -> tuple[float, ...]:
        """POI values at which fits are certain to be made, and which must therefore be within bounds."""
        if self.kind in (*WITHOUT_TOYS, "gof"):
            return () if self.asimov_poi is None else (self.asimov_poi,)
        values = (self.poi_values or {"significance": (1.0,), "limit": (0.0,)}[self.kind]) + self._varied_values
        return values if self.asimov is None else (*values, self.asimov)

    @property
    def _varied_values(self) -> tuple[float, ...]:
        """The outermost POI values that varied signals are tested at, once their uncertainties have been read."""
        found = self.signal_uncertainty
        if found is None or isinstance(found, str):
            return ()
        largest = max(found.values(), default=0.0) if isinstance(found, dict) else found
        return (self.test_poi * (1.0 - largest), self.test_poi * (1.0 + largest))

    @property
    def asimov_poi(self) -> float | None:
        """POI value of the pre-fit Asimov data that are the data; None where the observed ones are."""
        if self.expected_only:
            return 1.0 if self.kind == "significance" else 0.0
        return self.asimov

    def fits_per_point(self, n_parameters: int) -> int:
        """Fits for each signal point with so many parameters: for limits and MINOS errors, what is usual."""
        if self.kind in ("fit", "ranking"):
            searched = n_parameters if "all" in self.minos or self.kind == "ranking" else len(self.minos)
            return 1 + 4 * searched
        if self.kind == "profile":
            return 1 + (usual_fits if self.adaptive_grid else math.prod)(self.scan_shape)
        if self.kind == "gof":
            return 1 + self.gof_toys
        n_values = len(self.poi_values)
        if self.signal_uncertainty is not None:
            n_values += len(SIGNAL_VARIATIONS)
        return 2 + 2 * n_values if n_values else {"limit": 30, "significance": 5}[self.kind]

    @property
    def toybased(self) -> bool:
        """Whether p-values come from toys that are tasks of their own."""
        return self.calctype == "toybased" and self.kind != "gof"

    @property
    def gof_toys(self) -> int:
        """Toys of each signal point that its goodness of fit comes with."""
        return self.ntoys if self.kind == "gof" and self.calctype == "toybased" else 0

    @property
    def allocation(self) -> Allocation:
        """When an adaptive number of toys is enough."""
        return Allocation(self.level, self.nsigma, self.min_toys, self.max_toys, self.accuracy)

    @property
    def budget_seconds(self) -> float | None:
        """The budget in seconds, None for no end."""
        return None if self.budget is None else read_duration(self.budget)

    def toy_settings(self) -> ToySettings:
        """How toys are thrown, as the inference takes it; for a store's further seeds, replace the seed."""
        test_stat = "q0" if self.kind == "significance" else self.test_stat
        return ToySettings(self.ensemble, self.toy_nuisance, self.seed, test_stat)

    def document(self) -> dict[str, Any]:
        """The settings as JSON, without what is not used: stores made before there were such settings go on."""
        unused = set(self._options_of_other_kinds)
        if not self.toybased:
            unused |= TOY_OPTIONS - (GOF_TOYS if self.gof_toys else frozenset())
        unused |= FIXED_NUMBER if self.adaptive else ADAPTIVE_OPTIONS | {"adaptive"}
        unused |= frozenset() if self.adaptive_grid else ADAPTIVE_GRID
        given = {"modifiers": bool(self.modifiers), "expected_only": self.expected_only}
        given |= {name: getattr(self, name) is not None for name in LEFT_OUT}
        unused |= {name for name, is_given in given.items() if not is_given}
        return self.model_dump(mode="json", exclude=unused)


def check_calculation(fields: Mapping[str, object]) -> Calculation:
    """Check what is to be computed, given as the fields of `Calculation`.

    Raises:
        InputError: A number is out of its range, there is no such kind, statistic, interpolation code or kind of toys,
            or a field has no effect with this calculation.
    """
    try:
        return Calculation.model_validate(dict(fields))
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        what = f"{name} is {problem['input']!r}: {text}" if name else text
        raise InputError(what, place=name or None, remedy=remedy_for(name, fields, TOY_OPTIONS)) from error


class RunOptions(Settings):
    """How the work is run. Nothing here changes a result.

    Attributes:
        executor: ``local`` (this process), ``processes`` (a pool of others), ``dask``, ``ray``, or ``auto`` to let the
            expected length of the work decide between the first two.
        workers: How many worker processes, None for one per available CPU or GPU.
        device: What is computed on: ``cpu``, ``gpu``, or ``auto`` for what was measured to be faster. Numbers agree to
            about 1e-9 between the two.
        scheduler: Running Dask cluster for ``dask``: address of its scheduler, or the file that the scheduler wrote;
            ``gateway`` for a cluster that a Dask Gateway starts for the run, ``gateway://NAME`` for one that it runs.
        ray_address: Running cluster for ``ray``, as `ray.init` takes it.
        insecure: Whether such a cluster may be open to others, who could run code as the user.
        gather: Whether workers return their results to the driver, which writes them: for workers that share no file
            system with it.
        wait_workers, task_limit: For how long a cluster may have no worker, and a task may run; see
            `hfscale.runtime.patience`.
        task_points: Signal points per task, None for the default of `hfscale.plan.tasks.default_task_points`.
        task_toys: Toys per task and hypothesis, None for the default of `hfscale.plan.toys.default_task_toys`.
        task_parameters: Parameters, or values of a scan, per task; see `hfscale.plan.parts.default_part_size`.
    """

    executor: Literal["auto", "local", "processes", "dask", "ray"] = "auto"
    workers: Count | None = Field(default=None, ge=1)
    device: Literal["auto", "cpu", "gpu"] = "cpu"
    scheduler: str | None = None
    ray_address: str | None = None
    insecure: bool = False
    gather: bool = False
    wait_workers: Annotated[str, AfterValidator(checked_duration)] = "10m"
    task_limit: Annotated[str, AfterValidator(checked_duration)] | None = None
    task_points: Count | None = Field(default=None, ge=1)
    task_toys: Count | None = Field(default=None, ge=1)
    task_parameters: Count | None = Field(default=None, ge=1)
