"""Finding the functions of custom modifiers where the user of a campaign says they are."""

from collections.abc import Mapping
from importlib import import_module

from hfscale.errors import InputError
from hfscale.model.custom import CustomModifier


def import_modifiers(paths: Mapping[str, str]) -> dict[str, CustomModifier]:
    """Import custom modifiers, in whatever process needs them.

    Args:
        paths: Type -> ``package.module:attribute``, as the user gave it; nothing that a workspace names comes here.

    Raises:
        InputError: There is no such module or attribute, or it is no `CustomModifier`.
    """
    return {kind: _import(kind, path) for kind, path in paths.items()}


def _import(kind: str, path: str) -> CustomModifier:
    module, _, attribute = path.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"the modifier type {kind!r} cannot be imported from {path!r}: {error}",
            place=f"modifiers/{kind}",
            remedy="give package.module:attribute of a module that is installed, or in a folder named by PYTHONPATH",
        ) from error
    if not isinstance(found, CustomModifier):
        raise InputError(
            f"{path!r} is a {type(found).__name__} and no CustomModifier",
            place=f"modifiers/{kind}",
            remedy="give the name of a hfscale.CustomModifier",
        )
    return found
