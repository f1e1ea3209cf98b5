"""``verify`` on a store that a run is writing: what is not finished yet is no damage."""

import os
import signal

from tests.program import Search, hfscale, start_hfscale
from tests.test_object_stores import ADAPTIVE


def test_nothing_that_a_run_is_writing_is_taken_for_damage(small: Search) -> None:
    # Rounds of toys are planned while it runs, and every task has a chunk of each array and a marker.
    process = start_hfscale("cls", small.workspace, small.patchset, "-o", small.store, *ADAPTIVE, "--executor", "local")
    seen = list[int]()
    try:
        while process.poll() is None:
            if (small.store / "zarr.json").exists():
                ended = hfscale("verify", small.store, "--json")
                found = ended.json()
                assert (ended.code, found["damage"]) == (0, []), found
                seen.append(found["tasks"])
        _, err = process.communicate()
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 0, err
    total = hfscale("verify", small.store, "--json").json()["tasks"]
    # It was looked at in the middle.
    assert any(0 < number < total for number in seen), (seen, total)
