"""Reading cabinetry's configuration, and refusing what is wrong in it before anything is read or written."""

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hfscale.errors import HfscaleWarning, InputError, SchemaError, SourceError
from hfscale.plan.yamlfile import parse_yaml

Config = dict[str, Any]


def load_config(config: str | Path | Mapping[str, Any], folder: str | Path | None = None) -> Config:
    """Read and check a configuration.

    Args:
        config: A YAML file, or what is in one.
        folder: Folder of the templates, in place of the configuration's ``HistogramFolder``.

    Returns:
        A copy, with the folder in it.

    Raises:
        InputError: cabinetry is not installed.
        SourceError: The file cannot be read.
        SchemaError: It is no YAML, or no configuration by cabinetry's schema and rules.
    """
    document, source = _read(config)
    _validate(document, source)
    _warn_of_unknown_names(document)
    if folder is not None:
        document["General"]["HistogramFolder"] = str(folder)
    return document


def _read(config: str | Path | Mapping[str, Any]) -> tuple[Config, str]:
    if isinstance(config, Mapping):
        return copy.deepcopy(dict(config)), "the configuration"
    try:
        text = Path(config).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SourceError(f"{config} cannot be read: {reason}", remedy="name a YAML file of cabinetry") from error
    return parse_yaml(text, source=str(config)), str(config)


def _validate(document: Any, source: str) -> None:
    """Apply cabinetry's schema and its further rules."""
    configuration = _cabinetry_configuration()
    from jsonschema import ValidationError

    try:
        configuration.validate(document)
    except ValidationError as error:
        raise SchemaError(
            f"{source} is no configuration of cabinetry: {error.message}",
            place="/" + "/".join(str(step) for step in error.absolute_path),
            remedy="correct it by cabinetry's description of its configuration",
        ) from error
    except (NotImplementedError, ValueError) as error:
        raise SchemaError(f"{source} is no configuration of cabinetry: {error}", remedy="correct it there") from error


def _cabinetry_configuration() -> Any:
    try:
        from cabinetry import configuration
    except ImportError as error:
        raise InputError(
            "templates need the package cabinetry", remedy="install it with: pip install 'hfscale[cabinetry]'"
        ) from error
    return configuration


def _warn_of_unknown_names(document: Config) -> None:
    """Warn of regions and samples that do not exist: cabinetry passes over them in silence."""
    known = {kind: [item["Name"] for item in document[kind]] for kind in ("Regions", "Samples")}
    for place, item in _restricted(document):
        for kind, names in known.items():
            given = item.get(kind, [])
            for name in [given] if isinstance(given, str) else given:
                if name not in names:
                    near = get_close_matches(name, names, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    warnings.warn(f"{place}/{kind}: there is no {name!r}{hint}", HfscaleWarning, stacklevel=4)


def _restricted(document: Config) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything that may be restricted to regions and samples, with its place."""
    for kind in ("Samples", "NormFactors", "Systematics"):
        items: Sequence[Mapping[str, Any]] = document.get(kind, [])
        for k, item in enumerate(items):
            yield f"/{kind}/{k}", item
            if "Smoothing" in item:
                yield f"/{kind}/{k}/Smoothing", item["Smoothing"]
