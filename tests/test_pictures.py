"""Pictures of stores: what is there is drawn, what is missing is said, what is wrong is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from hfscale import pictures
from hfscale.errors import SelectionError
from hfscale.results import Results, open_results
from hfscale.store.files import done_folder
from tests.program import Search, copy_store, hfscale, make_search

NTOYS, TASK_TOYS = 60, 20


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    return make_search(tmp_path_factory.mktemp("pictures"))


def computed(search: Search, verb: str, *options: object) -> Results:
    """The results of a verb, all in this process."""
    store = search.folder / f"{verb}.zarr"
    given = (search.workspace, search.patchset, "-o", store, "--executor", "local")
    assert hfscale(verb, *given, *options).code == 0
    return open_results(store)


@pytest.fixture(scope="module")
def scan(search: Search) -> Results:
    points = ("--points", "s_400_*")
    return computed(search, "scan", "--poi-grid", "0:6:13", *points, "--task-points", 1)


@pytest.fixture(scope="module")
def limit(search: Search) -> Results:
    return computed(search, "limit", "--task-points", 1)


@pytest.fixture(scope="module")
def toys(search: Search) -> Results:
    options = ("--calctype", "toybased", "--ntoys", NTOYS, "--task-toys", TASK_TOYS)
    return computed(search, "cls", *options, "--task-points", 1)


@pytest.fixture(scope="module")
def toy_scan(search: Search) -> Results:
    store = search._replace(folder=search.folder / "toys")
    store.folder.mkdir()
    options = ("--calctype", "toybased", "--ntoys", NTOYS, "--points", "s_400_1*")
    return computed(store, "scan", "--poi-grid", "0.5:2:4", *options)


@pytest.fixture(scope="module")
def toy_limit(search: Search) -> Results:
    options = ("--calctype", "toybased", "--ntoys", 200, "--points", "s_[24]00_100", "--level", 0.1)
    store = search._replace(folder=search.folder / "toy_limits")
    store.folder.mkdir()
    return computed(store, "limit", "--poi-grid", "0.5:5:4", *options)


@pytest.fixture(scope="module")
def discovery(search: Search) -> Results:
    return computed(search, "significance", "--calctype", "toybased", "--ntoys", NTOYS, "--points", "s_400_100")


def unfinished(results: Results, folder: Path, pattern: str) -> Results:
    """A copy of a store in which some tasks are not done."""
    store = copy_store(results.path, folder)
    markers = sorted(done_folder(store).glob(pattern))
    assert markers
    for marker in markers:
        marker.unlink()
    return open_results(store)


def line(figure: Figure, gid: str) -> np.ndarray:
    (found,) = (line for line in figure.axes[0].lines if line.get_gid() == gid)
    return np.asarray(found.get_xydata())


def test_a_brazil_band_has_the_numbers_of_the_scan(scan: Results) -> None:
    picture = pictures.brazil(scan, "s_400_100")
    rows = [row for row in scan.to_list() if row["name"] == "s_400_100"]
    np.testing.assert_array_equal(line(picture.figure, "observed"), [(row["poi"], row["CLs_obs"]) for row in rows])
    np.testing.assert_array_equal(line(picture.figure, "expected"), [(row["poi"], row["CLs_exp"][2]) for row in rows])
    assert picture.figure.axes[0].get_title(loc="left") == "s_400_100"
    assert picture.messages == ()


def test_a_curve_that_does_not_reach_the_level_is_said(scan: Results) -> None:
    messages = pictures.brazil(scan, "s_400_100", level=1e-12).messages
    assert [message.split()[1] for message in messages] == ["observed", "expected"]
    assert "does not fall through 1e-12" in messages[0]


@pytest.mark.parametrize(
    ("point", "said"), [(None, "there are 3 signal points"), ("s_400_1*", "matches 2"), ("wino", "no signal point")]
)
def test_one_point_is_chosen(scan: Results, point: str | None, said: str) -> None:
    with pytest.raises(SelectionError, match=said) as caught:
        pictures.brazil(scan, point)
    assert "s_400_1" in str(caught.value.remedy)


def test_a_pattern_of_one_point_will_do(scan: Results) -> None:
    assert pictures.brazil(scan, "*_150").figure.axes[0].get_title(loc="left") == "s_400_150"


def test_a_point_that_is_not_computed_yet_cannot_be_drawn(scan: Results, tmp_path: Path) -> None:
    copy = unfinished(scan, tmp_path, "*.json")
    with pytest.raises(SelectionError, match="nothing to draw"):
        pictures.brazil(copy, "s_400_100")


def test_limits_are_drawn_in_the_order_of_their_label(limit: Results) -> None:
    picture = pictures.limits(limit, "m_heavy", "m_light == 100")
    rows = {row["values"]["m_heavy"]: row for row in limit.to_list() if row["values"]["m_light"] == 100}
    drawn = line(picture.figure, "observed")
    assert list(drawn[:, 0]) == [200.0, 400.0, 800.0]
    for x, y in drawn:
        assert y == rows[x]["upper_limit_obs"]
    assert picture.figure.axes[0].get_ylabel() == r"95% CL upper limit on $\mu$"
    assert "heavy" in picture.figure.axes[0].get_xlabel()


def test_limits_of_an_unfinished_store(limit: Results, tmp_path: Path) -> None:
    missing = limit.store.names.index("s_400_100")
    copy = unfinished(limit, tmp_path, f"*{missing:06d}*.json")
    picture = pictures.limits(copy, "m_heavy", "m_light == 100")
    assert picture.messages == ("of 3 signal points, 1 pending",)
    assert np.isnan(line(picture.figure, "observed")[1, 1])


def test_limits_beyond_the_bound_are_said(tmp_path: Path) -> None:
    search = make_search(tmp_path)
    document = json.loads(search.workspace.read_text())
    document["measurements"][0]["config"]["parameters"] = [{"name": "mu", "bounds": [[0, 2]]}]
    search.workspace.write_text(json.dumps(document))
    picture = pictures.limits(computed(search, "limit", "--points", "s_*_100", "--no-verify-digest"), "m_heavy")
    assert picture.messages == (
        "observed limits of 1 of 3 points lie above the bound of the POI and are not drawn",
        "expected limits of 2 of 3 points lie above the bound of the POI and are not drawn",
    )


def test_limits_of_points_at_the_same_place_are_refused(limit: Results) -> None:
    with pytest.raises(SelectionError, match="are at the same m_heavy = 200") as caught:
        pictures.limits(limit, "m_heavy")
    assert "selection" in str(caught.value.remedy)
    with pytest.raises(SelectionError, match="no signal point of 9 has m_light == 7"):
        pictures.limits(limit, "m_heavy", "m_light == 7")


def test_toys_are_those_of_the_store(toys: Results) -> None:
    picture = pictures.toys(toys, "s_400_100")
    (row,) = (row for row in toys.to_list() if row["name"] == "s_400_100")
    assert set(line(picture.figure, "observed")[:, 0]) == {row["q"]}
    steps = {patch.get_gid(): patch.get_data() for patch in picture.figure.axes[0].patches}
    stored = toys.toys("s_400_100")["q"].squeeze()
    for hypothesis in ("sb", "b"):
        heights, edges, _ = steps[f"toys {hypothesis}"]
        above = float((stored.sel(hypothesis=hypothesis) > 1e-9).mean())
        assert (heights * np.diff(edges)).sum() == pytest.approx(above)
    assert {"asymptotic sb", "asymptotic b"} <= {each.get_gid() for each in picture.figure.axes[0].lines}
    assert picture.messages == ()


def test_toys_at_a_poi_value_that_was_not_tested_are_refused(toys: Results) -> None:
    with pytest.raises(SelectionError, match="no toys at the POI value 2") as caught:
        pictures.toys(toys, "s_400_100", poi=2.0)
    assert str(caught.value.remedy) == "choose one of 1"
    assert pictures.toys(toys, "s_400_100", poi=1.0).messages == ()


def test_a_scan_with_toys_has_error_bars(toy_scan: Results) -> None:
    figure = pictures.brazil(toy_scan, "s_400_100").figure
    rows = [row for row in toy_scan.to_list() if row["name"] == "s_400_100"]
    assert bars(figure) == [(row["poi"], *row["toys"]["CLs_obs_interval"]) for row in rows]


def bars(figure: Figure) -> list[tuple[float, float, float]]:
    """Place and ends of the error bars of the observed results."""
    (found,) = (each for each in figure.axes[0].collections if each.get_gid() == "observed interval")
    return [(segment[0][0], segment[0][1], segment[1][1]) for segment in found.get_segments()]


def test_the_curve_behind_limits_from_toys_is_that_of_a_scan(
    toy_limit: Results, search: Search, tmp_path: Path
) -> None:
    picture = pictures.brazil(toy_limit, "s_400_100")
    options = ("--calctype", "toybased", "--ntoys", 200, "--points", "s_400_100", "--poi-grid", "0.5:5:4")
    scan = computed(search._replace(folder=tmp_path), "scan", *options)
    alone = pictures.brazil(scan, level=0.1)
    for gid in ("observed", "expected"):
        np.testing.assert_array_equal(line(picture.figure, gid), line(alone.figure, gid))
    assert bars(picture.figure) == bars(alone.figure)
    assert len(bars(picture.figure)) == 4
    assert picture.messages == ()


def test_limits_from_toys_are_marked_with_their_intervals(toy_limit: Results) -> None:
    figure = pictures.brazil(toy_limit, "s_400_100").figure
    (row,) = (row for row in toy_limit.to_list() if row["name"] == "s_400_100")
    assert set(line(figure, "observed limit")[:, 0]) == {row["upper_limit_obs"]}
    assert set(line(figure, "expected limit")[:, 0]) == {row["upper_limit_exp"][2]}
    toys = row["toys"]
    for gid, ends in (
        ("observed", toys["upper_limit_obs_interval"]),
        ("expected", toys["upper_limit_exp_interval"][2]),
    ):
        assert line(figure, f"{gid} limit interval").tolist() == [[end, 0.1] for end in ends]
    assert set(line(figure, "level")[:, 1]) == {0.1}
    assert figure.legends[0].get_texts()[0].get_text().startswith(f"Observed (limit {row['upper_limit_obs']:.3g} $^")
    with pytest.raises(SelectionError, match=r"at CLs = 0\.1, not 0\.05"):
        pictures.brazil(toy_limit, "s_400_100", level=0.05)


def test_limits_from_toys_have_error_bars(toy_limit: Results) -> None:
    found = bars(pictures.limits(toy_limit, "m_heavy").figure)
    rows = {row["values"]["m_heavy"]: row["toys"]["upper_limit_obs_interval"] for row in toy_limit.to_list()}
    assert found == [(mass, *rows[mass]) for mass in (200, 400) if None not in rows[mass]]
    assert found


def test_toys_of_a_scan_are_drawn_at_one_value(toy_scan: Results) -> None:
    with pytest.raises(SelectionError, match="has toys at 4 POI values") as caught:
        pictures.toys(toy_scan, "s_400_100")
    assert caught.value.remedy == "choose one of 0.5, 1, 1.5, 2"
    figure = pictures.toys(toy_scan, "s_400_100", poi=1.5).figure
    (row,) = (row for row in toy_scan.to_list() if (row["name"], row["poi"]) == ("s_400_100", 1.5))
    assert set(line(figure, "observed")[:, 0]) == {row["q"]}
    assert any(r"$\mu = 1.5$" in text.get_text() for text in figure.legends[0].get_texts())


def test_toys_of_a_discovery_test_are_of_q0(discovery: Results) -> None:
    figure = pictures.toys(discovery).figure
    (row,) = discovery.to_list()
    assert set(line(figure, "observed")[:, 0]) == {row["q0"]}
    assert figure.axes[0].get_xlabel() == "$q_{0}$"
    assert [text.get_text().split("$")[1] for text in figure.legends[0].get_texts()[:2]] == [r"\mu = 1", r"\mu = 0"]


def test_spent_toys_are_counted(toys: Results) -> None:
    picture = pictures.spent(toys, "m_heavy", "m_light", "m_heavy < 1000")
    (scatter,) = (each for each in picture.figure.axes[0].collections if each.get_gid() == "toys")
    assert list(scatter.get_array()) == [2 * NTOYS] * 9


def test_spent_toys_of_a_scan_are_those_of_all_values(search: Search, tmp_path: Path) -> None:
    options = ("--calctype", "toybased", "--ntoys", 20, "--points", "s_[24]00_*", "--poi-grid", "1:2:2")
    picture = pictures.spent(computed(search._replace(folder=tmp_path), "scan", *options), "m_heavy", "m_light")
    (scatter,) = (each for each in picture.figure.axes[0].collections if each.get_gid() == "toys")
    assert list(scatter.get_array()) == [2 * 2 * 20] * 6
    assert picture.messages == ()


def test_spent_toys_of_an_unfinished_store(toys: Results, tmp_path: Path) -> None:
    copy = unfinished(toys, tmp_path, "toys-*-000004-*")
    picture = pictures.spent(copy, "m_heavy", "m_light")
    assert "of 9 signal points, 1 pending" in picture.messages
    (scatter,) = (each for each in picture.figure.axes[0].collections if each.get_gid() == "toys")
    assert len(scatter.get_array()) == 8
    with pytest.raises(SelectionError, match="no finished toys at POI value 1"):
        pictures.toys(copy, copy.store.names[4])


def test_other_kinds_of_stores_are_refused(scan: Results, limit: Results) -> None:
    with pytest.raises(SelectionError, match="results of kind scan, and upper limits"):
        pictures.limits(scan, "m_heavy")
    with pytest.raises(SelectionError, match="results of kind limit, and curves of CLs"):
        pictures.brazil(limit, "s_400_100")
    with pytest.raises(SelectionError, match="has no toys"):
        pictures.toys(scan, "s_400_100")
    with pytest.raises(SelectionError, match="has no toys"):
        pictures.spent(limit, "m_heavy", "m_light")


def test_the_verb_writes_every_format(scan: Results, limit: Results, toys: Results, tmp_path: Path) -> None:
    files = [tmp_path / f"brazil.{suffix}" for suffix in ("pdf", "png", "svg")]
    outputs = [word for file in files for word in ("-o", file)]
    ended = hfscale("plot", "brazil", scan.path, "--point", "s_400_100", "--log", "--style", "ATLAS", *outputs)
    assert (ended.code, ended.out) == (0, "")
    assert [file.read_bytes()[:4] for file in files] == [b"%PDF", b"\x89PNG", b"<?xm"]
    assert all(f"wrote {file}" in ended.err for file in files)
    for number, arguments in enumerate(
        [
            ("brazil", limit.path, "-x", "m_heavy", "--select", "m_light == 100", "--title", "Limits"),
            ("toys", toys.path, "--point", "s_400_100"),
            ("spent", toys.path, "-x", "m_heavy", "-y", "m_light", "--level", 0.1),
        ]
    ):
        ended = hfscale("plot", *arguments, "-o", tmp_path / f"{number}.svg")
        assert ended.code == 0, ended
        assert (tmp_path / f"{number}.svg").stat().st_size > 5000


def test_equal_pictures_are_equal_files(toys: Results, tmp_path: Path) -> None:
    for suffix in ("svg", "pdf"):
        for name in ("one", "two"):
            out = ("-o", tmp_path / f"{name}.{suffix}")
            assert hfscale("plot", "spent", toys.path, "-x", "m_heavy", "-y", "m_light", *out).code == 0
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_the_verb_draws_curves_and_limits_from_toys(toy_limit: Results, tmp_path: Path) -> None:
    for number, arguments in enumerate([("--point", "s_400_100"), ("-x", "m_heavy")]):
        ended = hfscale("plot", "brazil", toy_limit.path, *arguments, "-o", tmp_path / f"{number}.svg")
        assert ended.code == 0, ended
    ended = hfscale("plot", "brazil", toy_limit.path, "--select", "m_heavy > 300", "-o", tmp_path / "none.svg")
    assert (ended.code, "--select is for upper limits" in ended.err) == (2, True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.svg", "1.svg"]


def test_the_verb_refuses_options_of_another_picture(scan: Results, limit: Results, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "a.pdf")
    for arguments, said in {
        (scan.path, "--point", "s_400_100", "-x", "m_heavy"): "-x is for upper limits",
        (limit.path, "--point", "s_400_100", "-x", "m_heavy"): "--point is for curves",
        (limit.path,): "name it with -x",
    }.items():
        ended = hfscale("plot", "brazil", *arguments, *output)
        assert ended.code == 2
        assert said in ended.err
    assert list(tmp_path.iterdir()) == []
