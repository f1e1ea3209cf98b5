"""One sample of one channel, read from JSON into arrays once and kept by object identity.

Patched workspaces share the untouched parts of the background document, so a background sample is read once however
many signal points there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.errors import ModelError
from hfscale.model.pruning import Pruner


@dataclass(frozen=True)
class SampleData:
    """Numbers of a sample in a channel, modifiers in the order of their names.

    Attributes:
        nominal: Expected yields.
        histosys: Parameter name -> (yields at +1, yields at -1).
        normsys: Parameter name -> (factor at +1, factor at -1).
        factors: (type, name) of the modifiers whose parameters multiply the rate.
        uncertainties: (type, name) -> absolute uncertainties, for shapesys and staterror.
    """

    nominal: Float[np.ndarray, " bins"]
    histosys: Mapping[str, tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]]
    normsys: Mapping[str, tuple[float, float]]
    factors: tuple[tuple[str, str], ...]
    uncertainties: Mapping[tuple[str, str], Float[np.ndarray, " bins"]]

    def equals(self, other: "SampleData") -> bool:
        """Whether every number agrees exactly."""
        return self is other or (
            self.factors == other.factors
            and np.array_equal(self.nominal, other.nominal)
            and self.normsys == other.normsys
            and self.histosys.keys() == other.histosys.keys()
            and all(
                np.array_equal(up, other.histosys[name][0]) and np.array_equal(down, other.histosys[name][1])
                for name, (up, down) in self.histosys.items()
            )
            and self.uncertainties.keys() == other.uncertainties.keys()
            and all(np.array_equal(u, other.uncertainties[key]) for key, u in self.uncertainties.items())
        )


class SampleReader:
    """Reads sample documents, each object once.

    Args:
        poi: Name of the parameter of interest, whose modifiers are not pruned.

    Attributes:
        pruner: Leaves out modifiers of small effect, where a workspace asks for it.
    """

    def __init__(self, poi: str = "") -> None:
        self.pruner = Pruner(poi)
        self._known: dict[int, tuple[Mapping[str, Any], SampleData]] = {}

    def read(self, sample: Mapping[str, Any], channel: str) -> SampleData:
        """Return the arrays of a sample document of `channel`.

        Raises:
            ModelError: A normsys with a negative factor: no interpolation code is defined there.
        """
        known = self._known.get(id(sample))
        if known is not None and known[0] is sample:
            return known[1]
        data = _read(sample, channel)
        self._known[id(sample)] = (sample, data)
        return data


def _read(sample: Mapping[str, Any], channel: str) -> SampleData:
    histosys: dict[str, tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]] = {}
    normsys: dict[str, tuple[float, float]] = {}
    uncertainties: dict[tuple[str, str], Float[np.ndarray, " bins"]] = {}
    factors: list[tuple[str, str]] = []
    for modifier in sorted(sample["modifiers"], key=lambda m: (m["name"], m["type"])):
        kind, name, data = modifier["type"], modifier["name"], modifier["data"]
        if kind == "histosys":
            histosys[name] = (_array(data["hi_data"]), _array(data["lo_data"]))
        elif kind == "normsys":
            normsys[name] = (float(data["hi"]), float(data["lo"]))
            if min(normsys[name]) < 0.0:
                raise ModelError(
                    f"normsys '{name}' of sample '{sample['name']}' in channel '{channel}' has a negative factor,"
                    " for which no interpolation code is defined",
                    remedy="give hi and lo of at least 0, or turn the modifier into a histosys",
                )
        else:
            factors.append((kind, name))
            if kind in ("shapesys", "staterror"):
                uncertainties[kind, name] = _array(data)
    return SampleData(_array(sample["data"]), histosys, normsys, tuple(factors), uncertainties)


def _array(values: Any) -> Float[np.ndarray, " bins"]:
    return np.asarray(values, dtype=np.float64)
