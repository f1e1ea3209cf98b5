"""Looking for systematic variations that are rarely meant: both on one side, without effect, or very uneven."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

Finding = Literal["one-sided", "no effect", "asymmetric"]
_NOTHING = 1e-12


class OddVariation(NamedTuple):
    """A variation to look at.

    Attributes:
        channel, sample, modifier, type: Where it is.
        finding: ``one-sided``: up and down move yields in the same direction. ``no effect``: neither moves anything.
            ``asymmetric``: one moves them by more than `ratio` times as much as the other.
        bins: Bins, from 0, where that is so; none for normsys, which move all.
        up, down: Relative change of the yield where it is largest.
    """

    channel: str
    sample: str
    modifier: str
    type: str
    finding: Finding
    bins: tuple[int, ...]
    up: float
    down: float


def odd_variations(workspace: Mapping[str, Any], ratio: float = 3.0, threshold: float = 0.005) -> list[OddVariation]:
    """Find variations of normsys and histosys that are one-sided, uneven or without effect.

    Args:
        workspace: A checked workspace.
        ratio: How many times larger one side may be than the other.
        threshold: Relative change of a yield below which a side counts for nothing.
    """
    return [found for one in _variations(workspace) if (found := _judged(one, ratio, threshold)) is not None]


class _Variation(NamedTuple):
    place: tuple[str, str, str, str]
    up: Float[np.ndarray, " bin"]
    down: Float[np.ndarray, " bin"]


def _variations(workspace: Mapping[str, Any]) -> Iterator[_Variation]:
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            nominal = np.asarray(sample["data"], dtype=np.float64)
            scale = np.where(nominal != 0.0, np.abs(nominal), 1.0)
            for modifier in sample["modifiers"]:
                place = (channel["name"], sample["name"], modifier["name"], modifier["type"])
                data = modifier["data"]
                if modifier["type"] == "normsys":
                    yield _Variation(place, np.array([data["hi"] - 1.0]), np.array([data["lo"] - 1.0]))
                elif modifier["type"] == "histosys":
                    up, down = (np.asarray(data[key], dtype=np.float64) for key in ("hi_data", "lo_data"))
                    yield _Variation(place, (up - nominal) / scale, (down - nominal) / scale)


def _judged(variation: _Variation, ratio: float, threshold: float) -> OddVariation | None:
    up, down = variation.up, variation.down
    large, small = np.maximum(np.abs(up), np.abs(down)), np.minimum(np.abs(up), np.abs(down))
    seen = large > threshold
    if (large <= _NOTHING).all():
        return _found(variation, "no effect", np.zeros(len(up), dtype=bool))
    if (same := seen & (small > threshold) & (up * down > 0)).any():
        return _found(variation, "one-sided", same)
    if (uneven := seen & (large > ratio * small)).any():
        return _found(variation, "asymmetric", uneven)
    return None


def _found(variation: _Variation, finding: Finding, where: np.ndarray) -> OddVariation:
    up, down = variation.up, variation.down
    largest = int(np.argmax(np.where(where, np.maximum(np.abs(up), np.abs(down)), -1.0)))
    bins = tuple(int(k) for k in np.flatnonzero(where)) if variation.place[3] == "histosys" else ()
    return OddVariation(*variation.place, finding, bins, float(up[largest]), float(down[largest]))
