"""Job scripts, to the letter."""

from pathlib import Path

from hfscale.sites.batch import ArrayRequest
from hfscale.sites.htcondor import HTCondor
from hfscale.sites.site import Site
from hfscale.sites.slurm import Slurm

FOLDER = Path("/data/jobs/search-1")


def request(site: Site, workers: int = 200, store: str = "/data/results.zarr") -> ArrayRequest:
    return ArrayRequest("search-1", Path(store), workers, site, FOLDER)


SLURM_SCRIPT = """\
#!/bin/bash
#SBATCH --job-name=search-1
#SBATCH --array=0-199
#SBATCH --time=30:00:00
#SBATCH --mem=1536M
#SBATCH --cpus-per-task=2
#SBATCH --gres=gpu:1
#SBATCH --partition=long
#SBATCH --account=atlas
#SBATCH --signal=B:TERM@90
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="/data/jobs/search-1/%a.log"
#SBATCH --qos=normal

export NPROC=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
module load python
source $HOME/venv/bin/activate
exec hfscale worker /data/results.zarr --shard "$SLURM_ARRAY_TASK_ID/200" --help-others --device gpu
"""


def test_a_script_for_slurm_has_everything_that_a_site_can_say() -> None:
    resources = {"walltime": "1-06:00:00", "memory": "1.5G", "cpus": 2, "gpus": 1, "queue": "long", "account": "atlas"}
    setup = "module load python\nsource $HOME/venv/bin/activate\n"
    site = Site.model_validate(
        {"kind": "slurm", "resources": resources, "setup": setup, "directives": ["--qos=normal"], "grace": 90}
    )
    (document,) = Slurm().render(request(site))
    assert document.text == SLURM_SCRIPT


def test_a_container_is_started_by_the_script_of_slurm_and_by_htcondor_itself() -> None:
    site = Site(kind="slurm", image="/images/my hfscale.sif", container="apptainer exec --nv")
    (document,) = Slurm().render(request(site, 3, "/data/my results.zarr"))
    assert document.text.splitlines()[-1] == (
        "exec apptainer exec --nv '/images/my hfscale.sif' hfscale worker '/data/my results.zarr'"
        ' --shard "$SLURM_ARRAY_TASK_ID/3" --help-others'
    )
    description, script = HTCondor().render(request(Site(kind="htcondor", image="docker://example.org/hfscale"), 3))
    assert description.text.startswith("universe = container\ncontainer_image = docker://example.org/hfscale\n")
    assert "docker" not in script.text


HTCONDOR_DESCRIPTION = """\
universe = vanilla
batch_name = search-1
initialdir = /data/jobs/search-1
request_cpus = 1
request_memory = 2048
accounting_group = group_physics.me
allowed_job_duration = 5400
job_max_vacate_time = 60
kill_sig = SIGTERM
on_exit_remove = (ExitBySignal =!= true && ExitCode =!= 3) || NumJobStarts >= 20
periodic_release = HoldReasonCode == 46 && NumJobStarts < 20
executable = /bin/bash
transfer_executable = false
arguments = "/data/jobs/search-1/job.sh $(Process)"
should_transfer_files = NO
output = $(Process).out
error = $(Process).err
log = events.txt
+JobFlavour = "longlunch"
queue 50
"""
HTCONDOR_SCRIPT = """\
#!/bin/bash

export NPROC=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
exec /opt/hfscale worker /data/results.zarr --shard "$1/50" --help-others
"""


def test_a_description_and_a_script_for_htcondor() -> None:
    site = Site.model_validate(
        {
            "kind": "htcondor",
            "command": "/opt/hfscale",
            "resources": {"walltime": "90m", "account": "group_physics.me"},
            "directives": ['+JobFlavour = "longlunch"'],
        }
    )
    description, script = HTCondor().render(request(site, 50))
    assert (description.name, description.text) == ("job.sub", HTCONDOR_DESCRIPTION)
    assert (script.name, script.text) == ("job.sh", HTCONDOR_SCRIPT)


def test_paths_with_quotes_stay_one_argument_of_htcondor() -> None:
    folder = Path("/data/Bob's jobs")
    description, _ = HTCondor().render(ArrayRequest("a", Path("/x"), 1, Site(kind="htcondor"), folder))
    assert """arguments = "'/data/Bob''s jobs/job.sh' $(Process)\"""" in description.text
