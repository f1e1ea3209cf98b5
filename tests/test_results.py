"""Results as data frames, xarray and contours."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from hfscale.errors import SelectionError, StoreError
from hfscale.results import Results, open_results
from hfscale.store.files import done_folder
from tests.program import Search, copy_store, make_search, patchset_of, signal_patch, small_workspace


@pytest.fixture
def results(example_store: Path) -> Results:
    return open_results(example_store)


def test_data_frame_has_the_numbers_of_the_store(results: Results) -> None:
    frame = results.to_dataframe()
    data = results.to_xarray()
    assert list(frame.index) == list(data["name"].values)
    np.testing.assert_array_equal(frame["m_lsp"], data["m_lsp"])
    for column, values in {
        "CLs_obs": data["CLs_obs"][:, 0],
        "CLs_exp_m2": data["CLs_exp"][:, 0, 0],
        "CLs_exp_0": data["CLs_exp"][:, 0, 2],
        "CLs_exp_p2": data["CLs_exp"][:, 0, 4],
        "mu_hat_error": data["mu_hat_error"].squeeze(),
        "twice_nll_free": data["twice_nll_free"].squeeze(),
    }.items():
        np.testing.assert_array_equal(frame[column], values, err_msg=column)
    assert set(frame["status"]) == {"ok"}


def test_data_frame_of_an_unfinished_store_has_no_numbers_where_nothing_ran(small_store: Path, tmp_path: Path) -> None:
    store = copy_store(small_store, tmp_path)
    sorted(done_folder(store).glob("*.json"))[1].unlink()
    frame = open_results(store).to_dataframe()
    pending = frame["status"] == "pending"
    assert list(pending) == [False] * 4 + [True] * 4 + [False]
    assert frame.loc[~pending].notna().all(axis=None)
    assert frame.loc[pending, ["CLs_obs", "CLs_exp_0"]].isna().all(axis=None)
    assert frame["CLs_obs"].dtype == np.float64


def test_labels_of_text_and_of_fractions(tmp_path: Path) -> None:
    workspace = small_workspace()
    values = [["wino", 0.5], ["higgsino", 2.0]]
    patches = [
        {"metadata": {"name": f"point{k}", "values": value}, "patch": signal_patch([4.0 + k, 5.0])}
        for k, value in enumerate(values)
    ]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["kind", "x"]))
    assert search.cls().code == 0
    results = open_results(search.store)
    assert [point["values"] for point in results.to_list()] == [
        {"kind": "wino", "x": 0.5},
        {"kind": "higgsino", "x": 2},
    ]
    assert list(results.to_dataframe()["kind"]) == ["wino", "higgsino"]


def test_contour_is_a_figure_with_lines_labels_and_points(results: Results) -> None:
    figure = results.contour(x="m_gluino", y="m_lsp", select="m_gluino >= 1600", title="Example")
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "Example"
    kinds = {line.get_gid() for line in axes.lines}
    kinds_of_lines = {"observed", "expected"}
    assert kinds_of_lines <= kinds
    chosen = {point["name"] for point in results.to_list() if point["values"]["m_gluino"] >= 1600}
    doubtful = {point["name"] for point in results.to_list() if point["asymptotics_doubts"]} & chosen
    points = [line for line in axes.lines if line.get_gid() not in kinds_of_lines]
    marked = sum(len(line.get_xdata()) for line in points if line.get_marker() == "D")
    assert marked == len(doubtful) > 0
    assert sum(len(line.get_xdata()) for line in points) == len(chosen) + marked


def test_contour_of_an_unknown_label_is_refused(results: Results) -> None:
    with pytest.raises(SelectionError, match="no label 'm_n1'"):
        results.contour(x="m_gluino", y="m_n1")


def test_status_and_failures(results: Results) -> None:
    assert results.failures() == {}
    assert results.status().finished
    assert results.status().points_ok == 88


def test_opening_what_is_no_store(small: Search) -> None:
    with pytest.raises(StoreError, match="is not a result store"):
        open_results(small.folder)
