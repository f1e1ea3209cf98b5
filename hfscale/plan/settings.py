"""The settings of a campaign as frozen, validated models: what to compute, how to run it, which contours to draw."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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
        calctype: ``asymptotics``, the formulas of arXiv:1007.1727.
        test_poi: The tested value of the parameter of interest.
        test_stat: ``qtilde`` or ``q``, eqs. (16) and (14) of arXiv:1007.1727.
        interpcode: How the effects of normsys and histosys are interpolated.
        modifiers: Type -> ``package.module:attribute`` of the custom modifiers that the workspace uses.
    """

    kind: Literal["cls"] = "cls"
    calctype: Literal["asymptotics"] = "asymptotics"
    test_poi: Number = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    test_stat: Literal["qtilde", "q"] = "qtilde"
    interpcode: Interpcode = Interpcode()
    modifiers: dict[str, ImportPath] = {}

    def document(self) -> dict[str, Any]:
        """The settings as JSON; without custom modifiers as they were before there were any, so that stores go on."""
        return self.model_dump(mode="json", exclude=None if self.modifiers else {"modifiers"})


def make_calculation(
    test_poi: float,
    test_stat: str,
    interpcode: Mapping[str, str],
    modifiers: Mapping[str, str] = MappingProxyType({}),
) -> Calculation:
    """Check what is to be computed.

    Raises:
        InputError: The tested value is negative or not finite, or there is no such statistic or interpolation code.
    """
    try:
        return Calculation.model_validate(
            {"test_poi": test_poi, "test_stat": test_stat, "interpcode": interpcode, "modifiers": dict(modifiers)}
        )
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise InputError(
            f"{name} is {problem['input']!r}: {problem['msg']}",
            place=name,
            remedy="test_poi is a finite number from 0 upwards, test_stat qtilde or q, interpcode for example"
            " normsys=code4,histosys=code4p (or code1; code0, code2), a modifier package.module:attribute",
        ) from error


class RunOptions(Settings):
    """How the work is run. Nothing here changes a result.

    Attributes:
        executor: ``local`` (this process), ``dask``, or ``auto`` to let the expected length of the work decide.
        workers: How many worker processes, None for one per available CPU.
        task_points: Signal points per task, None for the default of `hfscale.plan.tasks.default_task_points`.
    """

    executor: Literal["auto", "local", "dask"] = "auto"
    workers: Count | None = Field(default=None, ge=1)
    task_points: Count | None = Field(default=None, ge=1)


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
