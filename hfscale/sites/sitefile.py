"""Reading a site: a file of the user's, or one of those that come with the package."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from hfscale.errors import InputError, SchemaError, SourceError
from hfscale.plan.schema_errors import nearest
from hfscale.plan.yamlfile import line_of, parse_yaml
from hfscale.sites.kubernetes.options import KubernetesOptions
from hfscale.sites.site import Resources, Site

_SUFFIXES = (".yaml", ".yml")
_PARTS: Mapping[str, type[BaseModel]] = MappingProxyType({"resources": Resources, "kubernetes": KubernetesOptions})
"""Keys that have keys of their own."""


def ready_folder() -> Path:
    """Return the folder of the ready sites: in an installed package its own copy, else that of the checkout."""
    package = Path(__file__).parents[1]
    own = Path(__file__).parent / "ready"
    return own if own.is_dir() else package.parent / "cluster"


def ready_sites() -> list[str]:
    """Names of the sites that come with the package."""
    return sorted(path.stem for path in ready_folder().glob("*.yaml"))


def load_site(name: str, overrides: Sequence[str] = ()) -> Site:
    """Read a site.

    Args:
        name: Name of one that comes with the package, or path of a file.
        overrides: Texts ``key=value`` that replace keys of the file; those of ``resources`` may be named alone.

    Raises:
        SourceError: There is no such site or file.
        SchemaError: The file is not YAML, or a key is unknown, missing, repeated, or has a wrong value.
        InputError: An override is not of that form, or its key is none.
    """
    file = _site_file(name)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"the site file {file} cannot be read: {error}") from error
    document = parse_yaml(text, source=str(file))
    if not isinstance(document, dict):
        raise SchemaError(
            f"{file} is no site file: its top level is not a mapping of keys", remedy=f"start from {_listed(Site)}"
        )
    for override in overrides:
        _apply(document, override)
    try:
        return Site.model_validate(document)
    except ValidationError as error:
        raise _schema_error(file, text, error) from error


def _site_file(name: str) -> Path:
    path = Path(name)
    if path.suffix in _SUFFIXES or len(path.parts) > 1:
        return path
    if name not in ready_sites():
        raise SourceError(
            f"there is no site {name!r}",
            remedy=f"{nearest(name, ready_sites())}give one of {', '.join(ready_sites())}, or the path of a site file",
        )
    return ready_folder() / f"{name}.yaml"


def is_site_key(override: str) -> bool:
    """Say whether an override ``key=value`` is for a site: its key is one, or one of its resources."""
    first = override.partition("=")[0].strip().partition(".")[0]
    return first in _keys(Site) or first in _keys(Resources)


def site_keys() -> list[str]:
    """All keys that an override of a site may name."""
    return [*_keys(Site), *_keys(Resources)]


def _apply(document: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    parts = key.strip().split(".")
    if parts[0] in _keys(Resources):
        parts = ["resources", *parts]
    if not separator or not is_site_key(override) or len(parts) > 2:
        raise InputError(
            f"the override {override!r} is none of a site",
            place=key,
            remedy=f"{nearest(parts[-1], site_keys())}known keys are {', '.join(site_keys())}",
        )
    value = parse_yaml(text, source=f"the value of --set {key}")
    if len(parts) == 1:
        document[parts[0]] = value
        return
    inner = document.get(parts[0]) or {}
    if parts[0] not in _PARTS or not isinstance(inner, dict):
        raise InputError(f"the override {override!r} leads nowhere: {parts[0]} has no keys", place=key)
    if parts[1] in ("partition", "queue"):
        inner = {known: given for known, given in inner.items() if known not in ("partition", "queue")}
    document[parts[0]] = {**inner, parts[1]: value}


def _schema_error(file: Path, text: str, error: ValidationError) -> SchemaError:
    """Put the first problem that pydantic found in our words: file, key, line, and what would be right."""
    problem = error.errors()[0]
    location = problem["loc"]
    key = ".".join(str(part) for part in location)
    line = line_of(text, location)
    place = f"line {line}, {key}" if line else key
    known = _keys(_PARTS.get(str(location[0]), Site) if len(location) > 1 else Site)
    if problem["type"] == "extra_forbidden":
        unknown = str(location[-1])
        return SchemaError(
            f"{file}: unknown key {unknown!r}",
            place=place,
            remedy=f"{nearest(unknown, known)}known keys here are {', '.join(known)}",
        )
    if problem["type"] == "missing":
        return SchemaError(f"{file}: the key {key!r} is missing", place=place, remedy=f"add {key!r}")
    message = problem["msg"].removeprefix("Value error, ")
    return SchemaError(f"{file}: {key} is {problem['input']!r}: {message}", place=place, remedy=f"correct {key}")


def _keys(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields) + (["queue"] if model is Resources else [])


def _listed(model: type[BaseModel]) -> str:
    return f"the keys {', '.join(_keys(model))}"
