"""``hfscale report`` in a browser."""

from pathlib import Path

import numpy as np
import pytest
import xarray

from tests.browser.page import Page
from tests.inference.measurement.models import measurement
from tests.program import hfscale, make_search, patchset_of, signal_patch, small_workspace, write

pytestmark = pytest.mark.browser

TABLE = "#points"


@pytest.fixture(scope="module")
def report(example_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    assert hfscale("report", example_store, "-o", file).code == 0
    return file


def heading(page: Page, text: str) -> int:
    return [cell.text for cell in page.all(f"{TABLE} th")].index(text)


def test_the_table_sorts_by_numbers_both_ways(page: Page, report: Path, example_store: Path, tmp_path: Path) -> None:
    page.open(report)
    place = heading(page, "CLs observed")
    expected = np.sort(xarray.open_zarr(example_store)["CLs_obs"].values[:, 0]).tolist()
    button = page.all(f"{TABLE} th button")[place]
    button.click()
    assert list(map(float, page.column(TABLE, place))) == expected
    assert page.all(f"{TABLE} th")[place].get_attribute("aria-sort") == "ascending"
    button.click()
    assert list(map(float, page.column(TABLE, place))) == expected[::-1]
    names = page.column(TABLE, 0)
    assert sorted(names) == sorted(xarray.open_zarr(example_store)["name"].values)
    picture = tmp_path / "report.png"
    assert page.driver.save_screenshot(str(picture))
    assert picture.stat().st_size > 20_000


def test_the_table_filters(page: Page, report: Path) -> None:
    page.open(report)
    page.find("input[type=search]").send_keys("GLUINO_2200_ ok")
    names = page.column(TABLE, 0)
    assert len(names) > 3
    assert all(name.startswith("gluino_2200_") for name in names)
    assert page.find(".count").text == f"{len(names)} of 88"
    page.find("input[type=search]").clear()
    page.find("input[type=search]").send_keys("nothing like it")
    assert page.column(TABLE, 0) == []


def test_the_contour_is_there_to_explore(page: Page, report: Path, example_store: Path) -> None:
    page.open(report)
    page.hover(page.point("gluino_2200_600"))
    data = xarray.open_zarr(example_store)
    place = int(np.flatnonzero(data["name"].values == "gluino_2200_600")[0])
    assert page.tooltip()["CLs observed"] == float(data["CLs_obs"][place, 0])
    assert page.problems() == []
    assert page.requests() == [report.resolve().as_uri()]


def test_failed_points_are_listed_with_reasons(page: Page, tmp_path: Path) -> None:
    workspace = small_workspace()
    impossible = {"op": "replace", "path": "/channels/0/samples/0/data/1", "value": -10.0}
    places = ((1, 5), (3, 3), (1, 3), (3, 5))
    patches = [
        {"metadata": {"name": f"good_{a}_{b}", "values": [a, b]}, "patch": signal_patch([4.0 * a, 5.0])}
        for a, b in places
    ]
    bad = {"metadata": {"name": "bad", "values": [2, 1]}, "patch": [impossible, *signal_patch([4.0, 0.0])]}
    search = make_search(tmp_path, workspace, patchset_of(workspace, [*patches, bad], ["mass", "other"]))
    (failed,) = [row for row in search.cls("--json").json() if row["status"] == "failed"]
    file = tmp_path / "report.html"
    assert hfscale("report", search.store, "-o", file).code == 0
    page.open(file)
    (section,) = [part for part in page.all("section") if part.text.startswith("What failed")]
    assert f"bad {failed['reason']}" in section.text
    assert "not finite" in failed["reason"]
    page.hover(page.point("bad"))
    told = page.tooltip()
    assert (told["status"], told["CLs observed"], told["reason"]) == ("failed", "\N{EN DASH}", failed["reason"])
    assert "not finite" in str(told["fits"])


def test_paper_has_the_whole_table_and_no_search(page: Page, report: Path) -> None:
    page.open(report)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not page.find(".filter").is_displayed()
        frame = page.find(".tall")
        assert page.driver.execute_script("return arguments[0].scrollHeight <= arguments[0].clientHeight + 1", frame)
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_what_inputs_say_is_never_code(page: Page, tmp_path: Path) -> None:
    hostile = '</script><script>window.bad = 1</script><img src=x onerror="window.bad=2">'
    workspace = small_workspace()
    workspace["measurements"][0]["name"] = hostile
    patches = [{"metadata": {"name": "only", "values": [1]}, "patch": signal_patch([4.0, 5.0])}]
    patchset = patchset_of(workspace, patches, ["mass"])
    patchset["metadata"]["description"] = hostile
    search = make_search(tmp_path, workspace, patchset)
    assert search.cls().code == 0
    file = tmp_path / "report.html"
    assert hfscale("report", search.store, "-o", file).code == 0
    page.open(file)
    assert page.find("header p").get_attribute("textContent") == hostile
    assert page.find("main").text.count("window.bad = 1") >= 3
    assert page.driver.execute_script("return window.bad") is None
    assert (page.all("main img"), page.problems()) == ([], [])


def test_pictures_of_a_ranking_are_shown(page: Page, tmp_path: Path) -> None:
    pytest.importorskip("cabinetry")
    workspace = write(tmp_path / "workspace.json", measurement())
    assert hfscale("ranking", workspace, "-o", tmp_path / "ranking.zarr", "--executor", "local").code == 0
    file = tmp_path / "report.html"
    assert hfscale("report", tmp_path / "ranking.zarr", "-o", file).code == 0
    page.open(file)
    images = page.all("main img")
    assert len(images) == 2
    for image in images:
        assert int(image.get_property("naturalWidth")) > 100
        assert image.get_attribute("alt")
    assert page.column("#impacts", 1)[0] == "jets"
    assert (page.problems(), page.requests()[0]) == ([], file.resolve().as_uri())
