"""``hfscale cls --signal-uncertainty``: what is stored, shown and refused."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray

import hfscale as package
from hfscale.errors import InputError
from tests.program import Search, hfscale, write

Refused = Callable[..., None]


def test_two_more_observed_cls_for_every_point(small: Search) -> None:
    deltas = {f"s_{heavy}_{light}": 0.05 + heavy / 4000 for heavy in (200, 400, 800) for light in (0, 100, 150)}
    file = write(small.folder / "delta.csv", "".join(f"{name},{delta}\n" for name, delta in deltas.items()))
    ended = small.cls("--signal-uncertainty", file, "--task-points", 4, "--json")
    assert ended.code == 0, ended
    rows = ended.json()
    plain = small._replace(store=small.folder / "plain.zarr")
    for row, before in zip(rows, plain.cls("--json").json(), strict=True):
        assert "CLs_obs_signal" not in before
        assert row["CLs_obs"] == before["CLs_obs"]
        assert row["signal_poi"] == pytest.approx([1 - deltas[row["name"]], 1 + deltas[row["name"]]])
        down, up = row["CLs_obs_signal"]
        assert up < row["CLs_obs"] < down
    one = small._replace(store=small.folder / "one.zarr")
    (other,) = one.cls("--test-poi", rows[3]["signal_poi"][1], "--points", rows[3]["name"], "--json").json()
    assert rows[3]["CLs_obs_signal"][1] == pytest.approx(other["CLs_obs"], rel=1e-4)
    data = xarray.open_zarr(small.store)
    assert data["CLs_obs_signal"].dims == ("point", "mu", "signal_variation")
    assert data["signal_variation"].values.tolist() == [-1.0, 1.0]
    np.testing.assert_array_equal(data["CLs_obs_signal"].values[:, 0], [row["CLs_obs_signal"] for row in rows])
    frame = package.open_results(small.store).to_dataframe()
    assert frame["CLs_obs_signal_p1"].tolist() == [row["CLs_obs_signal"][1] for row in rows]
    assert hfscale("verify", small.store).code == 0
    assert small.cls("--signal-uncertainty", 0.1).code == 2
    assert "nothing to do" in small.cls("--signal-uncertainty", file).err


def test_constants_merge_and_campaigns_have_the_key(small: Search) -> None:
    halves = []
    for glob in ("s_2*", "s_[48]*"):
        half = small._replace(store=small.folder / f"half_{len(halves)}.zarr")
        assert half.cls("--signal-uncertainty", 0.1, "--points", glob).code == 0
        halves.append(half.store)
    assert hfscale("merge", *halves, "-o", small.folder / "all.zarr").code == 0
    pooled = package.open_results(small.folder / "all.zarr").to_list()
    assert [len(row["CLs_obs_signal"]) for row in pooled] == [2] * 9
    write(small.folder / "delta.json", {row["name"]: 0.1 for row in pooled})
    campaign = write(
        small.folder / "campaign.yaml",
        "schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: run.zarr\nrun: {executor: local}\n"
        "calculation: {signal_uncertainty: delta.json}\n",
    )
    by_name = {row["name"]: row["CLs_obs_signal"] for row in hfscale("run", campaign, "--json").json()}
    assert by_name == {row["name"]: pytest.approx(row["CLs_obs_signal"], rel=1e-6) for row in pooled}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--signal-uncertainty", "1.5"), "no number between 0 and 1"),
        (("--signal-uncertainty", "nowhere.json"), "signal uncertainties nowhere.json cannot be read"),
        (("--signal-uncertainty", "0.1", "--calctype", "toybased"), "its tests are asymptotic"),
        (("--signal-uncertainty", "0.1", "--expected-only"), "varies the observed CLs"),
        (("--signal-uncertainty", "0.1", "--test-poi", "9.5"), "10.45 of the POI 'mu' lies outside its bounds"),
    ],
)
def test_what_cannot_be_is_refused(small: Search, refused: Refused, options: tuple[str, ...], said: str) -> None:
    refused(small.cls(*options), said)
    assert small.left() == []


def test_in_python(small: Search) -> None:
    given = {"s_200_0": 0.2}
    results = package.cls(
        small.workspace,
        small.patchset,
        store=small.store,
        points=["s_200_0"],
        signal_uncertainty=given,
        executor="local",
    )
    assert results.to_list()[0]["signal_poi"] == pytest.approx([0.8, 1.2])
    with pytest.raises(InputError, match="no signal uncertainty of 8 of 9"):
        package.cls(small.workspace, small.patchset, store=small.folder / "b.zarr", signal_uncertainty=given)
