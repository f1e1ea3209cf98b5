"""Bad input gets one clear error that names the file, the place in it and the remedy; nothing is written."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import (
    Search,
    copy_store,
    hfscale,
    make_search,
    patchset_of,
    signal_patch,
    small_patchset,
    small_workspace,
    write,
)

Refused = Callable[..., None]


def with_change(document: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of a JSON document with one value replaced."""
    changed = copy.deepcopy(document)
    node = changed
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return changed


SAMPLE = ("channels", 0, "samples", 0)
BAD_WORKSPACES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "not JSON": ('{"channels": [', ("is not JSON", "line 1, column 15", "remedy")),
    "NaN": ('{"channels": [NaN]}', ("is not JSON", "NaN", "line 1, column 15", "remedy")),
    "a number": ("3", ("is not a workspace", "remedy")),
    "a list": ([1, 2], ("is not a workspace: it is a list", "remedy")),
    "a patchset": (small_patchset(small_workspace()), ("is a patchset, not a workspace", "remedy")),
    "a patch": (signal_patch([1.0, 1.0]), ("is a JSON patch, not a workspace", "give it with -p")),
    "no version": (
        {key: value for key, value in small_workspace().items() if key != "version"},
        ("has no version", "remedy"),
    ),
    "text for a number": (
        with_change(small_workspace(), (*SAMPLE, "data", 1), "ten"),
        ("not a valid workspace", "'ten'", "channels[SR]/samples[background]/data[1]", "remedy"),
    ),
    "an unknown modifier": (
        with_change(small_workspace(), (*SAMPLE, "modifiers", 0, "type"), "normsyst"),
        ("modifier of unknown type 'normsyst'", "channels[SR]/samples[background]/modifiers[0]", "remedy"),
    ),
    "a number too large": (
        with_change(small_workspace(), (*SAMPLE, "data", 0), 10**400),
        ("not finite", "channels[SR]/samples[background]/data[0]", "remedy"),
    ),
    "a long observation": (
        with_change(small_workspace(), ("observations", 0, "data"), [1, 2, 3]),
        ("the observation of channel 'SR' has 3 numbers, the channel has 2 bins", "observations[SR]/data", "remedy"),
    ),
    "a channel twice": (
        with_change(small_workspace(), ("channels",), small_workspace()["channels"] * 2),
        ("the name 'SR' occurs twice among the channels", "channels[1]", "remedy"),
    ),
}


@pytest.mark.parametrize("verb", ["cls", "inspect", "validate"])
@pytest.mark.parametrize("case", BAD_WORKSPACES)
def test_bad_workspace(tmp_path: Path, refused: Refused, verb: str, case: str) -> None:
    document, said = BAD_WORKSPACES[case]
    search = make_search(tmp_path, document)
    output = ("-o", search.store) if verb == "cls" else ()
    refused(hfscale(verb, search.workspace, search.patchset, *output, "--no-verify-digest"), search.workspace, *said)
    assert search.left() == []


def bad_patchset(place: tuple[str | int, ...], value: Any) -> Any:
    return with_change(small_patchset(small_workspace()), place, value)


LOST = [{"op": "replace", "path": "/channels/3/samples", "value": []}]
BAD_PATCHSETS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "not JSON": ("{", ("is not JSON", "line 1, column 2", "remedy")),
    "a workspace": (small_workspace(), ("is a workspace, not a patchset", "remedy")),
    "a patch": (signal_patch([1.0, 1.0]), ("is a single JSON patch, not a patchset", "give it with -p")),
    "no name": (bad_patchset(("patches", 2, "metadata"), {"values": [1, 2]}), ("'name'", "patches[2]", "remedy")),
    "a name twice": (
        bad_patchset(("patches", 2, "metadata", "name"), "s_200_0"),
        ("both named 's_200_0'", "patches[2]", "remedy"),
    ),
    "values twice": (
        bad_patchset(("patches", 2, "metadata", "values"), [200, 0]),
        ("'s_200_0' and 's_200_150' have the same values", "m_heavy=200", "patches[2]/metadata/values", "remedy"),
    ),
    "a value too few": (
        bad_patchset(("patches", 2, "metadata", "values"), [200]),
        ("'s_200_150' has 1 values", "patches[2]/metadata/values", "remedy"),
    ),
    "a patch that does not apply": (
        bad_patchset(("patches", 4, "patch"), LOST),
        ("'s_400_100'", "/channels/3/samples", "remedy"),
    ),
    "a patch that breaks the schema": (
        bad_patchset(("patches", 4, "patch"), [{"op": "remove", "path": "/channels/0/samples/0/data"}]),
        ("'s_400_100'", "channels[SR]/samples[background]", "remedy"),
    ),
    "a signal of another length": (
        bad_patchset(("patches", 4, "patch"), signal_patch([1.0, 2.0, 3.0])),
        ("'s_400_100'", "3 numbers", "channels[SR]/samples[signal]/data", "remedy"),
    ),
    "a signal that is not finite": (
        bad_patchset(("patches", 4, "patch"), signal_patch([1.0, 10**400])),
        ("'s_400_100'", "not finite", "channels[SR]/samples[signal]/data[1]", "remedy"),
    ),
}


