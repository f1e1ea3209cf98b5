"""Merging samples under one name, so that the uncertainty of their sum is known."""

import fnmatch
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from hfscale.errors import SelectionError


class Merged(NamedTuple):
    """Samples after merging.

    Attributes:
        names: Names, in the order of the first member of each.
        place: Name of each sample before merging -> position in `names`.
    """

    names: tuple[str, ...]
    place: Mapping[str, int]

    def places(self, samples: Sequence[str]) -> Int[np.ndarray, " entry"]:
        """Positions of samples, given with the names that the model has for its entries."""
        return np.array([self.place[self._base(name)] for name in samples], dtype=np.int64)

    def _base(self, name: str) -> str:
        """What a custom modifier adds to a sample stands behind its name and a plus sign."""
        if name in self.place:
            return name
        return max((known for known in self.place if name.startswith(f"{known}+")), key=len)


def merged_samples(samples: Sequence[str], patterns: Mapping[str, Sequence[str]]) -> Merged:
    """Merge the samples that match patterns; each belongs to the first group that it matches.

    Args:
        samples: Names of all samples.
        patterns: New name -> patterns of the names of samples.

    Raises:
        SelectionError: A pattern matches no sample, or a new name is that of a sample outside the group.
    """
    owner: dict[str, str] = {}
    for group, texts in patterns.items():
        for text in texts:
            found = [name for name in samples if fnmatch.fnmatchcase(name, text)]
            if not found:
                near = get_close_matches(text.strip("*"), samples, n=5) or samples[:10]
                raise SelectionError(
                    f"the pattern {text!r} of {group!r} matches no sample",
                    place=f"merge/{group}",
                    remedy=f"samples are, for example, {', '.join(near)}",
                )
            for name in found:
                owner.setdefault(name, group)
    for group in patterns:
        if group in samples and owner.get(group) != group:
            raise SelectionError(
                f"{group!r} is a sample that is not part of the merged ones of that name",
                place=f"merge/{group}",
                remedy="give the merged samples another name, or add it to the patterns",
            )
    names = tuple(dict.fromkeys(owner.get(name, name) for name in samples))
    return Merged(names, {name: names.index(owner.get(name, name)) for name in samples})
