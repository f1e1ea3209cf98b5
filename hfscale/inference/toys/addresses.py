"""Random numbers by address: a toy is the same in whatever block, order or process it is thrown.

Every number of a toy (the events of a bin, an auxiliary value) has a stream of its own. Its key comes by SHA-256 from
the seed, the digest of the point, the hypothesis and its POI value, the settings that change toys, and the name of the
stream: "bin:CHANNEL:i" or "aux:PARAMETER[i]". Toy k takes the k-th number of the stream, from the counter-based
generator Philox4x64-10 (Salmon et al., SC11, doi:10.1145/2063384.2063405). One uniform number makes one Poisson or
normal number, through the inverse distribution function.
"""

import hashlib
import json
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri, pdtr, pdtrik

from hfscale.inference.toys.settings import GENERATOR, Hypothesis, ToySettings

_BLOCK = 4
"""Numbers that Philox makes of one value of its counter."""
_TABLE_MEAN = 1e8
"""Poisson means up to which the distribution function is tabulated."""
_LARGEST = 1.0 - 2.0**-53


class Address(NamedTuple):
    """Where the random numbers of the toys of a point and hypothesis come from.

    Attributes:
        seed: Seed of the toys.
        digest: What the toys are thrown from (`hfscale.model.identity`).
        hypothesis: Which hypothesis.
        poi: Its POI value.
        ensemble, nuisance: As in `ToySettings`.
    """

    seed: int
    digest: str
    hypothesis: Hypothesis
    poi: float
    ensemble: str
    nuisance: str

    def uniforms(self, stream: str, first: int, count: int) -> Float[np.ndarray, " toy"]:
        """Numbers of toys `first` to `first + count - 1` from a stream, between 0 and 1 exclusively."""
        text = json.dumps([GENERATOR, *self[:3], float(self.poi).hex(), *self[4:], stream])
        key = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u8")[:2].astype(np.uint64)
        start, skipped = divmod(first, _BLOCK)
        generator = np.random.Philox(key=key, counter=start)
        raw = np.asarray(generator.random_raw(skipped + count), dtype=np.uint64)[skipped:]
        return ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def address_of(
    digests: tuple[str, str], hypothesis: Hypothesis, mu: float, settings: ToySettings
) -> Address:  # fmt: skip
    """Address of toys where the POI value `mu` is tested.

    Args:
        digests: Of the point as a whole, and where its POI is 0.
        hypothesis, mu, settings: What is thrown.
    """
    poi = settings.poi_of(hypothesis, mu)
    full, background = digests
    digest = background if poi == 0.0 else full
    return Address(settings.seed, digest, hypothesis, poi, settings.ensemble, settings.nuisance)


def poisson_numbers(uniforms: Float[np.ndarray, " toy"], mean: float) -> Float[np.ndarray, " toy"]:
    """Poisson numbers: the least n whose distribution function is at least the uniform number."""
    if mean <= 0.0:
        return np.zeros_like(uniforms)
    if mean <= _TABLE_MEAN:
        ends = np.asarray(pdtrik(np.array([2.0**-60, _LARGEST]), mean))
        low = max(int(np.nan_to_num(ends[0])) - 1, 0)
        table = np.arange(low, int(ends[1]) + 2, dtype=np.float64)
        place: Int[np.ndarray, " toy"] = np.searchsorted(pdtr(table, mean), uniforms)
        numbers: Float[np.ndarray, " toy"] = table[np.minimum(place, len(table) - 1)]
        return numbers
    return _corrected(np.maximum(np.ceil(pdtrik(uniforms, mean)), 0.0), uniforms, mean)


def _corrected(
    n: Float[np.ndarray, " toy"], uniforms: Float[np.ndarray, " toy"], mean: float
) -> Float[np.ndarray, " toy"]:  # fmt: skip
    """Move numbers by at most one to where the distribution function passes the uniform ones."""
    n = np.where(pdtr(n - 1.0, mean) >= uniforms, n - 1.0, n)
    return np.where(pdtr(n, mean) < uniforms, n + 1.0, n)


def normal_numbers(uniforms: Float[np.ndarray, " toy"]) -> Float[np.ndarray, " toy"]:
    """Standard normal numbers."""
    found: Float[np.ndarray, " toy"] = ndtri(uniforms)
    return found
