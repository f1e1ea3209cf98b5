"""The commands that a report prints ask for just the inputs and settings of its store: they continue it."""

import io
import json
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

import hfscale.api
from hfscale.driver import Preparation, create, prepare
from hfscale.merging import merge
from hfscale.plan.contours import Contour
from hfscale.plan.settings import check_calculation
from hfscale.reporting.reproduce import Reproduction, reproduction
from hfscale.store import files
from hfscale.store.open import open_store
from hfscale.workspace import load_inputs
from tests.program import Search, make_search, signal_patch, small_patchset, small_workspace, write
from tests.program import hfscale as run_hfscale

TOYS = {"calctype": "toybased"}


class _PreparedError(Exception):
    """Ends a call in Python before anything is computed."""


def planned(search: Search, calculation: Mapping[str, Any], **chosen: Any) -> Reproduction:
    """Plan a store without computing anything, and tell how to make it again."""
    inputs = load_inputs(chosen.pop("workspace", search.workspace), **{"patchset": search.patchset, **chosen})
    create(prepare(inputs, check_calculation(calculation), search.store))
    return reproduction(open_store(search.store))


def continues(command: str) -> bool:
    """Whether a command would continue the store that it names, not make one, nor be refused."""
    program, *words = shlex.split(command)
    assert program == "hfscale"
    ended = run_hfscale(*words, "--dry-run", "--json")
    assert ended.code == 0, ended
    return bool(ended.json()["continues"])


def python_continues(text: str, monkeypatch: pytest.MonkeyPatch, **names: Any) -> bool:
    """The same for a call in Python."""

    def stop(preparation: Preparation, **how: Any) -> NoReturn:
        raise _PreparedError(preparation)

    monkeypatch.setattr(hfscale.api, "execute", stop)
    with pytest.raises(_PreparedError) as prepared:
        exec(text, dict(names))
    return bool(prepared.value.args[0].continues)


