"""The verb ``plot``: what is refused before anything is written. Its pictures are tested with their module."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import hfscale

Refused = Callable[..., None]


def test_help_names_all_pictures() -> None:
    names = ("brazil", "profile", "toys", "spent", "pulls", "correlations", "ranking", "groups", "data-mc", "templates")
    ended = hfscale("plot", "--help")
    assert ended.code == 0
    assert all(f"hfscale plot {name} " in ended.out for name in names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("brazil", "--point", "s_400_0"), ("results of kind cls", "hfscale scan")),
        (("profile", "--point", "s_400_0"), ("results of kind cls", "hfscale scan --parameter")),
        (("toys", "--point", "s_400_0"), ("has no toys", "toybased")),
        (("spent", "-x", "m_heavy", "-y", "m_light"), ("has no toys", "toybased")),
    ],
)
def test_stores_of_other_kinds(
    small_store: Path, tmp_path: Path, refused: Refused, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    verb, *options = arguments
    refused(hfscale("plot", verb, small_store, *options, "-o", tmp_path / "a.pdf"), *said)
    assert list(tmp_path.iterdir()) == []


def test_bad_outputs(small_store: Path, tmp_path: Path, refused: Refused) -> None:
    good = ("plot", "toys", small_store, "--point", "s_400_0", "-o", tmp_path / "good.pdf")
    refused(hfscale(*good, "-o", tmp_path / "bad.jpeg"), "'bad.jpeg'", ".pdf")
    refused(hfscale(*good, "-o", tmp_path / "no" / "bad.pdf"), "make the folder first")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_store(tmp_path: Path, refused: Refused) -> None:
    refused(hfscale("plot", "toys", tmp_path / "nothing.zarr", "-o", tmp_path / "a.pdf"), "nothing.zarr")


def test_an_output_is_needed(small_store: Path) -> None:
    ended = hfscale("plot", "toys", small_store)
    assert ended.code == 2
    assert "--output" in ended.err
