"""Shards as real processes: killed, terminated, run again, at the same time, and with another N."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from hfscale.sharding import Shard
from hfscale.store.files import done_folder
from hfscale.store.open import open_store
from tests.faults.conftest import TellRow
from tests.faults.runs import digest_of
from tests.program import Search, arrays_of, hfscale, make_search
from tests.signals import HEARING_PYTHON

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CAMPAIGN = {
    "schema": 1,
    "workspace": "BkgOnly.json",
    "patchset": "patchset.json",
    "store": "results.zarr",
    "points": ["s_400_*"],
    "calculation": {"calctype": "toybased", "ntoys": 400},
    "run": {"executor": "local", "task_points": 1, "task_toys": 10},
}


def start(store: Path, shard: str) -> "subprocess.Popen[str]":
    program = "from hfscale.cli.main import main; main()"
    return subprocess.Popen(
        [*HEARING_PYTHON, "-c", program, "worker", str(store), "--shard", shard],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_within_toys(process: "subprocess.Popen[str]", store: Path, shard: Shard, number: signal.Signals) -> set[str]:
    """Send a signal when a further toy task of the shard is done, and return what is left of the shard then."""
    own = {task.id for task in shard.toys_of(open_store(store))}
    before = len(own & markers(store).keys())
    while len(own & markers(store).keys()) == before:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(number)
    process.wait()
    left = own - markers(store).keys()
    assert left
    return left


def markers(store: Path) -> dict[str, int]:
    """Return when each marker was written."""
    return {path.stem: path.stat().st_mtime_ns for path in done_folder(store).glob("*.json")}


@pytest.fixture
def planned(tmp_path: Path) -> Search:
    search = make_search(tmp_path)
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump(CAMPAIGN))
    assert hfscale("plan", tmp_path / "campaign.yaml").code == 0
    return search


def test_shards_that_die_and_come_again_give_the_bits_of_one_run(planned: Search, tell_row: TellRow) -> None:
    store, shard = planned.store, Shard(0, 2)
    with start(store, "0/2") as first, start(store, "1/2") as second:
        end_within_toys(first, store, shard, signal.SIGKILL)
        _, err = second.communicate()
    assert first.returncode == -signal.SIGKILL
    assert second.returncode == 0, err
    assert "left elsewhere" in err
    killed = markers(store)

    with start(store, "0/2") as again:
        left = end_within_toys(again, store, shard, signal.SIGTERM)
        _, err = again.communicate()
    assert again.returncode == 3, err
    assert "interrupted" in err
    assert "Traceback" not in err
    terminated = markers(store)
    assert {task: terminated[task] for task in killed} == killed

    with start(store, "0/1") as one, start(store, "0/1") as other:
        ends = [process.communicate() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), ends
    final = markers(store)
    assert left <= final.keys()
    assert {task: final[task] for task in terminated} == terminated
    assert open_store(store).status().finished

    calm = planned.folder / "calm.zarr"
    assert hfscale("run", planned.folder / "campaign.yaml", "--set", f"store={calm}").code == 0
    found, expected = arrays_of(store), arrays_of(calm)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert digest_of(store) == digest_of(calm)
    tell_row("a shard killed, then terminated", tries=3, lost=0, repeated="those in flight", tasks=len(final))
