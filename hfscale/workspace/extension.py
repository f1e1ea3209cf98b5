"""What a measurement says beyond pyhf's schema: all of it under the one key ``measurements[i].config.hfscale``.

One model of the key for each part. A workspace without the key, or with an empty one, is a plain pyhf workspace.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hfscale.errors import SchemaError

KEY = "hfscale"
PLACE = ("config", KEY)
"""Where the key stands in a measurement."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
# JSON has lists, and what is parsed must not change: lists become tuples, whose elements are checked strictly.
Flags = Annotated[tuple[bool, ...], Field(strict=False)]
Numbers = Annotated[tuple[Finite, ...], Field(strict=False)]
Widths = Annotated[tuple[Positive, ...], Field(strict=False)]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class Part(BaseModel):
    """Base of all parts: immutable, an unknown key is an error, and so is a value of another JSON type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ParameterExtension(Part):
    """Constraint and fixed components of one parameter.

    Attributes:
        name: Name of the parameter.
        fixed: One flag per component; components that are held at their start values.
        constraint: Kind of the constraint term of every component.
        sigmas: Standard deviations; for a log-normal constraint those of the logarithm.
        factors: Instead of sigmas, the factors tau of a Poisson constraint.
        auxdata: Auxiliary observations.
    """

    name: str
    fixed: Flags | None = None
    constraint: Literal["normal", "poisson", "lognormal", "none"] | None = None
    sigmas: Widths | None = None
    factors: Widths | None = None
    auxdata: Numbers | None = None

    @model_validator(mode="after")
    def _numbers_belong_to_the_constraint(self) -> "ParameterExtension":
        given = [key for key in ("sigmas", "factors", "auxdata") if getattr(self, key) is not None]
        if given and self.constraint in (None, "none"):
            raise ValueError(f"{' and '.join(given)} without a constraint: say normal, poisson or lognormal")
        if "factors" in given and self.constraint != "poisson":
            raise ValueError(f"factors belong to a poisson constraint; a {self.constraint} one has sigmas")
        if "factors" in given and "sigmas" in given:
            raise ValueError("both sigmas and factors are given: one follows from the other")
        return self


class StaterrorExtension(Part):
    """All staterror modifiers of the workspace.

    Attributes:
        constraint: Kind of their constraint terms; the default of ROOT's HistFactory is ``poisson``.
        threshold: Bins with a smaller relative uncertainty are not varied (``RelErrorThreshold`` of HistFactory).
    """

    constraint: Literal["normal", "poisson"] = "normal"
    threshold: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0


class CustomModifierUse(Part):
    """Where a modifier of the user's own acts.

    Attributes:
        type: Kind of the modifier, for which the user gives a function.
        name: Name of this use.
        channels, samples: What it acts on.
        data: Numbers that the function gets.
    """

    type: str
    name: str
    channels: Names
    samples: Names
    data: dict[str, Any] = {}


class PruneExtension(Part):
    """Leaving out modifiers of small effect when the model is built.

    Attributes:
        threshold: Largest relative effect of what is left out.
        per: Whether it is relative to the sample or to the total of the channel.
        staterror_threshold: The same for staterrors, None to keep them all.
    """

    threshold: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    per: Literal["sample", "channel"] = "sample"
    staterror_threshold: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None


class ClipExtension(Part):
    """Least expected rates, as ``clip_sample_data`` and ``clip_bin_data`` of pyhf.

    Attributes:
        samples: Least rate of a sample in a bin, None for no limit.
        bins: Least rate of a bin, None for no limit.
    """

    samples: Finite | None = None
    bins: Finite | None = None


class Extension(Part):
    """The key ``hfscale`` of a measurement's configuration.

    Attributes:
        poi_names: Parameters of interest, the default one first; without them the measurement's ``poi`` is the only.
        parameters: Settings of single parameters.
        staterror: Settings of all staterrors.
        expressions: Normalisation factors that are functions of other parameters.
        modifiers: Uses of the user's own modifiers.
        prune: What to leave out, if anything.
        clip: Least expected rates.
    """

    poi_names: Names = ()
    parameters: Annotated[tuple[ParameterExtension, ...], Field(strict=False)] = ()
    staterror: StaterrorExtension = StaterrorExtension()
    expressions: dict[str, str] = {}
    modifiers: Annotated[tuple[CustomModifierUse, ...], Field(strict=False)] = ()
    prune: PruneExtension | None = None
    clip: ClipExtension = ClipExtension()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Extension":
        for what, names in (("parameters", [p.name for p in self.parameters]), ("poi_names", [*self.poi_names])):
            twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
            if twice is not None:
                raise ValueError(f"the name {twice!r} occurs twice among the {what}")
        return self


_PARTS: Mapping[str, type[Part]] = {
    "parameters": ParameterExtension,
    "staterror": StaterrorExtension,
    "modifiers": CustomModifierUse,
    "prune": PruneExtension,
    "clip": ClipExtension,
}


class Mistake(NamedTuple):
    """Something wrong in the key: the path to it from the document, the reason, and the remedy."""

    path: tuple[str | int, ...]
    reason: str
    remedy: str


def extension_of(measurement: Mapping[str, Any]) -> Extension:
    """Read the key of a measurement; all defaults where it is absent.

    Raises:
        SchemaError: The key is not what it should be.
    """
    if KEY not in measurement["config"]:
        return Extension()
    try:
        return Extension.model_validate(measurement["config"][KEY])
    except ValidationError as error:
        mistake = _mistakes(error, PLACE)[0]
        place = "/".join(map(str, mistake.path))
        raise SchemaError(
            f"measurement {measurement['name']!r}: {mistake.reason}",
            place=f"measurements[{measurement['name']}]/{place}",
            remedy=mistake.remedy,
        ) from error


def poi_names(measurement: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the parameters of interest of a measurement, the default one first; none where it has none.

    Raises:
        SchemaError: The measurement's key is not what it should be.
    """
    several = extension_of(measurement).poi_names
    poi = measurement["config"]["poi"]
    return several or ((poi,) if poi else ())


