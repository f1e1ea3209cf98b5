"""Cross-sections of signal points: a number, JSON or CSV, and errors that name what is wrong."""

from pathlib import Path

import pytest

from hfscale.errors import InputError, SchemaError, SelectionError, SourceError
from hfscale.workspace.cross_sections import read_cross_sections

NAMES = ("a_100", "b_200")


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("number", [2.5, "2.5", "25e-1"])
def test_a_number_is_that_of_all_points(number: float | str) -> None:
    assert read_cross_sections(number, NAMES) == {"a_100": 2.5, "b_200": 2.5}


def test_json_and_mappings_name_the_points(tmp_path: Path) -> None:
    path = written(tmp_path, "xsec.json", '{"b_200": 0.25, "a_100": 3, "other": 1}')
    assert read_cross_sections(path, NAMES) == {"a_100": 3.0, "b_200": 0.25}
    assert read_cross_sections(str(path), NAMES) == read_cross_sections({"a_100": 3, "b_200": 0.25}, NAMES)


@pytest.mark.parametrize("header", ["", "point,cross-section [fb]\n", "\ufeffpoint,fb\n"])
def test_csv_with_and_without_header(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, "xsec.csv", f"{header}a_100, 3\n\nb_200,2.5e-1\n")
    assert read_cross_sections(path, NAMES) == {"a_100": 3.0, "b_200": 0.25}


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("x.json", '{"a_100": 1}', SelectionError, "no cross-section of 1 of 2.*b_200"),
        ("x.json", '{"a_100": 1, "b_200": -2}', SchemaError, "-2.*b_200"),
        ("x.json", '{"a_100": 1, "b_200": true}', SchemaError, "True"),
        ("x.json", '{"a_100": 1, "b_200": "2"}', SchemaError, "'2'"),
        ("x.json", "[1, 2]", SchemaError, "holds no cross-sections"),
        ("x.json", "{", SourceError, "not JSON"),
        ("x.csv", "a_100,1\nb_200,two\n", SchemaError, "line 2"),
        ("x.csv", "a_100,1\nb_200,1,3\n", SchemaError, "line 2"),
        ("x.csv", "a_100,1\nb_200,1\na_100,2\n", SchemaError, "'a_100' twice.*line 3"),
        ("x.csv", "a_100,1\nb_200,nan\n", SchemaError, "nan"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, text: str, error: type[InputError], message: str) -> None:
    with pytest.raises(error, match=message):
        read_cross_sections(written(tmp_path, name, text), NAMES)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        read_cross_sections(tmp_path / "nowhere.json", NAMES)
    with pytest.raises(SchemaError, match="no finite number above 0"):
        read_cross_sections(0.0, NAMES)
