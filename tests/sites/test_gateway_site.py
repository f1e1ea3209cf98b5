"""Sites behind a Dask Gateway: the script of the driver, and looking after its process."""

import json
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from hfscale.errors import BatchSystemError, InputError
from hfscale.sites.gateway import DaskGateway
from hfscale.sites.site import Site
from hfscale.sites.systems import system_of
from tests.program import Ended, Search, hfscale

pytest.importorskip("dask_gateway", reason="no dask-gateway")

# A driver that waits for a file, and ends as drivers do.
_DRIVER = """\
#!/bin/sh
trap 'exit 3' TERM
echo "$@ with $DASK_GATEWAY__CLUSTER__OPTIONS"
while [ ! -f {end} ]; do sleep 0.1; done
exit $(cat {end})
"""


@pytest.fixture
def end(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the driver ends with when it is written; it is, whatever happens."""
    file = tmp_path_factory.mktemp("driver") / "end"
    driver = file.with_name("driver.sh")
    driver.write_text(_DRIVER.format(end=file))
    driver.chmod(0o755)
    monkeypatch.setenv("DRIVER_OF_TEST", str(driver))
    yield file
    file.write_text("0")


def submit(campaign: Path, *arguments: object) -> Ended:
    words = ("--site", "gateway", "--workers", 2, "--set", f"command={os.environ['DRIVER_OF_TEST']}")
    return hfscale("submit", campaign, *words, *arguments)


def job(store: Path) -> dict[str, Any]:
    """The last submission, as status tells of it."""
    jobs: list[dict[str, Any]] = hfscale("status", store, "--json").json()["jobs"]
    # Names end with the time.
    return max(jobs, key=lambda found: str(found["name"]).rpartition("-")[2])


def wait_for(store: Path, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    limit = time.monotonic() + 60
    while not condition(found := job(store)):
        assert time.monotonic() < limit, found
        time.sleep(0.1)
    return found


def has_ended(found: dict[str, Any]) -> bool:
    return "running" not in found["states"]


def test_a_driver_is_started_with_the_options_of_the_site_and_looked_after(
    small: Search, campaign: Path, end: Path
) -> None:
    options = "directives=[worker_memory = 4, 'environment = {NPROC: \"1\"}']"
    assert submit(campaign, "--set", options, "--set", "image=example.org/hfscale").code == 0
    assert job(small.store)["states"] == {"running": 1}
    again = submit(campaign)
    assert again.code == 2
    assert "queued or running" in again.err
    end.write_text("0")
    assert wait_for(small.store, has_ended)["states"] == {"done": 1}
    words, _, given = hfscale("logs", small.store).out.splitlines()[1].partition(" with ")
    assert words == f"drive {small.store} --executor dask --scheduler gateway --workers 2 --gather"
    assert json.loads(given) == {"image": "example.org/hfscale", "worker_memory": 4, "environment": {"NPROC": "1"}}


def test_a_driver_that_fails_tells_its_exit_code(small: Search, campaign: Path, end: Path) -> None:
    end.write_text("2")
    assert submit(campaign).code == 0
    (found,) = wait_for(small.store, has_ended)["jobs"]
    assert (found["state"], found["reason"]) == ("failed", "exit code 2: see its log")


def test_a_driver_is_cancelled(small: Search, campaign: Path, end: Path) -> None:
    assert submit(campaign).code == 0
    wait_for(small.store, lambda _: bool(hfscale("logs", small.store).out))
    assert "1 jobs were queued or running" in hfscale("cancel", small.store).err
    assert wait_for(small.store, has_ended)["states"] == {"cancelled": 1}
    assert "no job" in hfscale("cancel", small.store).err


def test_a_driver_that_was_killed_is_not_taken_for_another_process(small: Search, campaign: Path, end: Path) -> None:
    assert submit(campaign).code == 0
    file = Path(job(small.store)["job"]) / "driver.json"
    known = json.loads(file.read_text())
    os.kill(known["process"], signal.SIGKILL)
    killed = wait_for(small.store, has_ended)
    assert killed["jobs"][0]["reason"] == "killed, or its machine was restarted"
    # As if its number had been given again.
    file.write_text(json.dumps({**known, "process": os.getpid()}))
    assert job(small.store)["states"] == {"failed": 1}
    file.write_text(json.dumps({**known, "host": "elsewhere"}))
    assert job(small.store)["trouble"] == "the driver was started on elsewhere"


def test_a_driver_of_a_machine_that_is_gone_does_not_protect_others(small: Search, campaign: Path, end: Path) -> None:
    assert submit(campaign).code == 0
    gone = Path(job(small.store)["job"])
    known = json.loads((gone / "driver.json").read_text())
    (gone / "driver.json").write_text(json.dumps({**known, "host": "elsewhere"}))
    assert "where that machine is gone, submit again with --more" in submit(campaign).err
    assert submit(campaign, "--more").code == 0
    wait_for(small.store, lambda found: found["states"] == {"running": 1})
    cancelled = hfscale("cancel", small.store)
    assert cancelled.code == 2
    assert "the driver was started on elsewhere; cancelled, of the others: 1 of gateway job" in cancelled.err
    assert wait_for(small.store, has_ended)["states"] == {"cancelled": 1}


@pytest.mark.parametrize("trouble", [ProcessLookupError, PermissionError])
def test_a_driver_that_cannot_be_interrupted_is_told_of_if_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: type[OSError]
) -> None:
    def refuse(process: int, number: int) -> None:
        raise trouble

    (tmp_path / "driver.json").write_text(json.dumps({"host": platform.node(), "process": 1}))
    monkeypatch.setattr("hfscale.sites.gateway._command_line", lambda process: tmp_path.name)
    monkeypatch.setattr(os, "kill", refuse)
    said: AbstractContextManager[object] = nullcontext()
    if trouble is PermissionError:
        said = pytest.raises(BatchSystemError, match="another user")
    with said:
        DaskGateway().cancel(str(tmp_path))
    assert not (tmp_path / "cancelled").exists()


def test_a_dry_run_prints_the_script_and_writes_nothing(small: Search, campaign: Path) -> None:
    ended = hfscale("submit", campaign, "--site", "gateway", "--workers", 2, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert f"drive {small.store} --executor dask --scheduler gateway --workers 2 --gather > 0.log" in ended.out
    assert small.left() == ["campaign.yaml"]


@pytest.mark.parametrize(
    ("keys", "place", "said"),
    [
        ({"mode": "array"}, "mode", "known modes are dask"),
        ({"resources": {"memory": "3G"}}, "resources.memory", "worker_memory = 4"),
        ({"directives": ["--qos"]}, "directives", "name = value"),
    ],
)
def test_what_a_gateway_does_not_know_is_refused(keys: dict[str, Any], place: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        system_of(Site.model_validate({"kind": "gateway", "mode": "dask", **keys}))
    assert raised.value.place == place
    assert said in str(raised.value)