def default_poi(measurement: Mapping[str, Any]) -> str:
    """Name of the parameter of interest that is used where none is chosen; empty where there is none.

    Raises:
        SchemaError: The measurement's key is not what it should be.
    """
    return next(iter(poi_names(measurement)), "")


def extension_mistakes(document: Any) -> Iterator[Mistake]:
    """Yield what is wrong in the keys of all measurements; about the rest of the document nothing is assumed."""
    for index, config in _extended_configs(document):
        path = ("measurements", index, *PLACE)
        try:
            extension = Extension.model_validate(config[KEY])
        except ValidationError as error:
            yield from _mistakes(error, path)
            continue
        names, poi = extension.poi_names, config.get("poi")
        if names and poi and poi not in names:
            reason = f"the measurement's poi {poi!r} is not among the poi_names {', '.join(names)}"
            yield Mistake((*path, "poi_names"), reason, "add it there; the first of them is the default")


def without_extensions(document: Any) -> Any:
    """Return the document as pyhf's schema knows it; the same object where there is nothing to take out."""
    found = dict(_extended_configs(document))
    if not found:
        return document
    measurements = list(document["measurements"])
    for index, config in found.items():
        plain = {key: value for key, value in config.items() if key != KEY}
        measurements[index] = {**measurements[index], "config": plain}
    return {**document, "measurements": measurements}


def _extended_configs(document: Any) -> Iterable[tuple[int, Mapping[str, Any]]]:
    measurements = document.get("measurements") if isinstance(document, dict) else None
    for index, measurement in enumerate(measurements if isinstance(measurements, list) else ()):
        config = measurement.get("config") if isinstance(measurement, dict) else None
        if isinstance(config, dict) and KEY in config:
            yield index, config


def _mistakes(error: ValidationError, path: tuple[str | int, ...]) -> list[Mistake]:
    return [_mistake(problem, path) for problem in error.errors(include_url=False)]


def _mistake(problem: Mapping[str, Any], path: tuple[str | int, ...]) -> Mistake:
    """Say what pydantic found in the words of this package."""
    location, kind = problem["loc"], problem["type"]
    place = (*path, *location)
    if kind == "extra_forbidden":
        keys = (_PARTS[location[0]] if location[0] in _PARTS and len(location) > 1 else Extension).model_fields
        return Mistake(place[:-1], f"unknown key {location[-1]!r}", f"the keys are {', '.join(keys)}")
    if kind == "missing":
        return Mistake(place[:-1], f"the key {location[-1]!r} is missing", "add it")
    if kind == "value_error":
        return Mistake(place, str(problem["ctx"]["error"]), "correct it there")
    if kind == "model_type":
        return Mistake(place, "an object is needed", "give an object with keys and values")
    if kind == "tuple_type":
        return Mistake(place, f"{problem['input']!r} is given, needed is a list", "correct it there")
    text = problem["msg"].removeprefix("Input should be ")
    return Mistake(place, f"{problem['input']!r} is given, needed is {text}", "correct it there")
