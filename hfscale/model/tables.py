"""Index tables that derivatives use, worked out from a structure while a program is traced."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from hfscale.model.structure import Structure


class MultiplyingPairs(NamedTuple):
    """Which factors contribute to the derivative of which bin by which parameter.

    A part is one factor of one entry; parts of the same (bin, parameter) are summed.

    Attributes:
        entry, source: Entry of each part, and its factor: a parameter, or a normsys term counted behind them.
        parts: Parts of each pair, padded with the number of parts.
        place: Pair of each (bin, parameter), flattened, or the number of pairs.
    """

    entry: Int[np.ndarray, " part"]
    source: Int[np.ndarray, " part"]
    parts: Int[np.ndarray, "pair local_part"]
    place: Int[np.ndarray, " bin_parameter"]


def multiplying_pairs(structure: Structure) -> MultiplyingPairs:
    """Tables for the derivatives of factors."""
    n = structure.n_parameters
    entry: list[int] = []
    source: list[int] = []
    by_pair: dict[int, list[int]] = {}
    for e, (factors, terms) in enumerate(zip(structure.entry_factors, structure.entry_terms, strict=True)):
        own = [(int(p), int(p)) for p in factors if p < n]
        own += [(n + int(t), int(structure.term_parameter[t])) for t in terms if t < structure.n_terms]
        for index, parameter in own:
            by_pair.setdefault(int(structure.entry_bin[e]) * n + parameter, []).append(len(entry))
            entry.append(e)
            source.append(index)
    place = np.full(structure.n_bins * n, len(by_pair))
    place[list(by_pair)] = np.arange(len(by_pair))
    width = max((len(parts) for parts in by_pair.values()), default=0)
    parts = np.full((len(by_pair), width), len(entry))
    for row, own_parts in zip(parts, by_pair.values(), strict=True):
        row[: len(own_parts)] = own_parts
    return MultiplyingPairs(np.array(entry, dtype=int), np.array(source, dtype=int), parts, place)


def padded_lists(lists: Sequence[Sequence[int]], padding: int) -> Int[np.ndarray, "list item"]:
    """Lists of different lengths as the rows of a table."""
    table = np.full((len(lists), max(map(len, lists), default=0)), padding, dtype=np.int64)
    for row, items in zip(table, lists, strict=True):
        row[: len(items)] = items
    return table


def padded_bins(entry_bin: Int[np.ndarray, " entry"], n_bins: int) -> Int[np.ndarray, "bin local_entry"]:
    """Entries of every bin, padded with the number of entries."""
    return padded_lists([np.flatnonzero(entry_bin == b).tolist() for b in range(n_bins)], len(entry_bin))


def shortened_lists(table: Int[np.ndarray, "list item"], padding: int) -> Int[np.ndarray, "list fewer"]:
    """The same lists without padding between their items, in as narrow a table as they need."""
    return padded_lists([row[row != padding].tolist() for row in table], padding)


class Grouping(NamedTuple):
    """Which items are summed into which of a number of totals.

    Attributes:
        items: Items of each total that has any, padded with the number of items.
        place: Row of `items` for each total, or the number of rows for totals without items.
    """

    items: Int[np.ndarray, "row item"]
    place: Int[np.ndarray, " total"]


def grouping(totals: Int[np.ndarray, "item choice"], size: int) -> Grouping:
    """Group items by the totals that they count for; totals equal to `size` (padding) drop out."""
    members: dict[int, list[int]] = {}
    for item, own in enumerate(totals):
        for total in own[own < size]:
            members.setdefault(int(total), []).append(item)
    place = np.full(size, len(members))
    place[list(members)] = np.arange(len(members))
    return Grouping(padded_lists(list(members.values()), len(totals)), place)
