"""``contour.html`` in a browser: its numbers are those of the store, and everything on it can be used."""

from pathlib import Path

import numpy as np
import pytest
import xarray
from selenium.webdriver.common.keys import Keys

from hfscale.plot.axes import select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.interactive import Fact, interactive_contour
from hfscale.plot.points import PlanePoints
from tests.browser.page import Page
from tests.program import Search, hfscale

pytestmark = pytest.mark.browser

AXES = ("-x", "m_gluino", "-y", "m_lsp")
HOSTILE = '</script><script>window.bad = 1</script><img src=x onerror="window.bad=2">&amp;\u2028'
BAND = ("\N{MINUS SIGN}2 \u03c3", "\N{MINUS SIGN}1 \u03c3", "", "+1 \u03c3", "+2 \u03c3")


@pytest.fixture(scope="module")
def contour(example_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "contour.html"
    ended = hfscale("contour", example_store, *AXES, "-o", file)
    assert (ended.code, ended.out) == (0, ""), ended
    assert [path.name for path in file.parent.iterdir()] == ["contour.html"]
    return file


def test_a_tooltip_has_the_numbers_of_the_store(page: Page, contour: Path, example_store: Path, tmp_path: Path) -> None:
    page.open(contour)
    data = xarray.open_zarr(example_store)
    for name in ("gluino_2200_600", "gluino_1200_1", "gluino_2600_1600"):
        page.hover(page.point(name))
        assert page.find(".tooltip strong").text == name
        point = data.isel(point=int(np.flatnonzero(data["name"].values == name)[0]), mu=0)
        told = page.tooltip()
        assert (told["m_gluino"], told["m_lsp"]) == (float(point["m_gluino"]), float(point["m_lsp"]))
        assert told["CLs observed"] == float(point["CLs_obs"])
        assert [told[f"CLs expected {sigma}".strip()] for sigma in BAND] == point["CLs_exp"].values.tolist()
        assert (told["best-fit POI"], told["its uncertainty"]) == (float(point["mu_hat"]), float(point["mu_hat_error"]))
        assert told["status"] == "ok"
        shown = page.find('.tooltip td[data-fact="CLs observed"]').text
        assert float(shown) == pytest.approx(float(point["CLs_obs"]), rel=1e-5)
    picture = tmp_path / "contour.png"
    assert page.driver.save_screenshot(str(picture))
    assert picture.stat().st_size > 20_000


def test_the_tooltip_tells_how_fits_ended(page: Page, contour: Path, example_store: Path) -> None:
    page.open(contour)
    data = xarray.open_zarr(example_store)
    at_bound = data["fit_status_free"].values == 2
    free, bound = (str(data["name"].values[np.flatnonzero(found)[0]]) for found in (~at_bound, at_bound))
    page.hover(page.point(bound))
    assert page.tooltip()["fits"] == "all free: at bound; others converged"
    page.hover(page.point(free))
    assert page.tooltip()["fits"] == "converged"


def test_lines_bands_and_points_are_toggled_in_the_legend(page: Page, contour: Path) -> None:
    page.open(contour)
    for layer in ("observed", "expected", "one-sigma", "two-sigma", "excluded"):
        button, drawn = page.button(layer), page.all(f'.plot [data-layer="{layer}"]')
        assert drawn
        assert all(part.is_displayed() for part in drawn)
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        assert not any(part.is_displayed() for part in drawn)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert all(part.is_displayed() for part in drawn)


def test_the_keyboard_moves_from_point_to_point(page: Page, contour: Path) -> None:
    page.open(contour)
    for _ in range(30):
        page.press(Keys.TAB)
        if page.find(".tooltip").is_displayed():
            break
    assert page.find(".tooltip strong").text == "gluino_1200_1"
    page.press(Keys.ARROW_UP)
    assert page.find(".tooltip strong").text == "gluino_1200_200"
    page.press(Keys.ARROW_RIGHT)
    assert page.find(".tooltip strong").text == "gluino_1400_200"
    page.press(Keys.ESCAPE)
    assert not page.find(".tooltip").is_displayed()


def test_nothing_is_asked_of_a_network_and_nothing_goes_wrong(page: Page, contour: Path) -> None:
    page.open(contour)
    page.hover(page.point("gluino_2000_1"))
    assert page.problems() == []
    assert page.requests() == [contour.resolve().as_uri()]


def test_without_javascript_there_is_a_table(page: Page, contour: Path, example_store: Path) -> None:
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.open(contour)
        assert page.find("noscript p").is_displayed()
        page.find("summary").click()
        (row,) = [row for row in page.all("tbody tr") if row.text.startswith("gluino_2200_600 ")]
        assert f"{float(xarray.open_zarr(example_store)['CLs_obs'].sel(mu=1)[0]):.4g}" in page.find("tbody").text
        assert row.is_displayed()
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_toys_are_told_with_their_intervals(page: Page, small: Search) -> None:
    assert small.cls("--calctype", "toybased", "--ntoys", 60).code == 0
    file = small.folder / "toys.html"
    assert hfscale("contour", small.store, "-x", "m_heavy", "-y", "m_light", "-o", file).code == 0
    page.open(file)
    (row,) = hfscale("show", small.store, "--point", "s_400_100", "--json").json()
    page.hover(page.point("s_400_100"))
    told = page.tooltip()
    assert [told[key] for key in ("toys s+b", "toys b", "failed toys")] == [60, 60, 0]
    assert told["CLs observed"] == row["CLs_obs"]
    assert [told[f"CLs observed, 68% {end}"] for end in ("low", "high")] == row["toys"]["CLs_obs_interval"]
    assert page.all('.plot [data-layer="toys"]')


def test_names_and_texts_are_never_code(page: Page, tmp_path: Path) -> None:
    x, y = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).T
    expected = np.outer([0.01, 0.2, 0.3, 0.6], np.ones(5))
    names = tuple(f"{HOSTILE}{k}" for k in range(4))
    points = PlanePoints(names, {"a": x, "b": y}, expected[:, 2], expected, ("ok",) * 4)
    plane = select_plane(points, "a", "b")
    facts = {name: [Fact(HOSTILE, HOSTILE), Fact("number", 0.5)] for name in names}
    drawn = interactive_contour(
        exclusion_contours(plane), plane, facts, title=HOSTILE, x_label=HOSTILE, messages=[HOSTILE]
    )
    drawn.save(tmp_path / "contour.html")
    page.open(tmp_path / "contour.html")
    page.hover(page.point(names[2]))
    assert page.find(".tooltip strong").get_attribute("textContent") == names[2]
    assert page.find(".tooltip td").get_attribute("textContent") == HOSTILE
    assert page.tooltip()["number"] == 0.5
    assert page.driver.title.startswith("</script>")
    assert page.find("figcaption").get_attribute("textContent") == f"{HOSTILE}."
    assert page.driver.execute_script("return window.bad") is None
    assert page.all("main img") == []
    assert page.problems() == []
