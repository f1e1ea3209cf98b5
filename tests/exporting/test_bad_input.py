"""What cannot be exported is refused with one clear error, and nothing is written."""

import builtins
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hfscale.errors import InputError
from hfscale.exporting.tabular import parquet_bytes
from tests.program import Search, hfscale, make_search, patchset_of, signal_patch, small_workspace

BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "binary to stdout": (("--format", "parquet"), "-o"),
    "folder to stdout": (("--format", "hepdata"), "-o"),
    "axes of a table": (("--format", "csv", "-x", "m_heavy"), "has no use for x"),
    "units of a list": (("--format", "harvest", "--unit", "GeV"), "has no use for units"),
    "one axis": (("--format", "hepdata", "-x", "m_heavy", "-o", "out"), "both axes"),
    "unknown label": (("--format", "harvest", "-x", "mg=m_gluino"), "m_gluino"),
    "axis that is a field": (("--format", "harvest", "-x", "CLs=m_heavy"), "for something else"),
    "comparison": (("--format", "harvest", "-x", "a=m_heavy == 200"), "is no axis"),
    "no point": (("--format", "csv", "--select", "m_heavy > 9000"), "no signal point"),
    "POI value": (("--format", "csv", "--poi", "3"), "choose one of 1"),
    "keyword": (("--format", "hepdata", "--keyword", "energy=13", "-o", "out"), "cmenergies"),
    "keyword without value": (("--format", "hepdata", "--keyword", "13", "-o", "out"), "NAME=VALUE"),
    "lost resource": (("--format", "hepdata", "--resource", "none.txt", "-o", "out"), "none.txt"),
    "no folder": (("--format", "csv", "-o", "none/a.csv"), "make the folder first"),
    "not a plane": (("--format", "hepdata", "-x", "m_heavy", "-y", "m_fixed", "-o", "out"), "one line"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_error_and_nothing_written(
    stores: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    arguments, said = BAD[case]
    monkeypatch.chdir(tmp_path)
    ended = hfscale("export", stores["cls"], *arguments)
    assert (ended.code, ended.out, ended.err.count("error:")) == (2, "", 1), ended
    assert said in ended.err
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_kept(stores: Mapping[str, Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("important")
    for kind in ("hepdata", "csv"):
        ended = hfscale("export", stores["cls"], "--format", kind, "-o", tmp_path)
        assert ended.code == 2
        assert "remedy" in ended.err
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_stores_that_do_not_belong_together(stores: Mapping[str, Path], tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["observations"][0]["data"] = [51.0, 8.0]
    patch = {"metadata": {"name": "s_200_0", "values": [1]}, "patch": signal_patch([1.0, 2.0])}
    search: Search = make_search(tmp_path, workspace, patchset_of(workspace, [patch], ["m"]))
    given = (search.workspace, search.patchset, "-o", search.store, "--executor", "local")
    assert hfscale("limit", *given).code == 0
    cases: dict[str, tuple[Any, ...]] = {
        "different workspaces": (stores["cls"], search.store, "--format", "harvest"),
        "both hold results of kind cls": (stores["cls"], stores["blind"], "--format", "harvest"),
        "takes one store": (stores["cls"], stores["limit"], "--format", "csv"),
        "kind profile": (stores["profile"], "--format", "harvest"),
        "nothing.zarr": (tmp_path / "nothing.zarr", "--format", "csv"),
    }
    for said, arguments in cases.items():
        ended = hfscale("export", *arguments)
        assert (ended.code, ended.out) == (2, ""), ended
        assert said in ended.err


def test_parquet_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"hfscale\[parquet\]"):
        parquet_bytes([])
