"""What is refused before anything is submitted: jobs that could not do a single task."""

import warnings
from pathlib import Path

from hfscale.driver import Preparation
from hfscale.errors import HfscaleWarning, InputError
from hfscale.sites.site import Site, write_walltime


def check_jobs(site: Site, preparation: Preparation) -> None:
    """See that jobs of a site can do the tasks of a campaign.

    Raises:
        InputError: The image is missing, or the walltime is shorter than the longest task.
    """
    if site.kind == "gateway":
        # It has resources and images of its own, and its driver no walltime.
        return
    _check_image(site)
    _check_walltime(site, preparation)
    need = preparation.memory / 2**20
    if site.resources.memory < need:
        warnings.warn(
            f"a worker needs about {need:.0f} MB of memory, and the site asks for {site.resources.memory} MB",
            HfscaleWarning,
            stacklevel=3,
        )


def _check_image(site: Site) -> None:
    """Images with a scheme, and those of pods, are fetched on the nodes; others are files."""
    if site.image is None or site.kind == "kubernetes" or "://" in site.image or Path(site.image).expanduser().exists():
        return
    raise InputError(
        f"the container image {site.image} does not exist",
        place="image",
        remedy="build it, or name one that the nodes can fetch, such as docker://...",
    )


def _check_walltime(site: Site, preparation: Preparation) -> None:
    longest = longest_task(preparation, in_parts=site.mode != "array")
    left = site.resources.walltime - site.grace
    if left < longest:
        raise InputError(
            f"the walltime {write_walltime(site.resources.walltime)}, less {site.grace} s of grace, is shorter than the"
            f" longest task, which takes about {longest:.0f} s",
            place="resources.walltime",
            remedy="ask for more with --set walltime=HH:MM:SS, or make tasks smaller with --set run.task_points=N or"
            " --set run.task_toys=N, or, in modes with a driver, --set run.task_parameters=N (of a new store)",
        )


def longest_task(preparation: Preparation, *, in_parts: bool) -> float:
    """Rough seconds of the longest task that is planned.

    Args:
        preparation: The campaign.
        in_parts: Whether there is a driver, which shares out parts of long signal points.
    """
    n_points = max(preparation.plan.n_points, 1)
    if in_parts and preparation.n_parts:
        points = preparation.seconds / preparation.n_parts
    else:
        points = max((task.size for task in preparation.plan.tasks), default=0) * preparation.seconds / n_points
    toys = max((task.size for toy_round in preparation.rounds for task in toy_round.tasks), default=0)
    if preparation.calculation.adaptive:
        toys = max(toys, preparation.task_toys)
    return max(points, toys * preparation.toy_seconds)
