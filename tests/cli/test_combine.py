"""The verb ``combine``."""

import json
from pathlib import Path

import pytest

from tests.program import Search, hfscale, small_patchset, write

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")


@pytest.fixture
def other(small: Search) -> Path:
    """The small search once more, as another experiment with its own channel and background uncertainty."""
    folder = small.folder / "other"
    folder.mkdir()
    text = small.workspace.read_text().replace('"SR"', '"SR_other"').replace('"scale"', '"scale_other"')
    write(folder / "BkgOnly.json", text)
    write(folder / "patchset.json", small_patchset(json.loads(text)))
    return folder


def test_a_combination_is_a_folder_that_other_verbs_take(small: Search, other: Path) -> None:
    folder = small.folder / "both"
    ended = hfscale("combine", f"{small.workspace},{small.patchset}", other, "-o", folder, "--json")
    assert ended.code == 0, ended
    assert ended.json()["channels"] == ["SR", "SR_other"]
    assert ended.json()["shared_parameters"] == ["mu"]
    assert "9 points, 2 channels" in ended.err
    assert sorted(path.name for path in folder.iterdir()) == ["BkgOnly.json", "patchset.json"]
    assert hfscale("cls", folder, "-o", small.store, "--executor", "local").code == 0
    joint = {row["name"]: row["CLs_exp"][2] for row in hfscale("show", small.store, "--json").json()}
    alone = small._replace(store=small.folder / "alone.zarr")
    assert alone.cls().code == 0
    for row in hfscale("show", alone.store, "--json").json():
        assert joint[row["name"]] < row["CLs_exp"][2]


def test_nothing_is_written_where_something_is_wrong(small: Search, other: Path) -> None:
    pair = f"{small.workspace},{small.patchset}"
    for sources, said in (
        ((pair, pair), "have the channel 'SR'"),
        ((pair,), "at least two"),
        ((pair, "a,b,c"), "not WORKSPACE,PATCHSET"),
        ((pair, small.workspace), "without a patchset"),
        ((pair, small.folder / "no.tar.gz"), "no.tar.gz"),
    ):
        ended = hfscale("combine", *sources, "-o", small.folder / "both")
        assert (ended.code, said in ended.err) == (2, True), ended
    refused = hfscale("combine", pair, other, "-o", other)
    assert (refused.code, "exists already" in refused.err) == (2, True)
    assert small.left() == ["other"]
