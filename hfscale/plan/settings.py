"""The settings of a campaign as frozen, validated models: what to compute, how to run it, which contours to draw."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hfscale.errors import InputError
from hfscale.model.interpolation import HistosysCode, InterpolationCodes, NormsysCode


def _no_truth_value(value: object) -> object:
    # pydantic reads True as 1; a YAML "yes" where a number belongs is a mistake of the user.
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value)]
Count = Annotated[int, BeforeValidator(_no_truth_value)]
ImportPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]

TOY_OPTIONS = frozenset({"ntoys", "seed", "first_toy", "ensemble", "toy_nuisance"})
"""Fields of `Calculation` that only toys have."""
LARGEST_INDEX = 2**62
"""Seeds and indices of toys stay below, so that they fit into signed integers of 64 bits."""


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
        kind: ``cls``, the CLs at one value of the parameter of interest.
        calctype: ``asymptotics``, the formulas of arXiv:1007.1727, or ``toybased``, pseudo-experiments.
        test_poi: The tested value of the parameter of interest.
        test_stat: ``qtilde`` or ``q``, eqs. (16) and (14) of arXiv:1007.1727.
        interpcode: How the effects of normsys and histosys are interpolated.
        modifiers: Type -> ``package.module:attribute`` of the custom modifiers that the workspace uses.
        ntoys: Toys per signal point and hypothesis.
        seed: Chooses the sequence of toys.
        first_toy: Index of the first toy in that sequence.
        ensemble: What a toy fluctuates: main and auxiliary data (``unconditional``), or the main data alone, with the
            auxiliary data at the profiled (``aux-profiled``) or at the observed values (``aux-observed``).
        toy_nuisance: Nuisance parameters that toys are thrown with: those that fit the data best under each
            hypothesis (``profiled``), or their values before any fit (``prefit``).
    """

    kind: Literal["cls"] = "cls"
    calctype: Literal["asymptotics", "toybased"] = "asymptotics"
    test_poi: Number = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    test_stat: Literal["qtilde", "q"] = "qtilde"
    interpcode: Interpcode = Interpcode()
    modifiers: dict[str, ImportPath] = {}
    ntoys: Count = Field(default=2000, ge=1, lt=LARGEST_INDEX)
    seed: Count = Field(default=0, ge=0, lt=LARGEST_INDEX)
    first_toy: Count = Field(default=0, ge=0, lt=LARGEST_INDEX)
    ensemble: Literal["unconditional", "aux-profiled", "aux-observed"] = "unconditional"
    toy_nuisance: Literal["profiled", "prefit"] = "profiled"

    @model_validator(mode="after")
    def _refuse_options_without_effect(self) -> "Calculation":
        given = sorted(TOY_OPTIONS & self.model_fields_set)
        if given and not self.toybased:
            raise ValueError(f"{', '.join(given)} without calctype toybased would have no effect")
        return self

    @property
    def toybased(self) -> bool:
        """Whether p-values come from toys."""
        return self.calctype == "toybased"

    def document(self) -> dict[str, Any]:
        """The settings as JSON, without what is not used: stores made before there were such settings go on."""
        unused = set() if self.toybased else set(TOY_OPTIONS)
        if not self.modifiers:
            unused.add("modifiers")
        return self.model_dump(mode="json", exclude=unused)


_REMEDY = (
    "test_poi is a finite number from 0 upwards, test_stat qtilde or q, calctype asymptotics or toybased, interpcode"
    " for example normsys=code4,histosys=code4p (or code1; code0, code2), a modifier package.module:attribute"
)
_TOY_REMEDY = (
    "with calctype toybased, ntoys is from 1 and seed and first_toy from 0 upwards, ensemble unconditional,"
    " aux-profiled or aux-observed, toy_nuisance profiled or prefit"
)


def make_calculation(
    test_poi: float,
    test_stat: str,
    interpcode: Mapping[str, str],
    modifiers: Mapping[str, str] = MappingProxyType({}),
    calctype: str = "asymptotics",
    toys: Mapping[str, int | str | None] = MappingProxyType({}),
) -> Calculation:
    """Check what is to be computed.

    Args:
        test_poi, test_stat, interpcode, modifiers, calctype: As in `Calculation`.
        toys: Those of `TOY_OPTIONS` that the user gave; None stands for "not given".

    Raises:
        InputError: A number is out of its range, there is no such statistic, interpolation code, or kind of toys, or
            options of toys are given where there are none.
    """
    given = {name: value for name, value in toys.items() if value is not None}
    fields = {"test_poi": test_poi, "test_stat": test_stat, "interpcode": interpcode, "modifiers": dict(modifiers)}
    try:
        return Calculation.model_validate({**fields, "calctype": calctype, **given})
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        what = f"{name} is {problem['input']!r}: {problem['msg']}" if name else problem["msg"]
        remedy = _TOY_REMEDY if problem["loc"][:1] in ((), *((option,) for option in TOY_OPTIONS)) else _REMEDY
        raise InputError(what, place=name or None, remedy=remedy) from error


class RunOptions(Settings):
    """How the work is run. Nothing here changes a result.

    Attributes:
        executor: ``local`` (this process), ``dask``, or ``auto`` to let the expected length of the work decide.
        workers: How many worker processes, None for one per available CPU.
        task_points: Signal points per task, None for the default of `hfscale.plan.tasks.default_task_points`.
        task_toys: Toys per task and hypothesis, None for the default of `hfscale.plan.toys.default_task_toys`.
    """

    executor: Literal["auto", "local", "dask"] = "auto"
    workers: Count | None = Field(default=None, ge=1)
    task_points: Count | None = Field(default=None, ge=1)
    task_toys: Count | None = Field(default=None, ge=1)


class Contour(Settings):
    """One figure of an exclusion contour.

    Attributes:
        x: Expression of the patchset's labels for the horizontal axis.
        y: The same for the vertical axis.
        select: Expression that chooses the signal points of the plane, None for all.
        output: File to write; its suffix chooses the format.
        project: Whether labels that are no axis may vary among the selected points.
        style: Look of the figure.
    """

    x: str
    y: str
    select: str | None = None
    output: str
    project: bool = False
    style: Literal["plain", "ATLAS", "CMS"] = "plain"
