import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from hfscale.errors import InputError, SelectionError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import Region, contours_to_csv, exclusion_contours
from hfscale.plot.points import PlanePoints
from hfscale.plot.quantities import UPPER_LIMITS
from hfscale.plot.significance import significance_of_level

Z95 = significance_of_level(0.05)


@pytest.fixture
def tilted(make_points, square) -> Plane:
    """Z = 1.645 + (500 - x) / 300 - (y - 50) / 100 between -0.5 and 3.2: contours are straight lines."""
    Z = Z95 + (500 - square["m_x"]) / 300 - (square["m_y"] - 50) / 100
    return select_plane(make_points(square, Z), "m_x", "m_y")


def contains(region: Region, x: float, y: float) -> bool:
    from matplotlib.path import Path as Outline

    winding = 0
    starts = np.flatnonzero(region.codes == 1)
    for start, stop in zip(starts, [*starts[1:], len(region.codes)], strict=True):
        vertices = region.vertices[start:stop]
        area = (vertices[:-1, 0] * vertices[1:, 1] - vertices[1:, 0] * vertices[:-1, 1]).sum()
        winding += int(np.sign(area)) * bool(Outline(vertices).contains_point((x, y)))
    return winding != 0


def test_linear_significance_gives_a_straight_line(tilted) -> None:
    contours = exclusion_contours(tilted, interpolation="linear")
    (line,) = contours.observed
    np.testing.assert_allclose((500 - line[:, 0]) / 300 - (line[:, 1] - 50) / 100, 0.0, atol=1e-6)
    ends = sorted([tuple(line[0]), tuple(line[-1])])
    np.testing.assert_allclose(ends, [(350, 100), (650, 0)], atol=1e-3)
    assert contours.messages == ()


def test_expected_lines_are_shifted_by_their_standard_deviations(tilted) -> None:
    contours = exclusion_contours(tilted, interpolation="linear")
    for n, lines in zip((-1, 0, 1), contours.expected[1:4], strict=True):
        for line in lines:
            np.testing.assert_allclose((500 - line[:, 0]) / 300 - (line[:, 1] - 50) / 100, n, atol=1e-6)
    assert [len(lines) for lines in contours.expected[1:4]] == [1, 1, 1]


def test_band_lies_between_its_contours_and_stays_open(tilted) -> None:
    one, two = exclusion_contours(tilted).bands
    for x, y, sigmas in [(500, 50, 0.0), (401, 5, 0.78), (699, 50, -0.66), (230, 20, 1.2), (790, 70, -1.17)]:
        assert contains(one, x, y) == (abs(sigmas) < 1)
        assert contains(two, x, y)


def test_ring_of_exclusion_gives_closed_lines_and_a_band_with_a_hole(make_points) -> None:
    x, y = (values.ravel() for values in np.meshgrid(np.linspace(-3, 3, 41), np.linspace(-3, 3, 41)))
    Z = Z95 + 2 - np.hypot(x, y) * 2
    contours = exclusion_contours(select_plane(make_points({"a": x, "b": y}, Z), "a", "b"))
    (line,) = contours.observed
    np.testing.assert_array_equal(line[0], line[-1])
    np.testing.assert_allclose(np.hypot(*line.T), 1.0, atol=0.02)
    band = contours.bands[0]
    assert [contains(band, radius, 0.0) for radius in (0.2, 0.8, 1.2, 1.7)] == [False, True, True, False]


def test_another_level_moves_the_line(tilted) -> None:
    (line,) = exclusion_contours(tilted, level=0.10, interpolation="linear").observed
    shift = significance_of_level(0.10) - Z95
    np.testing.assert_allclose((500 - line[:, 0]) / 300 - (line[:, 1] - 50) / 100, shift, atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, float("nan")])
def test_level_must_be_a_probability(tilted, level: float) -> None:
    with pytest.raises(SelectionError, match="not between 0 and 1"):
        exclusion_contours(tilted, level=level)


