"""The best expected of several searches, point by point."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from hfscale.errors import SelectionError
from hfscale.plot.best_expected import best_expected
from hfscale.plot.points import PlanePoints
from hfscale.plot.quantities import UPPER_LIMITS
from tests.plot.searches import X, falling, points_at, searched, with_signal


def test_expected_results_choose_and_observed_ones_follow() -> None:
    strong, weak = falling(600.0), falling(500.0)
    left, right = np.where(X < 450, strong, weak), np.where(X < 450, weak, strong)
    # Fluctuations of the data, which must not matter to the choice.
    observed = 3.0 - np.arange(len(X)) % 4
    searches = {
        "A": replace(points_at(left, prefix="a"), observed=ndtr(-observed)),
        "B": points_at(right, prefix="b"),
    }
    found = best_expected(searches)
    assert found.counts == {"A": int((X < 450).sum()), "B": int((X > 450).sum())}
    by_name = dict(zip(found.points.names, found.points.observed, strict=True))
    for k, x in enumerate(X):
        name, expected = (f"a_{k}", observed[k]) if x < 450 else (f"b_{k}", strong[k])
        assert by_name[name] == pytest.approx(ndtr(-expected))
    np.testing.assert_allclose(np.sort(found.points.expected[:, 2]), np.sort(ndtr(-(strong + 0.5))))
    contours = searched(replace(found.points, observed=found.points.expected[:, 2]))[1]
    (both,), (alone,) = contours.expected[2], searched(points_at(strong))[1].expected[2]
    assert both[:, 0].max() == pytest.approx(alone[:, 0].max(), rel=1e-3)


def only(points: PlanePoints, *names: str) -> PlanePoints:
    return points.take(np.isin(points.names, names))


def test_a_point_without_result_never_hides_another() -> None:
    good, bad = points_at(0.5), points_at(2.0)
    status = ["ok"] * len(X)
    status[3], status[4] = "failed", "pending"
    failed = bad.expected.copy()
    failed[3:5] = np.nan
    found = best_expected({"bad": replace(bad, status=tuple(status), expected=failed), "good": good})
    assert found.counts == {"bad": len(X) - 2, "good": 2}
    assert set(found.points.status) == {"ok"}
    rest = best_expected({"bad": only(bad, "point_0"), "good": only(good, "point_0", "point_7")})
    assert (rest.points.names, rest.chosen) == (("point_0", "point_7"), ("bad", "good"))


def test_no_signal_is_weaker_than_any_result() -> None:
    empty = replace(points_at(2.0), status=("no_signal",) * len(X), expected=np.full((len(X), 5), np.nan))
    assert best_expected({"empty": empty, "weak": points_at(-3.0)}).counts == {"weak": len(X)}


def test_lines_that_one_search_lacks_are_missing_at_its_points() -> None:
    Z = falling(500.0)
    found = best_expected({"A": with_signal(points_at(Z), Z), "B": points_at(Z - 1.0)})
    assert found.points.signal is not None
    assert np.isfinite(found.points.signal).all()
    mixed = best_expected({"A": with_signal(points_at(Z), Z), "B": points_at(Z + np.where(X < 400, 1.0, -1.0))})
    contours = searched(mixed.points)[1]
    assert contours.signal == ((), ())
    assert "12 of 42 points have no results with it" in contours.remarks[-1]


def test_results_that_do_not_belong_together_are_refused() -> None:
    points = points_at(1.0)
    others = {
        "labels": replace(points, labels={"m_a": X, "m_y": points.labels["m_y"]}),
        "other results": replace(points, quantity=UPPER_LIMITS, level=0.05),
    }
    for said, other in others.items():
        with pytest.raises(SelectionError, match=said):
            best_expected({"A": points, "B": other})
    twice = replace(points, labels={"m_x": np.zeros(len(X)), "m_y": np.zeros(len(X))})
    with pytest.raises(SelectionError, match="the same values of all labels"):
        best_expected({"A": twice})
    with pytest.raises(SelectionError, match="no searches"):
        best_expected({})
