"""The batch systems that are known, by the kind of a site."""

from importlib import import_module
from types import MappingProxyType

from hfscale.errors import InputError
from hfscale.plan.schema_errors import nearest
from hfscale.sites.batch import BatchSystem
from hfscale.sites.site import Mode, Site

_SYSTEMS = MappingProxyType(
    {
        "slurm": {
            "array": ("hfscale.sites.slurm", "Slurm"),
            "dask": ("hfscale.sites.slurm_dask", "SlurmDask"),
            "ray": ("hfscale.sites.slurm_ray", "SlurmRay"),
        },
        "htcondor": {
            "array": ("hfscale.sites.htcondor", "HTCondor"),
            "dask": ("hfscale.sites.htcondor_dask", "HTCondorDask"),
        },
        "gateway": {"dask": ("hfscale.sites.gateway", "DaskGateway")},
        "kubernetes": dict.fromkeys(("array", "dask", "ray"), ("hfscale.sites.kubernetes.system", "Kubernetes")),
    }
)
"""Module and class of each mode; imported when needed."""


def batch_system(kind: str, mode: Mode | None = None) -> BatchSystem:
    """Return the batch system of a kind, by default in any mode: jobs of all modes are looked after in the same way.

    Raises:
        InputError: There is none, or it has no such mode.
    """
    if kind not in _SYSTEMS:
        raise InputError(
            f"no batch system of the kind {kind!r} is known",
            place="kind",
            remedy=f"{nearest(kind, list(_SYSTEMS))}known kinds are {', '.join(_SYSTEMS)}",
        )
    chosen: str = next(iter(_SYSTEMS[kind])) if mode is None else mode
    if chosen not in _SYSTEMS[kind]:
        raise InputError(
            f"sites of the kind {kind} have no mode {chosen!r}",
            place="mode",
            remedy=f"known modes are {', '.join(_SYSTEMS[kind])}; or give a cluster of yours to hfscale run",
        )
    module, name = _SYSTEMS[kind][chosen]
    system: BatchSystem = getattr(import_module(module), name)()
    return system


def system_of(site: Site) -> BatchSystem:
    """Return the batch system of a site, and see that it can do what the site asks for.

    Raises:
        InputError: There is no such batch system, it has no such mode, or a key of the site has no meaning there.
    """
    system = batch_system(site.kind, site.mode)
    system.check(site)
    return system