@pytest.mark.parametrize("verb", ["cls", "validate"])
@pytest.mark.parametrize("case", BAD_PATCHSETS)
def test_bad_patchset(tmp_path: Path, refused: Refused, verb: str, case: str) -> None:
    document, said = BAD_PATCHSETS[case]
    search = make_search(tmp_path, None, document)
    output = ("-o", search.store) if verb == "cls" else ()
    refused(hfscale(verb, search.workspace, search.patchset, *output), search.patchset, *said)
    assert search.left() == []


@pytest.mark.parametrize("verb", ["cls", "validate"])
def test_a_patchset_of_another_workspace_is_refused_unless_told_otherwise(
    tmp_path: Path, refused: Refused, verb: str
) -> None:
    other = with_change(small_workspace(), ("observations", 0, "data"), [60.0, 9.0])
    search = make_search(tmp_path, other)
    arguments = [verb, search.workspace, search.patchset, *(["-o", search.store, "--dry-run"] if verb == "cls" else [])]
    refused(hfscale(*arguments), search.workspace, search.patchset, "metadata/digests/sha256", "--no-verify-digest")
    assert hfscale(*arguments, "--no-verify-digest").code == 0
    assert search.left() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--poi", "nu"), ("POI 'nu'", "measurements[counting]/config/poi", "choose another with --poi", "mu")),
        (("--measurement", "none"), ("no measurement 'none'", "choose one of: counting")),
        (("--points", "x_*"), ("no signal point matches 'x_*'", "remedy")),
        (("--test-poi", "nan"), ("test_poi", "finite", "remedy")),
        (("--test-poi", "inf"), ("test_poi", "finite", "remedy")),
        (("--test-poi", "50"), ("50 of the POI 'mu' lies outside its bounds [0, 10]", "remedy")),
        (("-p", "no.json"), ("both a patchset and patches are given", "remedy")),
    ],
)
def test_bad_choice(small: Search, refused: Refused, options: tuple[str, ...], said: tuple[str, ...]) -> None:
    refused(small.cls(*options), *said)
    assert small.left() == []


@pytest.mark.parametrize(
    "options",
    [
        ("--test-poi", "-1"),
        ("--test-poi", "one"),
        ("--test-stat", "t"),
        ("--executor", "slurm"),
        ("--workers", "0"),
        ("--task-points", "0"),
        ("--no-such-option",),
    ],
)
def test_an_option_that_is_no_option(small: Search, options: tuple[str, ...]) -> None:
    ended = small.cls(*options)
    assert ended.code == 2
    assert ended.out == ""
    assert "Error: " in ended.err
    assert options[0] in ended.err
    assert small.left() == []


def test_a_file_that_is_not_there(tmp_path: Path, refused: Refused) -> None:
    missing = tmp_path / "BkgOnly.json"
    refused(hfscale("cls", missing, "-o", tmp_path / "a.zarr"), f"{missing} does not exist", "remedy")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else(plain_folder: Path, refused: Refused) -> None:
    refused(hfscale("cls", plain_folder, "-o", plain_folder / "a.zarr"), f"{plain_folder} holds no BkgOnly.json")


def test_an_output_that_is_a_folder_of_the_users(small: Search, plain_folder: Path, refused: Refused) -> None:
    refused(small._replace(store=plain_folder).cls(), f"{plain_folder} exists and is not a result store", "remedy")
    assert [path.name for path in plain_folder.iterdir()] == ["chapter1.tex"]


def test_an_output_that_is_a_file(small: Search, refused: Refused) -> None:
    before = small.workspace.read_bytes()
    refused(small._replace(store=small.workspace).cls(), "exists and is not a result store", "remedy")
    assert small.workspace.read_bytes() == before