def test_lines_end_at_the_hull_of_the_points(make_points) -> None:
    x, y = (values.ravel() for values in np.meshgrid(np.arange(9.0), np.arange(9.0)))
    below = y <= x  # the plane of a pair of masses: a triangle
    labels = {"a": x[below], "b": y[below]}
    plane = select_plane(make_points(labels, Z95 + 4.0 - x[below]), "a", "b")
    (line,) = exclusion_contours(plane, interpolation="linear").observed
    np.testing.assert_allclose(line[:, 0], 4.0, atol=1e-6)
    assert line[:, 1].max() == pytest.approx(4.0, abs=1e-6)
    assert line[:, 1].min() == pytest.approx(0.0, abs=1e-6)


def test_nothing_excluded_says_so(make_points, square) -> None:
    contours = exclusion_contours(select_plane(make_points(square, -1.0), "m_x", "m_y"))
    assert contours.observed == ()
    assert contours.messages == (
        "there is no observed contour: none of 42 points is excluded at CLs < 0.05",
        "there is no expected contour: none of 42 points is excluded at CLs < 0.05",
    )
    assert len(contours.bands[0].vertices) == 0


def test_all_excluded_says_so(make_points, square) -> None:
    contours = exclusion_contours(select_plane(make_points(square, 4.5), "m_x", "m_y"))
    assert contours.expected[2] == ()
    assert contours.messages[0] == "there is no observed contour: all 42 points are excluded at CLs < 0.05"


def test_without_data_there_is_an_expected_contour_only(make_points, square, tilted) -> None:
    points = make_points(square, tilted.Z_obs)
    points = dataclasses.replace(points, observed=np.full(42, np.nan))
    contours = exclusion_contours(select_plane(points, "m_x", "m_y"))
    assert contours.Z_obs is None
    assert contours.observed == ()
    assert len(contours.expected[2]) == 1
    assert contours.messages == ("there is no observed contour: no point has observed results",)


def test_toys_add_lines_at_the_ends_of_their_intervals(make_points, square, tilted, tmp_path: Path) -> None:
    """Intervals of half a standard deviation to either side move the contour by as much."""
    points = make_points(square, tilted.Z_obs)
    interval = ndtr(-(tilted.Z_obs[:, None] + np.array([0.5, -0.5])))
    interval[0] = np.nan  # far inside
    plane = select_plane(dataclasses.replace(points, interval=interval), "m_x", "m_y")
    contours = exclusion_contours(plane, interpolation="linear")
    for lines, shift in zip(contours.uncertainty, (0.5, -0.5), strict=True):
        (line,) = lines
        np.testing.assert_allclose((500 - line[:, 0]) / 300 - (line[:, 1] - 50) / 100, -shift, atol=1e-6)
    contours_to_csv(contours, tmp_path / "lines.csv")
    names = {row["line"] for row in csv.DictReader((tmp_path / "lines.csv").read_text().splitlines())}
    assert {"observed_toys_low", "observed_toys_high"} <= names
    assert exclusion_contours(tilted).uncertainty == ((), ())


def limits_plane(make_points, square, **more: object) -> Plane:
    """Upper limits exp((x - 500) / 300) above and below 1, expected ones wider or narrower by factors."""
    limits = np.exp((square["m_x"] - 500) / 300)
    expected = limits[:, None] * np.array([0.5, 0.7, 1.0, 1.4, 2.0])
    points = make_points(square, 0.0)
    points = dataclasses.replace(points, observed=limits, expected=expected, quantity=UPPER_LIMITS, level=0.1, **more)
    return select_plane(points, "m_x", "m_y")


def test_of_limits_the_contour_is_where_they_are_one(make_points, square) -> None:
    contours = exclusion_contours(limits_plane(make_points, square), interpolation="linear")
    (line,) = contours.observed
    np.testing.assert_allclose(line[:, 0], 500.0, atol=1e-6)
    (weak,) = contours.expected[3]
    np.testing.assert_allclose(weak[:, 0], 500.0 - 300.0 * np.log(1.4), atol=1e-6)
    assert contours.level == 0.1
    with pytest.raises(SelectionError, match=r"limits are at CLs = 0\.1, not 0\.05"):
        exclusion_contours(limits_plane(make_points, square), level=0.05)


