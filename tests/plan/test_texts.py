"""Grids of POI values, as people write them."""

import pytest

from hfscale.plan.texts import read_grid, write_grid


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0:2:5", (0.0, 0.5, 1.0, 1.5, 2.0)),
        ("3,0:1:2,0.5", (0.0, 0.5, 1.0, 3.0)),
        ("1:2:2,2:4:3", (1.0, 2.0, 3.0, 4.0)),
    ],
)
def test_values_ascend_and_are_kept_once(text: str, values: tuple[float, ...]) -> None:
    assert read_grid(text) == values


def test_what_is_written_is_read_to_the_last_bit() -> None:
    values = (0.1, 0.30000000000000004, 1e-17, 2.0 / 3.0)
    assert read_grid(write_grid(values)) == tuple(sorted(values))


@pytest.mark.parametrize("text", ["", "1", "1,1", "1,", "1,-2", "1,nan", "1,inf", "0:1:2:3", "2:1:3,4", "a,b"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="grid"):
        read_grid(text)
