"""Sessions whose stores lie in an object store."""

import pytest

import hfscale
from hfscale.store.open import open_store
from tests.program import Search
from tests.session.gated import GatedExecutor, eventually


@pytest.mark.slow
def test_a_store_of_objects_is_left_found_and_finished(small: Search, bucket: str) -> None:
    gate, store = GatedExecutor(), f"{bucket}/left.zarr"
    with hfscale.Session(gate) as session:
        job = session.cls(small.workspace, small.patchset, store=store, task_points=3)
        gate.let_through(1)
        eventually(lambda: (progress := job.status().progress) is not None and progress.done == 3)
        assert session.attach(store).state() == "running"
    assert job.status().state == "cancelled"
    with hfscale.Session(GatedExecutor(open=True)) as session:
        left = session.attach(store)
        assert (left.state(), left.status().points_ok) == ("left", 3)
        assert left.resume().result().status().finished
        with open_store(store).locked():
            assert left.state() == "finished"
