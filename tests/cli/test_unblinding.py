"""--expected-only and --asimov: what was observed makes no difference, and is not shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.program import Ended, Search, hfscale, make_search, small_workspace

VERBS = [("cls",), ("limit",), ("scan", "--poi-grid", "0.5:1:2"), ("significance",)]
OBSERVED = ("CLs_obs", "CLsb", "CLb", "q", "q0", "p0", "Z", "mu_hat", "upper_limit_obs", "upper_limit_status")


def with_observed(folder: Path, observed: list[float]) -> Search:
    folder.mkdir()
    search = make_search(folder)
    workspace = small_workspace()
    workspace["observations"][0]["data"] = observed
    search.workspace.write_text(json.dumps(workspace))
    return search


def compute(search: Search, verb: tuple[str, ...], *options: object) -> Ended:
    given = (search.workspace, search.patchset, "-o", search.store, "--no-verify-digest", "--executor", "local")
    return hfscale(*verb, *given, "--points", "s_200_0", "--json", *options)


@pytest.mark.parametrize("verb", VERBS, ids=[verb[0] for verb in VERBS])
def test_expected_results_do_not_depend_on_what_was_observed(tmp_path: Path, verb: tuple[str, ...]) -> None:
    found = [
        compute(with_observed(tmp_path / name, data), verb, "--expected-only")
        for name, data in (("few", [30.0, 2.0]), ("many", [90.0, 40.0]))
    ]
    assert found[0].code == 0
    assert found[0].json() == found[1].json()
    for point in found[0].json():
        assert point["status"] == "ok"
        assert [point[key] for key in OBSERVED if key in point] == [None] * sum(key in point for key in OBSERVED)
        bands = [key for key in point if key.endswith("_exp")]
        assert bands
        assert all(None not in point[key] for key in bands)


def test_expected_results_are_those_of_asimov_data(small: Search) -> None:
    (blind,) = compute(small, ("cls",), "--expected-only").json()
    (asimov,) = compute(small._replace(store=small.folder / "asimov.zarr"), ("cls",), "--asimov", "0").json()
    assert blind["CLs_exp"] == asimov["CLs_exp"]
    assert asimov["CLs_obs"] == pytest.approx(asimov["CLs_exp"][2], rel=1e-4)


def test_an_injected_signal_is_found(small: Search) -> None:
    (point,) = compute(small, ("significance",), "--asimov", "1").json()
    assert point["mu_hat"] == pytest.approx(1.0, rel=1e-5)
    assert point["Z"] == pytest.approx(point["Z_exp"][2], rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--expected-only", "--asimov", "1"), "expected_only and asimov exclude each other"),
        (("--asimov", "-1"), "asimov is -1.0"),
        (("--asimov", "11"), "the value 11 of the POI 'mu' lies outside its bounds"),
    ],
)
def test_what_cannot_be_is_refused(small: Search, options: tuple[Any, ...], message: str) -> None:
    ended = compute(small, ("cls",), *options)
    assert ended.code == 2
    assert message in ended.err
    assert not small.store.exists()


def test_results_of_real_data_are_not_continued_blindly(small: Search) -> None:
    compute(small, ("cls",))
    ended = compute(small, ("cls",), "--expected-only")
    assert ended.code == 2
    assert "expected_only" in ended.err
