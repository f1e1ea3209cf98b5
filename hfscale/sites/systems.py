"""The batch systems that are known, by the kind of a site."""

from importlib import import_module
from types import MappingProxyType

from hfscale.errors import InputError
from hfscale.sites.batch import BatchSystem
from hfscale.sites.site import Site
from hfscale.sites.sitefile import nearest

_SYSTEMS = MappingProxyType(
    {
        "slurm": ("hfscale.sites.slurm", "Slurm"),
        "htcondor": ("hfscale.sites.htcondor", "HTCondor"),
    }
)
"""Module and class; imported when needed."""
_MODES = ("array",)


def batch_system(kind: str) -> BatchSystem:
    """Return the batch system of a kind.

    Raises:
        InputError: There is none.
    """
    if kind not in _SYSTEMS:
        raise InputError(
            f"no batch system of the kind {kind!r} is known",
            place="kind",
            remedy=f"{nearest(kind, list(_SYSTEMS))}known kinds are {', '.join(_SYSTEMS)}",
        )
    module, name = _SYSTEMS[kind]
    system: BatchSystem = getattr(import_module(module), name)()
    return system


def system_of(site: Site) -> BatchSystem:
    """Return the batch system of a site, and see that it can do what the site asks for.

    Raises:
        InputError: There is no such batch system, it has no such mode, or a key of the site has no meaning there.
    """
    system = batch_system(site.kind)
    if site.mode not in _MODES:
        raise InputError(
            f"sites of the kind {site.kind} have no mode {site.mode!r}",
            place="mode",
            remedy=f"known modes are {', '.join(_MODES)}; or start a cluster yourself and give it to hfscale run",
        )
    system.check(site)
    return system
