"""What is wrong with a settings file, in our words: the file, the line and the key, and what would be right."""

import difflib
from collections.abc import Callable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hfscale.errors import SchemaError

Location = Sequence[str | int]


def schema_error(
    source: str, error: ValidationError, model: type[BaseModel], line_of: Callable[[Location], int | None]
) -> SchemaError:
    """Make an error of one problem that pydantic found: the first unknown key, or else the first of all.

    Args:
        source: What the document is called.
        error: All problems.
        model: Of the whole document.
        line_of: The line of the value at a location, None where it does not come from a file.
    """
    problems = error.errors()
    # A key that is misspelled is also missing: what is written wrongly is told first.
    problem = next((found for found in problems if found["type"] == "extra_forbidden"), problems[0])
    location = problem["loc"]
    key = ".".join(str(part) for part in location)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    line = line_of(location)
    place = key if line is None else f"line {line}, {key}"
    siblings = keys_of(_model_at(model, location[:-1]))
    if problem["type"] == "extra_forbidden":
        unknown = str(location[-1])
        return SchemaError(
            f"{source}: unknown key {unknown!r}{more}",
            place=place,
            remedy=f"{nearest(unknown, siblings)}known keys here are {', '.join(siblings)}",
        )
    if problem["type"] == "missing":
        return SchemaError(f"{source}: the key {key!r} is missing{more}", place=place, remedy=f"add {key!r}")
    return SchemaError(
        f"{source}: {key} is {problem['input']!r}: {problem['msg']}{more}",
        place=place,
        remedy=f"correct the value of {key}",
    )


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a settings file, as users write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def nearest(name: str, known: Sequence[str]) -> str:
    """The beginning of a remedy that names the nearest of what is known, empty if nothing is near."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model of the part of the document that a location leads to; indices of lists lead nowhere else."""
    for part in location:
        by_key = {field.alias or name: field for name, field in model.model_fields.items()}
        if part in by_key:
            model = _inner_model(by_key[str(part)].annotation) or model
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model in a type such as ``tuple[Contour, ...]``, None if there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_inner_model, get_args(annotation))), None)
