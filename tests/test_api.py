"""The public functions."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xarray

import hfscale
from hfscale.errors import DigestError, InputError, SelectionError, StoreError, StoreMismatchError
from hfscale.runtime.executors.local import LocalExecutor
from tests.program import Search, small_patchset, small_workspace, write

if TYPE_CHECKING:
    import distributed


@pytest.fixture
def client() -> "Iterator[distributed.Client]":
    """Return a client of a user's own cluster, with workers in this process."""
    import distributed

    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        yield client


def test_cls_is_what_the_command_line_gives(small: Search, small_store: Path) -> None:
    results = hfscale.cls(str(small.workspace), small.patchset, store=small.store, executor="local")
    assert isinstance(results, hfscale.Results)
    assert results.failures() == {}
    assert results.to_list() == hfscale.open_results(small_store).to_list()


def test_cls_is_silent_unless_asked(small: Search, capfd: pytest.CaptureFixture[str]) -> None:
    hfscale.cls(small.workspace, small.patchset, store=small.store, executor="local", points=["s_200_0"])
    assert capfd.readouterr() == ("", "")
    hfscale.cls(small.workspace, small.patchset, store=small.folder / "b", points=["s_200_0"], progress=True)
    assert "1/1 points" in capfd.readouterr().err


def test_cls_takes_documents(small: Search, small_store: Path) -> None:
    workspace = small_workspace()
    patchset = small_patchset(workspace)
    before = json.dumps([workspace, patchset])
    results = hfscale.cls(workspace, patchset, store=small.store, executor="local")
    assert results.to_list() == hfscale.open_results(small_store).to_list()
    assert json.dumps([workspace, patchset]) == before


def test_cls_takes_every_choice_of_the_command_line(small: Search) -> None:
    results = hfscale.cls(
        *(small.workspace, small.patchset),
        **{"store": small.store, "points": ["s_200_*"], "test_poi": 0.5, "task_points": 2, "executor": "local"},
    )
    assert results.status().tasks_total == 2
    assert [point["poi"] for point in results.to_list()] == [0.5] * 3


