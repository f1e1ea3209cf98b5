"""``hfscale report``: what is in it without a browser, which stores have one, and bad input."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hfscale as package
from tests.program import Search, hfscale

Refused = Callable[..., None]


class Texts(HTMLParser):
    """Texts of the cells of a page, and whatever it refers to outside."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.addresses: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value is not None]
        if tag in ("td", "th", "pre"):
            self.cells.append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "pre"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def read(file: Path) -> Texts:
    texts = Texts()
    texts.feed(file.read_text(encoding="utf-8"))
    return texts


def after(cells: list[str], name: str) -> str:
    return cells[cells.index(name) + 1]


def test_it_tells_where_results_come_from(small_store: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    ended = hfscale("report", small_store, "-o", file)
    assert (ended.code, ended.out, ended.err) == (0, "", f"wrote {file}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page, results = read(file), package.open_results(str(small_store))
    settings, provenance = results.store.settings, results.store.attributes["provenance"]
    for digest in (settings["inputs"]["workspace"], settings["inputs"]["patchset"]):
        assert any(digest in cell for cell in page.cells)
    assert after(page.cells, "signal points") == "9 of 9 done"
    assert after(page.cells, "interpcode.histosys") == "code4p"
    assert after(page.cells, "jax") == provenance["versions"]["jax"]
    assert after(page.cells, "finished tasks") == "3"
    assert after(page.cells, "runs of drivers and shards") == "1"
    assert any("local" in cell for cell in page.cells)
    assert set(page.addresses) == {"data:,"}


def test_every_kind_has_a_report_finished_or_not(small: Search) -> None:
    file = small.folder / "report.html"
    point = ("--points", "s_400_*", "--executor", "local")
    kinds = {
        "scan": ("--poi-grid", "0:2:3"),
        "limit": (),
        "significance": ("--calctype", "toybased", "--ntoys", 20),
        "profile": ("--parameter", "mu", "--grid", "0:1:3"),
    }
    for kind, options in kinds.items():
        store = small.folder / f"{kind}.zarr"
        verb = "scan" if kind == "profile" else kind
        assert hfscale(verb, small.workspace, small.patchset, "-o", store, *point, *options).code == 0
        assert hfscale("report", store, "-o", file).code == 0
        page = read(file)
        assert "s_400_100" in page.cells
        assert "There is no contour" in file.read_text()
        (command,) = [cell for cell in page.cells if cell.startswith("hfscale ")]
        assert command.splitlines()[0].startswith(f"hfscale {verb} ")
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(f"schema: 1\nworkspace: {small.workspace}\npatchset: {small.patchset}\nstore: {small.store}\n")
    assert hfscale("plan", campaign).code == 0
    assert hfscale("report", small.store, "-o", file).code == 0
    assert after(read(file).cells, "not computed yet") == "9"


def test_the_planes_of_a_campaign_are_drawn(small: Search) -> None:
    plane = "x: m_heavy, y: m_heavy - m_light, select: m_light < 120"
    lines = ["schema: 1", f"workspace: {small.workspace}", f"patchset: {small.patchset}", f"store: {small.store}"]
    lines += [
        "contours:",
        f"- {{{plane}, output: one.html}}",
        "- {x: m_heavy, y: m_light, interpolation: gp, output: two.html}",
    ]
    (small.folder / "campaign.yaml").write_text("\n".join(lines))
    assert hfscale("run", small.folder / "campaign.yaml", "--set", "run.executor=local").code == 0
    assert "</figure>" in (small.folder / "one.html").read_text()
    file = small.folder / "report.html"
    assert hfscale("report", small.store, "-o", file).code == 0
    assert file.read_text().count("</figure>") == 2
    (commands,) = [cell for cell in read(file).cells if cell.startswith("hfscale cls")]
    assert commands.splitlines()[1:] == [
        f"hfscale contour {small.store} -x m_heavy -y 'm_heavy - m_light' --select 'm_light < 120' -o one.html",
        f"hfscale contour {small.store} -x m_heavy -y m_light --interpolation gp -o two-2.html",
    ]


def test_the_contour_can_be_chosen(small_store: Path, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "report.html"
    chosen = ("-x", "m_heavy", "-y", "m_heavy - m_light", "--select", "m_light < 120")
    assert hfscale("report", small_store, "-o", file, *chosen).code == 0
    (commands,) = [cell for cell in read(file).cells if cell.startswith("hfscale cls")]
    assert "-y 'm_heavy - m_light' --select 'm_light < 120' -o contour.pdf" in commands
    before = file.read_bytes()
    refused(hfscale("report", small_store, "-o", file, "-x", "m_heavy"), "both axes", "-y")
    refused(hfscale("report", small_store, "-o", file, "-x", "mass", "-y", "m_light"), "no label 'mass'")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("store", "output", "said"),
    [
        ("missing.zarr", "report.html", "missing.zarr"),
        (None, "report.pdf", ".html"),
        (None, "no/report.html", "folder"),
    ],
)
def test_bad_input_writes_nothing(
    small_store: Path, tmp_path: Path, refused: Refused, store: str | None, output: str, said: str
) -> None:
    given = small_store if store is None else tmp_path / store
    refused(hfscale("report", given, "-o", tmp_path / output), said)
    assert list(tmp_path.iterdir()) == []


def test_the_same_report_from_python(small_store: Path, tmp_path: Path) -> None:
    written = package.report(package.open_results(str(small_store)), tmp_path / "a.html", x="m_heavy", y="m_light")
    package.report(str(small_store), tmp_path / "b.html", x="m_heavy", y="m_light")
    assert written.read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_contour_from_python_is_a_page_and_shows_itself_in_notebooks(small_store: Path, tmp_path: Path) -> None:
    drawn = package.open_results(str(small_store)).interactive_contour("m_heavy", "m_light", title="A < B")
    drawn.save(tmp_path / "contour.html")
    page = (tmp_path / "contour.html").read_text(encoding="utf-8")
    assert page == drawn.to_html()
    assert "<title>A &lt; B</title>" in page
    frame = drawn._repr_html_()
    assert re.fullmatch(r'<iframe srcdoc="[^"<>]*"[^<>]*></iframe>', frame)