def test_an_output_in_no_folder(small: Search, refused: Refused) -> None:
    refused(small._replace(store=small.folder / "no" / "a.zarr").cls(), small.folder / "no", "make the folder first")
    assert small.left() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_that_cannot_be_written(small: Search, refused: Refused) -> None:
    locked = small.folder / "locked"
    locked.mkdir(mode=0o500)
    refused(small._replace(store=locked / "a.zarr").cls(), f"{locked} cannot be written", "remedy")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_an_output_on_a_file_system_that_takes_no_files(small: Search, refused: Refused) -> None:
    ended = small._replace(store=Path("/proc/a.zarr")).cls()
    refused(ended, "/proc", "cannot be written", "choose another place")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--test-poi", "2"), ("test_poi: 1.0 in the store, 2.0 asked",)),
        (("--test-stat", "q"), ("test_stat: qtilde in the store, q asked",)),
        (("--points", "s_200_*"), ("points: 9 in the store, 3 asked", "only in the store: s_400_0")),
    ],
)
def test_a_store_of_other_settings(
    small: Search, small_store: Path, refused: Refused, options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    store = copy_store(small_store, small.folder)
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    refused(small._replace(store=store).cls(*options), f"the store {store} holds other results", *said, "remedy")
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_a_store_of_another_workspace(tmp_path: Path, small_store: Path, refused: Refused) -> None:
    other = with_change(small_workspace(), ("observations", 0, "data"), [60.0, 9.0])
    search = make_search(tmp_path, other, small_patchset(other))
    refused(search._replace(store=small_store).cls(), "inputs.workspace:", "inputs.patchset:", "in the store")


def test_a_store_of_a_newer_version(small: Search, small_store: Path, refused: Refused) -> None:
    store = copy_store(small_store, small.folder)
    root = store / "zarr.json"
    root.write_text(root.read_text().replace('"hfscale_format": 1', '"hfscale_format": 99'))
    refused(small._replace(store=store).cls(), "store format 99", "update hfscale")
    refused(hfscale("show", store), "store format 99", "update hfscale")


@pytest.mark.parametrize("verb", ["status", "show", "contour"])
def test_a_store_that_is_none(plain_folder: Path, refused: Refused, verb: str) -> None:
    more = ("-x", "a", "-y", "b", "-o", plain_folder / "c.pdf") if verb == "contour" else ()
    refused(hfscale(verb, plain_folder, *more), f"{plain_folder} is not a result store", "remedy")
    missing = plain_folder / "no.zarr"
    refused(hfscale(verb, missing, *more), f"{missing} does not exist", "remedy")


def test_a_poi_that_is_fixed(tmp_path: Path, refused: Refused) -> None:
    workspace = small_workspace()
    parameters = [{"name": "mu", "fixed": True, "inits": [1.0]}]
    workspace["measurements"][0]["config"]["parameters"] = parameters
    search = make_search(tmp_path, workspace, small_patchset(workspace))
    refused(search.cls(), "the POI 'mu' is fixed", "remedy")


def test_all_problems_of_a_patchset_are_listed_by_validate(tmp_path: Path) -> None:
    workspace = small_workspace()
    patches = [
        {"metadata": {"name": "right", "values": [1]}, "patch": signal_patch([1.0, 2.0])},
        {"metadata": {"name": "lost", "values": [2]}, "patch": LOST},
        {"metadata": {"name": "long", "values": [3]}, "patch": signal_patch([1.0, 2.0, 3.0])},
    ]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["mass"]))
    text = hfscale("validate", search.workspace, search.patchset)
    assert (text.code, text.out, text.err.count("error: ")) == (2, "", 2)
    found = hfscale("validate", search.workspace, search.patchset, "--json")
    assert found.code == 2
    assert (found.json()["valid"], found.json()["points"]) == (False, 3)
    assert [problem["kind"] for problem in found.json()["problems"]] == ["patch", "model"]
    assert all(problem["remedy"] for problem in found.json()["problems"])


def test_a_patch_file_of_another_kind(small: Search, refused: Refused) -> None:
    patch = write(small.folder / "patch.json", {"not": "a patch"})
    ended = hfscale("cls", small.workspace, "-p", patch, "-o", small.store)
    refused(ended, f"{patch} is not a JSON patch", "remedy")
    refused(hfscale("cls", small.workspace, "-p", small.patchset, "-o", small.store), "without -p")
    assert not small.store.exists()
