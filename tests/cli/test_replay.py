"""The verb replay: what it tells of a toy, in text and JSON, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hfscale as package
from hfscale.fit.status import FitStatus
from hfscale.inference.toys import fits
from hfscale.store.toys import open_round
from tests.program import Ended, Search, copy_store, hfscale, make_search

POINT = "s_400_100"
TOY = ("--point", POINT, "--hypothesis", "sb", "--toy", 3)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """The small search with toys; not to be changed."""
    made = make_search(tmp_path_factory.mktemp("replay"))
    assert made.cls("--points", "s_400_*", "--calctype", "toybased", "--ntoys", 20).code == 0
    return made


def replay(search: Search, *options: object) -> Ended:
    return hfscale("replay", search.store, *options)


def test_text_tells_address_result_and_trace(search: Search) -> None:
    ended = replay(search, *TOY)
    assert ended.code == 0
    for text in (POINT, "3 of sb, seed 0, testing 1", "the same to the last bit", "conditional: from the", "scale"):
        assert text in ended.out
    assert "never run" in replay(search, *TOY, "--seed", 8).out


def test_json_has_everything(search: Search) -> None:
    toy = replay(search, "--point", POINT, "--hypothesis", "b", "--toy", 3, "--mu", 1, "--json").json()
    assert toy == json.loads(json.dumps(package.replay(search.store, POINT, "b", 3).to_json()))
    assert (toy["name"], toy["hypothesis"], toy["poi"], toy["seed"], toy["toy"]) == (POINT, "b", 1.0, 0, 3)
    assert toy["stored"] == {"status": "ok", "q": toy["q"], "identical": True, "difference": 0.0}
    assert toy["data"]["auxdata"].keys() == {"scale"}
    assert [fit["fit"] for fit in toy["fits"] if fit["outcome"] == "kept"] == ["conditional", "free"]
    assert toy["thrown_with"]["mu"] == 0.0


def test_a_workspace_is_written(search: Search, tmp_path: Path) -> None:
    file = tmp_path / "toy.json"
    assert f"wrote {file}" in replay(search, *TOY, "--workspace", file).err
    assert hfscale("validate", file).code == 0


def test_another_value_in_the_store_is_told(search: Search, tmp_path: Path) -> None:
    changed = search._replace(store=copy_store(search.store, tmp_path))
    position = package.open_results(changed.store).store.names.index(POINT)
    open_round(changed.store, 0)["q"][position, 0, 0, 3] += 1e-3
    ended = replay(changed, *TOY)
    assert ended.code == 0
    assert "-0.001 here" in ended.out


def test_a_failed_fit_is_told(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    best_fits = fits.best_fits

    def failing(*arguments: Any, **options: Any) -> Any:
        return best_fits(*arguments, **options)._replace(status=np.full(2, int(FitStatus.NOT_CONVERGED)))

    monkeypatch.setattr(fits, "best_fits", failing)
    ended = replay(search, *TOY, "--json")
    assert ended.code == 1
    assert "failed: conditional fit: no certified minimum" in ended.err
    assert (ended.json()["status"], ended.json()["q"]) == ("failed", None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--point", "s_400_10", "--hypothesis", "sb", "--toy", 3), "no signal point 's_400_10'"),
        (("--point", POINT, "--hypothesis", "sb", "--toy", -1), "there is no toy -1"),
        ((*TOY, "--mu", 2), "no toys that test the POI value 2"),
        ((*TOY, "--seed", -4), "must not be negative"),
    ],
)
def test_bad_input(search: Search, refused: Callable[..., None], options: tuple[object, ...], said: str) -> None:
    refused(replay(search, *options), said, "remedy")


def test_bad_stores_and_files(
    search: Search, small_store: Path, tmp_path: Path, refused: Callable[..., None]
) -> None:  # fmt: skip
    refused(hfscale("replay", small_store, *TOY), "has no toys", "--calctype toybased")
    refused(hfscale("replay", tmp_path / "none.zarr", *TOY), "does not exist")
    file = tmp_path / "missing" / "toy.json"
    refused(replay(search, *TOY, "--workspace", file), str(file), "cannot be written")
