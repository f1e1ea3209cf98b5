"""The JSON schema of campaign files, with which editors complete and check them."""

import inspect
import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel

from hfscale.plan.campaign import Campaign

_ENTRY = re.compile(r"^ {4}(\w[\w, ]*): (.*)$")


def campaign_schema() -> dict[str, Any]:
    """The schema of campaign files (JSON Schema, draft 2020-12), with the descriptions of all keys.

    Every file that it accepts has the right keys and kinds of values; combinations of values that make no sense are
    refused when the file is loaded.
    """
    found = Campaign.model_json_schema(by_alias=True)
    definitions = found.get("$defs", {})
    for model in _models(Campaign):
        part = found if model is Campaign else definitions[model.__name__]
        _describe(part, model)
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Campaign file of hfscale"}
    return {**title, **{key: value for key, value in found.items() if key != "title"}}


def _models(model: type[BaseModel]) -> Iterable[type[BaseModel]]:
    """A model, and those that its fields hold."""
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _models(part)


def _describe(part: dict[str, Any], model: type[BaseModel]) -> None:
    """Put the first sentence of a model's docstring, and what it says of each attribute, into its schema."""
    text = inspect.cleandoc(model.__doc__ or "")
    part["description"] = text.partition("\n")[0]
    for name, description in attribute_descriptions(text).items():
        field = model.model_fields.get(name)
        if field is not None:
            part["properties"][field.alias or name]["description"] = description


def attribute_descriptions(docstring: str) -> dict[str, str]:
    """Read the section ``Attributes`` of a docstring: name -> what is said of it, in one line."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in docstring.partition("Attributes:\n")[2].splitlines():
        if entry := _ENTRY.match(line):
            names = [name.strip() for name in entry[1].split(",")]
            found |= dict.fromkeys(names, entry[2])
        elif line.startswith(" " * 8):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: text.replace("``", "`") for name, text in found.items()}