def test_points_without_signal_have_no_limit_and_are_not_excluded(make_points, square) -> None:
    status = tuple("no_signal" if x > 700 else "ok" for x in square["m_x"])
    plane = limits_plane(make_points, square, status=status)
    assert plane.done.all()
    (line,) = exclusion_contours(plane, interpolation="linear").observed
    np.testing.assert_allclose(line[:, 0], 500.0, atol=1e-6)


def test_limits_that_exclude_nothing_say_so(make_points, square) -> None:
    points = limits_plane(make_points, {**square, "m_x": square["m_x"] + 1000.0})
    assert exclusion_contours(points).messages[0] == (
        "there is no observed contour: none of 42 points is excluded by an upper limit below 1"
    )


def test_failed_point_is_bridged(make_points, square, tilted) -> None:
    points = make_points(square, tilted.Z_obs, status={17: "failed"})
    points.observed[17] = np.nan
    points.expected[17] = np.nan
    (line,) = exclusion_contours(select_plane(points, "m_x", "m_y"), interpolation="linear").observed
    np.testing.assert_allclose((500 - line[:, 0]) / 300 - (line[:, 1] - 50) / 100, 0.0, atol=1e-6)


def test_csv_reads_back_exactly(tilted, tmp_path: Path) -> None:
    contours = exclusion_contours(tilted)
    contours_to_csv(contours, tmp_path / "lines.csv")
    with (tmp_path / "lines.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["line", "segment", "x", "y"]
    names = list(dict.fromkeys(row["line"] for row in rows))
    assert names[:4] == ["observed", "expected", "expected_-1sigma", "expected_+1sigma"]
    observed = [(float(row["x"]), float(row["y"])) for row in rows if row["line"] == "observed"]
    np.testing.assert_array_equal(observed, contours.observed[0])
    assert {row["segment"] for row in rows} == {"0"}


def test_csv_that_cannot_be_written_names_the_file(tilted, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*nowhere"):
        contours_to_csv(exclusion_contours(tilted), tmp_path / "nowhere" / "lines.csv")


@pytest.fixture
def wh_plane(shared_data: Path) -> Plane:
    table = json.loads((shared_data / "1Lbb-full-cls.json").read_text())
    values = np.array([entry["values"] for entry in table.values()], dtype=np.float64)
    points = PlanePoints(
        names=tuple(table),
        labels={"m1": values[:, 0], "m2": values[:, 1]},
        observed=np.array([entry["CLs_obs"] for entry in table.values()]),
        expected=np.array([entry["CLs_exp"] for entry in table.values()]),
        status=("ok",) * len(table),
    )
    return select_plane(points, "m1", "m2")


@pytest.mark.data
@pytest.mark.parametrize("interpolation", ["linear", "rbf"])
def test_published_plane(wh_plane: Plane, interpolation) -> None:
    contours = exclusion_contours(wh_plane, interpolation=interpolation)
    line = contours.observed[0]

    # At m2 = 0 the limit is between the last excluded and the first allowed point (700 and 800 GeV).
    ends = line[[0, -1]]
    foot = ends[ends[:, 1].argmin()]
    assert foot[1] == pytest.approx(0.0, abs=1e-6)
    assert foot[0] == pytest.approx(740.0, abs=12.0)
    # Along m1 = 600 it crosses between m2 = 250 (CLs 0.032) and 300 (CLs 0.216).
    above = line[np.abs(line[:, 0] - 600) < 2]
    assert 255 < above[:, 1].max() < 265
    # No contour leaves the range of the points, and the observed one lies inside the expected one.
    assert line[:, 0].min() > 150
    assert contours.expected[2][0][:, 0].max() > line[:, 0].max()
    assert contours.messages == ()


@pytest.mark.data
def test_published_plane_is_on_the_right_side_of_every_point(wh_plane: Plane) -> None:
    contours = exclusion_contours(wh_plane, interpolation="linear", size=400)
    assert contours.Z_obs is not None
    columns = np.abs(contours.grid.x[:, None] - wh_plane.x).argmin(axis=0)
    rows = np.abs(contours.grid.y[:, None] - wh_plane.y).argmin(axis=0)
    clear = np.abs(wh_plane.Z_obs - Z95) > 0.2
    found = contours.Z_obs[rows, columns] > Z95
    np.testing.assert_array_equal(found[clear], (wh_plane.Z_obs > Z95)[clear])
