"""Other minima of toy fits: found where a shift bends rates, and not looked for where none does."""

import numpy as np
import pytest

from hfscale.fit.other_minima import with_other_minima
from hfscale.fit.profiles import RateTables, rate_tables
from hfscale.fit.slots import minimise
from hfscale.model.structure import ModelGroup, PointNumbers
from tests.models import Spec, group_of, histosys, modifier, normfactor, normsys, one_channel, position, sample

COUNT = 40


def two_sided() -> Spec:
    """The shift `up` raises the background whichever way it goes; the others are plain."""
    return one_channel(
        [50.0, 60.0],
        sample("signal", [6.0, 12.0], normfactor()),
        sample(
            "bkg",
            [40.0, 55.0],
            histosys("up", [58.0, 66.0], [54.0, 72.0]),
            histosys("plain", [44.0, 57.0], [36.0, 53.0]),
            normsys("norm", 1.05, 0.95),
            modifier("shapesys", "u", [2.0, 3.0]),
        ),
    )


def tables_of(group: ModelGroup) -> tuple[RateTables, np.ndarray]:
    found = minimise(group.structure, group.shared, group.points, group.inits)
    tables = rate_tables(group.structure, group.shared, group.points, found.theta[0], found.rates[0])
    return tables, found.theta[0]


def toys(group: ModelGroup) -> PointNumbers:
    """Toys of which half prefer the shift above zero and half below."""
    rng = np.random.default_rng(6)
    numbers = group.points.take(np.zeros(COUNT, dtype=int))
    auxdata = numbers.auxdata.copy()
    auxdata[:, position(group, "up")] = rng.normal(0.0, 0.7, COUNT)
    return numbers._replace(data=rng.poisson([56.0, 66.0], (COUNT, 2)).astype(float), auxdata=auxdata)


def test_fits_from_the_wrong_side_come_to_the_lowest_minimum() -> None:
    group = group_of(two_sided())
    tables, theta = tables_of(group)
    up, numbers = position(group, "up"), toys(group)
    assert tables.chosen.tolist() == [up]
    ended = []
    for side in (-1.0, 1.0):
        start = np.tile(theta, (COUNT, 1))
        start[:, up] = side
        ended.append(minimise(group.structure, group.shared, numbers, start))
    lowest = np.minimum(ended[0].nll, ended[1].nll)
    for first in ended:
        assert (first.nll > lowest + 1e-3).sum() > 5
        found = with_other_minima(group.structure, group.shared, tables, numbers, first)
        assert found.succeeded.all()
        # Two minima that are closer than the steps of the tables may be taken for one; they hardly differ.
        assert (found.nll > lowest + 1e-6).sum() <= 1
        assert found.nll == pytest.approx(lowest, abs=0.01)


def test_rates_are_those_of_the_model() -> None:
    group = group_of(two_sided())
    tables, theta = tables_of(group)
    up = position(group, "up")
    place = int(np.flatnonzero(np.isclose(tables.values[0], 2.0))[0])
    moved = theta.copy()
    moved[up] = 2.0
    everything = group.points._replace(fixed=np.ones_like(group.points.fixed))
    expected = minimise(group.structure, group.shared, everything, moved[None]).rates[0]
    assert tables.rates[0, place] == pytest.approx(expected, rel=1e-12)
    assert tables.jacobian[:, group.structure.poi] == pytest.approx([6.0, 12.0], rel=1e-6)


def test_plain_shifts_are_left_alone() -> None:
    spec = two_sided()
    bkg = spec["channels"][0]["samples"][1]
    bkg["modifiers"] = [m for m in bkg["modifiers"] if m["name"] != "up"]
    group = group_of(spec)
    tables, theta = tables_of(group)
    assert len(tables.chosen) == 0
    numbers = group.points.take(np.zeros(4, dtype=int))
    first = minimise(group.structure, group.shared, numbers, np.tile(theta, (4, 1)))
    found = with_other_minima(group.structure, group.shared, tables, numbers, first)
    assert np.array_equal(found.iterations, first.iterations)
