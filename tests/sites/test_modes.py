"""Scripts of the modes in which a driver hands out the tasks."""

import json
from pathlib import Path
from typing import Any

import dask
import pytest

from hfscale.errors import InputError, SourceError
from hfscale.runtime.executors.jobqueue import WorkerJobs, job_script, read_worker_jobs
from hfscale.sites.batch import ArrayRequest, Document
from hfscale.sites.site import Site
from hfscale.sites.sitefile import load_site
from hfscale.sites.systems import system_of

STORE = Path("/data/results.zarr")


def render(folder: Path, kind: str, mode: str, **keys: Any) -> tuple[Document, ...]:
    site = Site.model_validate({"kind": kind, "mode": mode, "command": "/opt/env/bin/hfscale", **keys})
    return system_of(site).render(ArrayRequest("search-1", STORE, 20, site, folder))


@pytest.fixture
def no_own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder in the place of ~/.config/dask."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setattr(dask.config, "paths", [str(folder)])
    return folder


def jobs_of(folder: Path, document: Document) -> WorkerJobs:
    file = folder / document.name
    file.write_text(document.text)
    return read_worker_jobs(str(file))


DRIVER = """\
#!/bin/bash
#SBATCH --job-name=search-1
#SBATCH --array=0-0
#SBATCH --time=12:00:00
#SBATCH --mem=2048M
#SBATCH --cpus-per-task=1
#SBATCH --partition=long
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="{folder}/%a.log"
#SBATCH --qos=normal

export NPROC=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
module load python
exec /opt/env/bin/hfscale drive /data/results.zarr --worker-jobs {folder}/workers.json
"""


def test_slurm_runs_the_driver_which_submits_dask_workers(tmp_path: Path, no_own_settings: Path) -> None:
    resources = {"walltime": "12h", "cpus": 4, "gpus": 1, "queue": "long"}
    keys = {"resources": resources, "setup": ["module load python"], "directives": ["--qos=normal"]}
    driver, workers = render(tmp_path, "slurm", "dask", **keys)
    assert (driver.name, driver.text) == ("job.sh", DRIVER.format(folder=tmp_path))
    jobs = jobs_of(tmp_path, workers)
    assert (jobs.workers, jobs.folder) == (20, str(tmp_path))
    script = job_script(jobs)
    for line in ("-J search-1-workers", "-p long", "--cpus-per-task=4", "--mem=2G", "-t 12:00:00", "--gres=gpu:1"):
        assert f"#SBATCH {line}\n" in script
    assert "#SBATCH --qos=normal\n" in script
    assert "export NPROC=1\n" in script and "JAX_PLATFORMS" not in script
    command = script.strip().splitlines()[-1]
    assert command.startswith("python -m distributed.cli.dask_worker tls://")
    # Four processes of one thread each, which leave between 8 and 16 minutes before minute 720.
    assert "--nthreads 1" in command and "--nworkers 4" in command and "--protocol tls://" in command
    assert "--lifetime 42900s --lifetime-stagger 240s --dashboard-address 127.0.0.1:0 --resources GPU=1" in command


def test_the_own_jobqueue_yaml_is_honoured_where_the_site_chose_nothing(tmp_path: Path, no_own_settings: Path) -> None:
    own = {
        "memory": "5GB",
        "walltime": "01:00:00",
        "account": "atlas",
        "python": "/my/python",
        "job-script-prologue": ["module load mine"],
        "worker-extra-args": ["--local-directory", "/scratch"],
    }
    (no_own_settings / "jobqueue.yaml").write_text(json.dumps({"jobqueue": {"slurm": own}}))
    _, workers = render(tmp_path, "slurm", "dask", resources={"memory": "3G"})
    with dask.config.set({f"jobqueue.slurm.{key}": value for key, value in own.items()}):
        # As when Dask was imported with that file in its place.
        script = job_script(jobs_of(tmp_path, workers))
    assert "#SBATCH --mem=3G\n#SBATCH -t 01:00:00\n" in script
    assert "#SBATCH -A atlas\n" in script
    assert "\nmodule load mine\nexport NPROC=1\n" in script
    assert "\n/my/python -m distributed.cli.dask_worker" in script
    assert "--local-directory /scratch --lifetime 3300s --lifetime-stagger 240s" in script
    # The ready site says the same as no site.
    assert load_site("slurm").resources == Site(kind="slurm").resources