def test_cls_again_computes_nothing(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hfscale.cls(small.workspace, small.patchset, store=small.store, executor="local")
    monkeypatch.setattr("hfscale.phases.run_tasks", lambda *args, **kwargs: pytest.fail("a task was run again"))
    assert hfscale.cls(small.workspace, small.patchset, store=small.store).to_list() == first.to_list()


def test_an_executor_object_is_used(small: Search) -> None:
    class Counting(LocalExecutor):
        calls = 0

        def submit(self, function: Any, *args: Any) -> Any:
            self.calls += 1
            return super().submit(function, *args)

    executor = Counting()
    hfscale.cls(small.workspace, small.patchset, store=small.store, executor=executor, task_points=3)
    assert executor.calls == 3


@pytest.mark.dask
def test_a_dask_client_is_used_and_stays_open(small: Search, client: "distributed.Client", small_store: Path) -> None:
    results = hfscale.cls(small.workspace, small.patchset, store=small.store, executor=client, task_points=4)
    assert results.to_list() == hfscale.open_results(small_store).to_list()
    assert client.status == "running"
    assert client.submit(sum, [1, 2]).result() == 3


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"test_poi": -1.0}, InputError, "test_poi"),
        ({"test_poi": float("nan")}, InputError, "finite"),
        ({"points": ["x"]}, SelectionError, "no signal point matches"),
        ({"poi": "nu"}, SelectionError, "POI 'nu'"),
        ({"measurement": "none"}, SelectionError, "no measurement 'none'"),
        ({"task_points": 0}, InputError, "0 signal points"),
        ({"workspace": {"channels": []}}, InputError, "is not a workspace"),
    ],
)
def test_mistakes_raise_and_write_nothing(
    small: Search, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    arguments = {"workspace": small.workspace, "patchset": small.patchset, "store": small.store, **changes}
    with pytest.raises(error, match=said):
        hfscale.cls(**arguments)
    assert small.left() == []


def test_an_open_cluster_is_refused_and_metrics_are_written_on_request(small: Search) -> None:
    with pytest.raises(InputError, match="insecure=True"):
        hfscale.cls(
            small.workspace, small.patchset, store=small.store, executor="dask", scheduler="tcp://192.0.2.1:8786"
        )
    assert not small.store.exists()
    metrics = small.folder / "hfscale.prom"
    results = hfscale.cls(small.workspace, small.patchset, store=small.store, executor="local", metrics=metrics)
    assert "hfscale_running" in metrics.read_text()
    assert sum(worker.tasks for worker in results.activity().workers.values()) == len(results.store.plan.tasks)


def test_a_patchset_of_another_workspace_is_refused(small: Search) -> None:
    other = small_workspace()
    other["observations"][0]["data"] = [1.0, 1.0]
    with pytest.raises(DigestError, match="--no-verify-digest"):
        hfscale.cls(other, small.patchset, store=small.store)
    assert small.left() == []


def test_a_place_that_is_no_store_is_left_alone(small: Search, small_store: Path) -> None:
    with pytest.raises(StoreError, match="is not a result store"):
        hfscale.cls(small.workspace, small.patchset, store=small.folder)
    with pytest.raises(StoreMismatchError, match="test_poi"):
        hfscale.cls(small.workspace, small.patchset, store=small_store, test_poi=2.0)


def test_run_does_what_the_campaign_declares(small: Search) -> None:
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(
        "{schema: 1, workspace: BkgOnly.json, patchset: patchset.json, store: r.zarr, run: {executor: local},"
        " contours: [{x: m_heavy, y: m_light, output: c.svg}]}"
    )
    results = hfscale.run(campaign, ["calculation.test_poi=0.5"])
    assert results.path == small.folder / "r.zarr"
    assert results.to_list()[0]["poi"] == 0.5
    assert (small.folder / "c.svg").exists()


def test_the_store_can_be_read_without_this_package(example_store: Path) -> None:
    program = (
        "import sys, xarray; data = xarray.open_zarr(sys.argv[1], chunks=None);"
        "assert 'hfscale' not in sys.modules;"
        "sys.stdout.write(repr([float(x) for x in data['CLs_obs'].sel(mu=1.0).values]))"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(example_store)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    expected = [point["CLs_obs"] for point in hfscale.open_results(example_store).to_list()]
    assert json.loads(ended.stdout) == expected


def test_the_dataset_is_that_of_xarray(example_store: Path) -> None:
    ours = hfscale.open_results(example_store).to_xarray()
    plain = xarray.open_zarr(example_store, chunks=None)
    xarray.testing.assert_identical(ours.load(), plain.load())
    assert ours["CLs_exp"].dims == ("point", "mu", "nsigma")
    assert {"name", "m_gluino", "m_lsp"} <= set(ours.coords)


def test_public_names_are_listed() -> None:
    assert set(hfscale.__all__) <= set(dir(hfscale))
    assert all(getattr(hfscale, name) is not None for name in hfscale.__all__)
    with pytest.raises(AttributeError, match="no attribute 'limits'"):
        _ = hfscale.limits


def test_a_campaign_chooses_the_surfaces_of_its_contours(small: Search) -> None:
    contour = "{x: m_heavy, y: m_light, output: c.svg, interpolation: rbf, forbidden: y > x - 125, log_x: true}"
    campaign = write(
        small.folder / "campaign.yaml",
        f"{{schema: 1, workspace: {small.workspace.name}, patchset: {small.patchset.name}, store: r.zarr,"
        f" run: {{executor: local}}, contours: [{contour}]}}",
    )
    hfscale.run(campaign)
    assert (small.folder / "c.svg").stat().st_size > 5000
    for key, said in (
        ("interpolation: cubic, smoothing: 0.1", "takes no smoothing"),
        ("forbidden: width > 1", "'width' is no function"),
    ):
        wrong = (
            campaign.read_text().replace("interpolation: rbf, forbidden: y > x - 125", key).replace("r.zarr", "n.zarr")
        )
        with pytest.raises(hfscale.HfscaleError, match=said):
            hfscale.run(write(small.folder / "wrong.yaml", wrong))
    assert not (small.folder / "n.zarr").exists()