@pytest.mark.parametrize(
    "calculation",
    [
        {"kind": "cls"},
        {"kind": "cls", "test_poi": 0.3, "interpcode": {"normsys": "code1", "histosys": "code0"}},
        {"kind": "cls", "signal_uncertainty": 0.125},
        {
            "kind": "fit",
            "fix": {"scale": 0.5},
            "bounds": {"mu": (-1.0, 7.5)},
            "init": {"mu": 0.25},
            "minos": ["mu", "scale"],
        },
        {"kind": "ranking", "groups": {"all of it": ["s*", "scale"]}},
        {"kind": "cls", "asimov": 0.25},
        {"kind": "cls", **TOYS, "ntoys": 70, "seed": 3, "first_toy": 10, "ensemble": "aux-observed"},
        {"kind": "cls", **TOYS, "adaptive": True, "nsigma": 2.5, "min_toys": 40, "budget": "2m", "level": 0.1},
        {"kind": "limit", "level": 0.1, "rtol": 1e-5, "luminosity": 140.0, "cross_section": 2.5},
        {"kind": "limit", **TOYS, "poi_grid": "0.5:2:4,3", "toy_nuisance": "prefit"},
        {"kind": "scan", "poi_grid": "0:2:5"},
        {"kind": "significance", "expected_only": True},
        {"kind": "significance", **TOYS, "ntoys": 30},
        {"kind": "profile", "parameters": ["mu", "scale"], "grids": ["0:1:3", "-1:1:5"]},
        {"kind": "profile", "parameters": ["mu"], "adaptive_grid": True, "grid_tolerance": 0.02},
    ],
)
def test_settings_are_all_told(
    small: Search, calculation: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    how = planned(small, calculation)
    (command,) = how.commands
    assert continues(command)
    assert python_continues(how.python, monkeypatch)


@pytest.mark.parametrize(
    "chosen",
    [
        {"points": ["s_2*", "s_400_0"]},
        {"data": {"observations": [{"name": "SR", "data": [61.0, 17.0]}], "auxdata": {"scale": [0.5]}}},
    ],
)
def test_choices_among_the_inputs_are_told(
    small: Search, chosen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    how = planned(small, {"kind": "cls"}, **chosen)
    for name, text in how.files.items():
        (small.folder / name).write_text(text)
    monkeypatch.chdir(small.folder)
    assert continues(how.commands[0])
    assert python_continues(how.python, monkeypatch)
    if "points" in chosen:
        assert how.commands[0].count("--points") == 2


def test_another_measurement_poi_and_digest_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = small_workspace()
    workspace["measurements"].append({"name": "another one", "config": {"poi": "scale", "parameters": []}})
    search = make_search(tmp_path, workspace, small_patchset(small_workspace()))
    how = planned(search, {"kind": "cls"}, measurement="another one", poi="mu", verify_digest=False)
    assert continues(how.commands[0])
    assert python_continues(how.python, monkeypatch)


def test_patches_and_archives_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(tmp_path)
    for name in ("patch.one.json", "patch.two.json"):
        patch = signal_patch([4.0, len(name)])
        patch[0]["value"]["name"] = name
        write(tmp_path / name, patch)
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archive:
        for name in ("BkgOnly.json", "patch.one.json", "patch.two.json"):
            data = (tmp_path / name).read_bytes()
            entry = tarfile.TarInfo(f"Region A/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    inputs: list[dict[str, Any]] = [
        {"workspace": tmp_path / "all.tar.gz", "patchset": None},
        {
            "patchset": None,
            "patches": [f"{tmp_path}/patch.one.json,{tmp_path}/patch.two.json", str(tmp_path / "patch.one.json")],
        },
    ]
    for k, chosen in enumerate(inputs):
        how = planned(search._replace(store=tmp_path / f"{k}.zarr"), {"kind": "cls"}, **chosen)
        assert continues(how.commands[0])
        assert python_continues(how.python, monkeypatch)


def test_what_a_command_cannot_say_is_said_in_python(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(small.patchset.read_text())
    names = [patch["metadata"]["name"] for patch in document["patches"]]
    how = planned(small, {"kind": "limit", "cross_section": {name: 1.0 + k for k, name in enumerate(names)}})
    assert how.commands == ()
    assert python_continues(how.python, monkeypatch)


def test_documents_in_memory_have_no_command(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = {"workspace": small_workspace(), "patchset": small_patchset(small_workspace())}
    how = planned(small, {"kind": "cls"}, **documents)
    assert how.commands == ()
    assert "the store has a copy" in " ".join(how.remarks)
    assert python_continues(how.python, monkeypatch, **documents)


def test_toys_that_were_added_are_told(small: Search) -> None:
    chosen = ("--calctype", "toybased", "--ntoys", 20, "--points", "s_400_*")
    assert small.cls(*chosen).code == 0
    assert run_hfscale("toys", small.store, "--more", 15, "--executor", "local").code == 0
    contour = Contour(x="m_heavy", y="m_light - 1", select="m_light > 0", interpolation="cubic", output="contour.pdf")
    commands = reproduction(open_store(small.store), [contour]).commands
    other = small.folder / "again.zarr"
    for command in commands[:2]:
        again = [word.replace(str(small.store), str(other)) for word in shlex.split(command)[1:]]
        assert run_hfscale(*again, "--executor", "local").code == 0
    assert [toys.count for toys in open_store(other).rounds] == [20, 15]
    assert open_store(other).settings == open_store(small.store).settings
    axes = ["-x", "m_heavy", "-y", "m_light - 1", "--select", "m_light > 0"]
    assert shlex.split(commands[2])[3:] == [*axes, "--interpolation", "cubic", "-o", "contour.pdf"]


def test_merged_stores_name_what_they_were_merged_from(small: Search) -> None:
    parts = [small._replace(store=small.folder / f"{heavy}.zarr") for heavy in (200, 400)]
    for part in parts:
        assert part.cls("--points", f"s_{part.store.stem}_*").code == 0
    merge([part.store.as_posix() for part in parts], str(small.store))
    (command,) = reproduction(open_store(small.store)).commands
    assert shlex.split(command) == ["hfscale", "merge", *(str(part.store) for part in parts), "-o", str(small.store)]


def test_stores_that_do_not_tell_how_points_were_chosen_name_them(small: Search) -> None:
    how = planned(small, {"kind": "cls"}, points=["s_200_*"])
    store = open_store(small.store)
    document = {**store.inputs(), "patterns": None}
    files.write_compressed_json(files.inputs_file(store.path), document)
    named = reproduction(open_store(small.store))
    assert named.commands != how.commands
    assert named.commands[0].count("--points") == 3
    assert continues(named.commands[0])