def test_a_walltime_of_jobqueue_yaml_that_cannot_be_read_is_told_of(tmp_path: Path, no_own_settings: Path) -> None:
    (no_own_settings / "jobqueue.yaml").write_text(json.dumps({"jobqueue": {"slurm": {"walltime": "soon"}}}))
    _, workers = render(tmp_path, "slurm", "dask")
    with pytest.raises(InputError, match="'soon' of jobqueue"):
        job_script(jobs_of(tmp_path, workers))


def test_htcondor_runs_the_driver_beside_its_queue(tmp_path: Path, no_own_settings: Path) -> None:
    setup = "module load python\n\n# ours\nsource venv/bin/activate\n"
    keys = {
        "setup": setup,
        "resources": {"walltime": "2h", "account": "group_physics"},
        "directives": ['+JobFlavour = "longlunch"'],
    }
    description, driver, workers = render(tmp_path, "htcondor", "dask", **keys)
    assert description.text.startswith("universe = scheduler\nbatch_name = search-1\n")
    assert driver.text.splitlines()[-1].endswith(f"drive /data/results.zarr --worker-jobs {tmp_path}/workers.json")
    text = job_script(jobs_of(tmp_path, workers))
    assert "MY.DaskWorkerCores = 1\n" in text
    for line in (
        "allowed_job_duration = 7200",
        "batch_name = search-1-workers",
        "accounting_group = group_physics",
        '+JobFlavour = "longlunch"',
    ):
        assert f"{line}\n" in text
    # All of it on one line.
    assert "; module load python; source venv/bin/activate; python -m distributed" in text


@pytest.mark.parametrize(
    "setup",
    [
        ["module load python", "source venv/bin/activate  # ours"],
        "for part in a b\ndo\n  module load $part\ndone",
        "cat > list <<END\na\nEND",
        ["module load python;"],
        ["module load \\"],
    ],
)
def test_a_setup_that_cannot_stand_on_one_line_is_refused_where_it_would_have_to(
    tmp_path: Path, setup: str | list[str]
) -> None:
    with pytest.raises(InputError, match="on one line") as raised:
        render(tmp_path, "htcondor", "dask", setup=setup)
    assert raised.value.place == "setup"
    assert "source FILE" in str(raised.value)
    assert list(tmp_path.iterdir()) == []
    # Scripts have a line for each.
    render(tmp_path, "htcondor", "array", setup=setup)
    render(tmp_path, "slurm", "dask", setup=setup)


def test_a_setup_that_can_stand_on_one_line_is_taken(tmp_path: Path) -> None:
    lines = [
        "# ours",
        "[[ -d venv ]] && { source venv/bin/activate; }",
        "export A=${B#c} D='#'",
        "if true; then :",
        "fi",
    ]
    assert render(tmp_path, "htcondor", "dask", setup=lines)


def test_slurm_gives_ray_one_allocation_and_a_token(tmp_path: Path) -> None:
    (document,) = render(tmp_path, "slurm", "ray", resources={"cpus": 32, "memory": "64G", "walltime": "1h"})
    lines = document.text.splitlines()
    for line in ("--array=0-0", "--nodes=20", "--ntasks-per-node=1", "--exclusive", "--cpus-per-task=32"):
        assert f"#SBATCH {line}" in lines
    # To all processes: the shell waits for srun.
    assert "#SBATCH --signal=TERM@60" in lines
    assert f"export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH={tmp_path}/ray.token RAY_USAGE_STATS_ENABLED=0" in lines
    assert lines.index("umask 077") < next(k for k, line in enumerate(lines) if "urandom" in line)
    assert lines[-1] == (
        'exec srun --nodes=20 --ntasks=20 ray symmetric-run --address "$head:$port" --min-nodes 20 --num-cpus 32'
        " --object-store-memory 209715200 --disable-usage-stats --"
        " /opt/env/bin/hfscale drive /data/results.zarr --executor ray --ray-address auto"
    )


@pytest.mark.parametrize(
    ("kind", "mode", "keys", "place"),
    [
        ("htcondor", "ray", {}, "mode"),
        ("htcondor", "dask", {"shared_filesystem": False}, "shared_filesystem"),
        ("slurm", "dask", {"shared_filesystem": False}, "shared_filesystem"),
    ],
)
def test_modes_that_a_site_does_not_have_are_refused(
    tmp_path: Path, kind: str, mode: str, keys: dict[str, Any], place: str
) -> None:
    with pytest.raises(InputError) as raised:
        render(tmp_path, kind, mode, **keys)
    assert raised.value.place == place


def test_a_file_that_describes_no_jobs_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "workers.json"
    for text in ("{", "[]", '{"kind": "slurm"}'):
        file.write_text(text)
        with pytest.raises(SourceError, match="does not describe jobs of workers"):
            read_worker_jobs(str(file))
