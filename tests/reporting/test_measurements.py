"""Reports on fits and rankings: tables with all numbers, pictures, and what is said where there is none."""

import base64
import html
import re
import sys
from pathlib import Path

import pytest

from hfscale.reporting import measurements
from hfscale.reporting.report import report_page
from hfscale.results import Results, open_results
from tests.inference.measurement.models import measurement
from tests.program import hfscale, write


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("reports")
    workspace = write(folder / "workspace.json", measurement())
    assert hfscale("ranking", workspace, "-o", folder / "ranking.zarr", "--executor", "local").code == 0
    return open_results(folder / "ranking.zarr")


@pytest.fixture(scope="module")
def fitted(ranked: Results) -> Results:
    folder = Path(str(ranked.path)).parent
    options = ("--executor", "local", "--fix", "lumi=1")
    assert hfscale("fit", folder / "workspace.json", "-o", folder / "fit.zarr", *options).code == 0
    return open_results(folder / "fit.zarr")


def rows_of(page: str, identity: str) -> list[list[str]]:
    """The numbers, all digits, or texts of the rows of a table."""
    table = page[page.index(f'id="{identity}"') :]
    table = table[: table.index("</table>")]
    rows = re.findall(r"<tr>(<td.*?)</tr>", table)
    cells = [re.findall(r'<td(?: class="\w+")?(?: data-value="([^"]*)")?>(.*?)</td>', row) for row in rows]
    return [[value or html.unescape(text) for value, text in row] for row in cells]


def pictures_of(page: str) -> list[tuple[str, bytes]]:
    found = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]+)">', page)
    return [(text, base64.b64decode(data)) for data, text in found]


def test_a_ranking_has_its_tables_and_pictures(ranked: Results) -> None:
    pytest.importorskip("cabinetry")
    page = report_page(ranked)
    (row,) = ranked.to_list()
    (first, *_), impact = rows_of(page, "impacts"), row["impacts"][0]
    assert first[:4] == ["fit", impact["parameter"], repr(impact["prefit_up"]), repr(impact["prefit_down"])]
    assert len(rows_of(page, "impacts")) == len(row["impacts"])
    assert "MC statistics" in page
    assert "There is no contour" not in page
    names = ["Largest impacts on mu of fit", "Impacts of groups on mu of fit"]
    assert [text for text, _ in pictures_of(page)] == names
    assert all(b"<svg" in picture for _, picture in pictures_of(page))
    assert report_page(ranked) == page


def test_a_fit_has_its_parameters_and_warnings(fitted: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = fitted.to_list()
    monkeypatch.setattr(measurements, "_MOST_ROWS", 4)
    page = report_page(fitted)
    shown = rows_of(page, "fit")
    assert [one[1] for one in shown] == list(row["parameters"])[:4]
    assert "5 more rows of the parameters" in page
    mu = next(one for one in shown if one[1] == "mu")
    assert mu[2:4] == [repr(row["parameters"]["mu"]["value"]), repr(row["parameters"]["mu"]["error"])]
    assert next(one for one in shown if one[1] == "lumi")[-1] == "fixed"


def test_without_cabinetry_only_its_pictures_are_missing(ranked: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cabinetry.fit", None)
    page = report_page(ranked)
    assert "Largest impacts on mu of fit: not drawn, cabinetry is not installed." in page
    assert [text for text, _ in pictures_of(page)] == ["Impacts of groups on mu of fit"]
