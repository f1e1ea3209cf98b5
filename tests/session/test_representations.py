"""What objects show of themselves: short in text, tables in notebooks."""

from pathlib import Path
from typing import Any

import pytest
import xarray

import hfscale
from tests.program import Search, make_search, signal_patch, small_patchset, small_workspace


@pytest.fixture
def likelihood() -> hfscale.Likelihood:
    return hfscale.Likelihood.from_workspace(small_workspace(), patch=signal_patch([5.0, 3.0]))


def test_results_show_a_table(small_store: Path) -> None:
    results = hfscale.open_results(small_store)
    assert repr(results) == "<hfscale.Results results.zarr: cls of 9 points, 9 done, 0 failed>"
    html = results._repr_html_()
    data = xarray.open_zarr(small_store)
    assert html.count("<tr>") == 10
    for title in ("m_heavy", "m_light", "CLs_obs"):
        assert f"<th>{title}</th>" in html
    assert f"<td>s_800_150</td><td>800</td><td>150</td><td>ok</td><td>{float(data.CLs_obs[8, 0]):.4g}</td>" in html


def test_long_tables_say_how_much_they_leave_out(small: Search) -> None:
    options: Any = {"points": ["s_[24]00_*"], "executor": "local"}
    store = small.folder / "scan.zarr"
    results = hfscale.scan(small.workspace, small.patchset, store=store, poi_grid="0.5:2:3", **options)
    html = results._repr_html_()
    assert html.count("<tr>") == 13
    assert "and 6 more" in html
    assert "<th>poi</th>" in html


def test_fits_show_their_parameters(small: Search) -> None:
    options: Any = {"points": ["s_400_0"], "executor": "local"}
    results = hfscale.best_fit(small.workspace, small.patchset, store=small.folder / "fit.zarr", **options)
    assert "fit of 1 points" in repr(results)
    assert "<td>scale</td>" in results._repr_html_()


def test_names_and_labels_cannot_be_markup(tmp_path: Path) -> None:
    patchset = small_patchset(small_workspace())
    for patch in patchset["patches"]:
        patch["metadata"]["values"][1] = f"<script>{patch['metadata']['values'][1]}</script>"
    search = make_search(tmp_path, patchset=patchset)
    search.cls("--points", "s_400_0")
    html = hfscale.open_results(search.store)._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_likelihoods_and_fits_are_short(likelihood: hfscale.Likelihood) -> None:
    assert repr(likelihood) == "<hfscale.Likelihood: 2 bins, 2 parameters, POI 'mu'>"
    fit = likelihood.fit()
    assert repr(fit).startswith(f"<hfscale.Fit: {fit.status.name.lower()}, 2 parameters, twice_nll ")
    html = fit._repr_html_()
    assert f"<td>scale</td><td>{fit.parameters[1]:.5g}</td><td>{fit.errors[1]:.3g}</td>" in html


def test_nothing_writes_out_its_documents(small_store: Path) -> None:
    pruned = hfscale.prune(small_workspace())
    assert repr(pruned.report) == "<hfscale.PruningReport: 0 of 1 modifiers left out>"
    for thing in (pruned, hfscale.open_results(small_store).store):
        assert len(repr(thing)) < 250
