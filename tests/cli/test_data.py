"""--data FILE: the same as a workspace with those data in it, and mistakes in the file are found."""

import json
from typing import Any

import pytest

import hfscale as package
from tests.program import Ended, Search, hfscale, make_search, small_workspace, write

NEW = {"observations": [{"name": "SR", "data": [61.0, 17.0]}]}


def compute(search: Search, store: str, document: Any, *options: object) -> Ended:
    file = write(search.folder / f"{store}.json", document)
    given = (search.workspace, search.patchset, "-o", search.folder / store, "--executor", "local", "--data", file)
    return hfscale("cls", *given, "--points", "s_200_0", "--json", *options)


def test_other_observations_give_what_a_workspace_with_them_gives(small: Search) -> None:
    (found,) = compute(small, "data", NEW).json()
    workspace = small_workspace()
    workspace["observations"] = NEW["observations"]
    changed = make_search(small.folder, workspace)
    (expected,) = changed.cls("--points", "s_200_0", "--no-verify-digest", "--json").json()
    assert found == expected
    assert found["mu_hat"] > 0


def test_other_auxiliary_data_move_the_nuisance_parameter(small: Search) -> None:
    compute(small, "plain", NEW)
    compute(small, "moved", {**NEW, "auxdata": {"scale": [1.0]}})
    fitted = [_scale(small, store) for store in ("plain", "moved")]
    assert 0.3 < fitted[1] - fitted[0] < 1.0


def _scale(search: Search, store: str) -> float:
    data = package.open_results(search.folder / store).to_xarray()
    position = list(data["parameter"].values).index("scale")
    return float(data["parameters_background"].values[0, position])


def test_expected_results_come_from_fits_of_these_data(small: Search) -> None:
    (full,) = compute(small, "full", NEW).json()
    (blind,) = compute(small, "blind", NEW, "--expected-only").json()
    assert blind["CLs_exp"] == full["CLs_exp"]
    assert blind["CLs_obs"] is None


def test_a_store_of_other_data_is_refused(small: Search) -> None:
    compute(small, "store", NEW)
    ended = compute(small, "store", {"observations": [{"name": "SR", "data": [60.0, 7.0]}]})
    assert ended.code == 2
    assert "inputs.data" in ended.err


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "holds no data"),
        ([], "holds no data"),
        ({**NEW, "channels": []}, "holds no data"),
        ({"observations": [{"name": "SR"}]}, "without name and data"),
        ({"observations": [*NEW["observations"], *NEW["observations"]]}, "or twice"),
        ({"observations": [{"name": "SR", "data": [1.0, -1.0]}]}, "no list of finite numbers from 0"),
        ({"observations": [{"name": "SR", "data": [1.0, "2"]}]}, "no list of finite numbers"),
        ({"observations": [{"name": "SR", "data": [1.0]}]}, "1 bins for channel 'SR', the models have 2"),
        ({"observations": []}, "lack the channel 'SR'"),
        ({"observations": [*NEW["observations"], {"name": "CR", "data": [1.0]}]}, "no model has, 'CR'"),
        ({**NEW, "auxdata": {"mu": [1.0]}}, "'mu', which is no constrained parameter"),
        ({**NEW, "auxdata": {"scale": [1.0, 2.0]}}, "2 components for parameter 'scale', the models have 1"),
        ("{", "is not JSON"),
    ],
)
def test_mistakes_in_the_file_are_refused(small: Search, document: Any, message: str) -> None:
    ended = compute(small, "store", document)
    assert ended.code == 2
    assert message in ended.err
    assert not (small.folder / "store").exists()


def test_data_and_asimov_data_exclude_each_other(small: Search) -> None:
    ended = compute(small, "store", NEW, "--asimov", "0")
    assert ended.code == 2
    assert "asimov and data exclude each other" in ended.err


def test_python_takes_documents(small: Search) -> None:
    (expected,) = compute(small, "file", NEW).json()
    results = package.cls(
        json.loads(small.workspace.read_text()),
        json.loads(small.patchset.read_text()),
        store=small.folder / "memory",
        points=["s_200_0"],
        data=NEW,
        executor="local",
    )
    assert results.to_list() == [expected]
