"""SLURM in the mode ``ray``: one allocation of nodes, in which ``ray symmetric-run`` starts Ray and the driver.

Ray's ports are fixed, and its end is the end of all Ray processes of the user on the node: nodes are not shared.
"""

import shlex

from hfscale.sites.batch import ArrayRequest, Document
from hfscale.sites.driving import driver_script
from hfscale.sites.slurm import Slurm, sbatch_lines

_OBJECT_STORE_BYTES = 200 * 2**20
# Ports of the user's choice (a private range), different for jobs that follow each other.
_PORT = "port=$((20000 + SLURM_JOB_ID % 20000))"
_HEAD = 'head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)'


class SlurmRay(Slurm):
    """One job of several nodes; each worker is a node with all CPUs that the site asks for."""

    commands = (*Slurm.commands, "scontrol", "srun")

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the script of the allocation."""
        arguments = "--executor ray --ray-address auto"
        script = driver_script(request, arguments, _directives(request), _preparation(request), _launcher(request))
        return (Document("job.sh", script),)


def _directives(request: ArrayRequest) -> tuple[str, ...]:
    """Those of an array, but one job of several nodes, all processes of which get the signal."""
    nodes = {
        f"--array=0-{request.workers - 1}": (
            "--array=0-0",
            f"--nodes={request.workers}",
            "--ntasks-per-node=1",
            "--exclusive",
        ),
        f"--signal=B:TERM@{request.site.grace}": (f"--signal=TERM@{request.site.grace}",),
    }
    lines = [line.removeprefix("#SBATCH ") for line in sbatch_lines(request)]
    return tuple(f"#SBATCH {changed}" for line in lines for changed in nodes.get(line, (line,)))


def _preparation(request: ArrayRequest) -> tuple[str, ...]:
    """Lines that make the token, which nobody else may read, and find the head node."""
    token = shlex.quote(str(request.folder / "ray.token"))
    return (
        "umask 077",
        f"export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH={token} RAY_USAGE_STATS_ENABLED=0",
        f"od -An -N32 -tx1 /dev/urandom | tr -d ' \\n' > {token}",
        _HEAD,
        _PORT,
    )


def _launcher(request: ArrayRequest) -> str:
    site = request.site
    container = "" if site.image is None else f"{site.container} {shlex.quote(site.image)} "
    gpus = f" --num-gpus {site.resources.gpus}" if site.resources.gpus else ""
    return (
        f"srun --nodes={request.workers} --ntasks={request.workers} {container}ray symmetric-run"
        ' --address "$head:$port"'
        f" --min-nodes {request.workers} --num-cpus {site.resources.cpus}{gpus}"
        f" --object-store-memory {_OBJECT_STORE_BYTES} --disable-usage-stats --"
    )
