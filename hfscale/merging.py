"""Pooling the results of several stores of one model and of the same settings in a new store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hfscale.driver import Preparation, create, prepare
from hfscale.errors import InputError, StoreMismatchError
from hfscale.plan.cells import Cell
from hfscale.plan.digests import differences, digest
from hfscale.plan.pooling import Piece, pooled_pieces
from hfscale.plan.settings import Calculation
from hfscale.plan.texts import write_grid
from hfscale.plan.toys import ToyRound, make_round
from hfscale.pooled import pool_points, pool_toys
from hfscale.results import Results
from hfscale.store import files
from hfscale.store.open import open_store
from hfscale.store.places import Place, put_in_place, store_place
from hfscale.store.store import ResultStore
from hfscale.workspace import Inputs, SignalPoint

_MAY_DIFFER = ("ntoys", "first_toy", "seed", "poi_grid")


def merge(stores: Sequence[str | Place], output: str | Place) -> Results:
    """Pool stores: of other signal points, other POI values of a grid, other ranges of toys, or other seeds.

    What several stores have computed must agree to the last bit, and is kept once. Tasks that no store has finished
    stay to be done: the command that made the first store, with the new one as its output, continues it where the
    toys of the first store's seed are one range of indices.

    Args:
        stores: Folders of two or more stores.
        output: Folder of the new store, which must not exist.

    Raises:
        InputError: Fewer than two stores are given.
        StoreError: A store cannot be read, or the new one cannot be made.
        StoreMismatchError: The stores do not belong together, or do not agree. Nothing is left of the new store.
    """
    if len(stores) < 2:
        raise InputError("merging takes two stores or more", remedy="name all of them, and the new one with -o")
    sources = [open_store(store) for store in stores]
    for other in sources[1:]:
        _refuse_others(sources[0], other)
    inputs = _pooled_inputs(sources)
    grid = _pooled_grid(sources)
    pieces = _pieces(sources, [point.name for point in inputs.points], grid.toy_poi_values)
    target, calculation = store_place(output), _with_toys(grid, sources[0], pieces)
    preparation = prepare(inputs, calculation, target, task_points=sources[0].plan.task_points)
    if preparation.continues:
        raise StoreMismatchError(f"the store {target} exists already", remedy="give another name with -o")
    preparation = replace(preparation, rounds=_rounds(pieces, preparation, sources[0]))
    with files.drafted(target, f"the store {target} cannot be written", "choose another place for the store") as draft:
        store = create(replace(preparation, path=draft), {"merged": [str(source.path) for source in sources]})
        pool_points(sources, store)
        pool_toys(sources, store)
        if store.may_get_toys:
            store.end_toys("merged")
        put_in_place(draft, target)
    return Results(open_store(target))


def _refuse_others(first: ResultStore, other: ResultStore) -> None:
    found = differences(_common(first.settings), _common(other.settings))
    if found:
        texts = "; ".join(text.replace(" in the store", " there").replace(" asked", " here") for text in found)
        raise StoreMismatchError(
            f"{other.path} does not belong to {first.path}: {texts}",
            remedy="merge stores of one workspace, patchset and calculation: points, POI grid and toys may differ",
        )


def _common(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What all stores must agree in."""
    calculation = {key: value for key, value in settings["calculation"].items() if key not in _MAY_DIFFER}
    return {**{key: value for key, value in settings.items() if key != "points"}, "calculation": calculation}


def _pooled_inputs(sources: Sequence[ResultStore]) -> Inputs:
    """Inputs of the first store, with the signal points of all."""
    inputs = [Inputs.from_json(source.inputs()) for source in sources]
    points: dict[str, SignalPoint] = {}
    for source, own in zip(sources, inputs, strict=True):
        for point in own.points:
            known = points.setdefault(point.name, point)
            if (known.patch, known.values) != (point.patch, point.values):
                raise StoreMismatchError(
                    f"the signal point '{point.name}' of {source.path} has another patch than that of the others",
                    remedy="merge stores of one patchset",
                )
    return replace(inputs[0], points=tuple(points.values()), patterns=None)


def _calculation(store: ResultStore) -> Calculation:
    return Calculation.model_validate(store.settings["calculation"])


def _pooled_grid(sources: Sequence[ResultStore]) -> Calculation:
    """The calculation of the first store, with the POI values of all."""
    first, *others = (_calculation(source) for source in sources)
    values = {value for calculation in (first, *others) for value in calculation.poi_values}
    if values == set(first.poi_values):
        return first
    return first.model_copy(update={"poi_grid": write_grid(values)})


def _pieces(sources: Sequence[ResultStore], names: Sequence[str], values: Sequence[float]) -> list[Piece]:
    place = {name: k for k, name in enumerate(names)}
    return pooled_pieces(
        Piece(toys.seed, toys.first, toys.stop, _renumbered(source, toys, place, values))
        for source in sources
        for toys in source.rounds
    )


def _renumbered(
    source: ResultStore, toys: ToyRound, place: Mapping[str, int], values: Sequence[float]
) -> frozenset[Cell]:  # fmt: skip
    own = _calculation(source).toy_poi_values
    return frozenset(Cell(place[source.names[cell.point]], values.index(own[cell.mu])) for cell in toys.by_cell)


def _with_toys(calculation: Calculation, first: ResultStore, pieces: Sequence[Piece]) -> Calculation:
    """The calculation with the range of toys that those of the first store are a part of."""
    if not first.rounds:
        return calculation
    own = pieces[_position(first, pieces)]
    return calculation.model_copy(update={"first_toy": own.first, "ntoys": own.stop - own.first})


def _position(first: ResultStore, pieces: Sequence[Piece]) -> int:
    start = first.rounds[0]
    found = (
        k for k, piece in enumerate(pieces) if piece.seed == start.seed and piece.first <= start.first < piece.stop
    )
    return next(found)


def _rounds(pieces: Sequence[Piece], preparation: Preparation, first: ResultStore) -> tuple[ToyRound, ...]:
    """A round for each piece; the one that the settings name comes first, as in every store."""
    if not pieces:
        return ()
    own = _position(first, pieces)
    ordered = [pieces[own], *pieces[:own], *pieces[own + 1 :]]
    return tuple(
        make_round(
            number=number,
            seed=piece.seed,
            first=piece.first,
            ntoys=piece.stop - piece.first,
            task_toys=first.rounds[0].task_toys,
            cells=sorted(piece.cells),
            names=preparation.settings["points"],
            settings_digest=digest(preparation.settings),
        )
        for number, piece in enumerate(ordered)
    )
