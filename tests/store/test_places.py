"""Places that a store cannot lie in."""

from pathlib import Path

import pytest

import hfscale as package
from hfscale.errors import StoreError
from tests.program import Search, hfscale

URL = "s3://bucket/results.zarr"


def test_a_url_is_refused_before_anything_is_written(
    small: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    ended = hfscale("cls", small.workspace, small.patchset, "-o", URL)
    assert ended.code == 2
    assert URL in ended.err
    assert "--gather" in ended.err
    with pytest.raises(StoreError, match="is a URL"):
        package.cls(small.workspace, small.patchset, store=Path(URL))
    assert list(folder.iterdir()) == []


def test_a_url_in_a_campaign_file_is_no_path_beside_it(small: Search) -> None:
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(f"schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: {URL}\n")
    ended = hfscale("plan", campaign)
    assert ended.code == 2
    assert f"the store {URL} is a URL" in ended.err


@pytest.mark.parametrize("verb", ["show", "status", "verify"])
def test_reading_a_url_says_so(verb: str) -> None:
    ended = hfscale(verb, URL)
    assert ended.code == 2
    assert "is a URL" in ended.err
