"""Which rounds hold the toys of several stores together."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from hfscale.plan.cells import Cell


class Piece(NamedTuple):
    """Toys of one seed and a range of indices, of some cells.

    Attributes:
        seed: Their seed.
        first: Index of the first toy.
        stop: Index after the last toy.
        cells: The signal points and POI values.
    """

    seed: int
    first: int
    stop: int
    cells: frozenset[Cell]


def pooled_pieces(pieces: Iterable[Piece]) -> list[Piece]:
    """Join pieces to as few as possible that do not overlap and hold the same toys.

    Ranges that follow each other become one where their cells are the same, so that the halves of a run give the
    round of the whole one.

    Args:
        pieces: Pieces in any order, which may overlap.

    Returns:
        Disjoint pieces, ordered by seed and index.
    """
    by_seed: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_seed[piece.seed].append(piece)
    return [piece for seed in sorted(by_seed) for piece in _joined(_cut(by_seed[seed]))]


def _cut(pieces: list[Piece]) -> list[Piece]:
    """Pieces of one seed, cut at every beginning and end of one, so that no two overlap in part."""
    edges = sorted({edge for piece in pieces for edge in (piece.first, piece.stop)})
    cut = []
    for first, stop in pairwise(edges):
        covering = [piece.cells for piece in pieces if piece.first <= first and stop <= piece.stop]
        if covering:
            cut.append(Piece(pieces[0].seed, first, stop, frozenset().union(*covering)))
    return cut


def _joined(cut: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in cut:
        if joined and (joined[-1].stop, joined[-1].cells) == (piece.first, piece.cells):
            joined[-1] = joined[-1]._replace(stop=piece.stop)
        else:
            joined.append(piece)
    return joined
