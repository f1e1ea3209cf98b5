"""Adding toys to a store: the next ones of its seed, as a further round."""

from dataclasses import replace

import numpy as np

from hfscale.driver import Preparation, prepare
from hfscale.errors import InputError, StoreError
from hfscale.plan.digests import digest
from hfscale.plan.settings import Calculation
from hfscale.plan.toys import ToyRound, make_round
from hfscale.store.open import open_store
from hfscale.store.places import Place
from hfscale.store.store import ResultStore
from hfscale.store.toys import create_round
from hfscale.workspace import Inputs


def extend_toys(path: str | Place, more: int, *, task_toys: int | None = None) -> Preparation:
    """Plan further toys for every signal point of a store that has some, and write that plan.

    Indices go on where those of the store's seed end, so that a store that was extended holds what a larger one would.
    A last round of just as many toys that is not finished is continued instead, so that the same call continues what
    was interrupted.

    Args:
        path: Folder of the store.
        more: Toys per signal point, POI value and hypothesis.
        task_toys: Toys per task and hypothesis, those of the store's first round by default.

    Returns:
        The campaign of the store, for `hfscale.driver.execute`.

    Raises:
        InputError: ``more`` or ``task_toys`` is below one.
        StoreError: There is no store, it has no toys or unfinished adaptive ones, or another process is running on it.
        StoreMismatchError: The generator of random numbers is another one than that of the store.
    """
    if more < 1:
        raise InputError(f"{more} toys cannot be added", remedy="ask for --more 1 or more")
    store = open_store(path)
    if not store.rounds:
        raise StoreError(
            f"the store {store.path} has no toys",
            remedy="compute them with --calctype toybased in a store of their own",
        )
    if store.may_get_toys:
        raise StoreError(
            f"the adaptive toys of {store.path} are not finished", remedy="finish them with the command that began them"
        )
    calculation = Calculation.model_validate(store.settings["calculation"])
    # This refuses a store of another generator, or of functions that were changed since.
    preparation = prepare(Inputs.from_json(store.inputs()), calculation, store.path)
    with store.locked():
        return replace(preparation, rounds=_extended(open_store(path), calculation, more, task_toys))


def _extended(store: ResultStore, calculation: Calculation, more: int, task_toys: int | None) -> tuple[ToyRound, ...]:
    last = store.rounds[-1]
    if len(store.rounds) > 1 and last.count == more and not store.done_toys() >= last.by_id.keys():
        return store.rounds
    toys = make_round(
        number=last.number + 1,
        seed=calculation.seed,
        first=max(toys.stop for toys in store.rounds if toys.seed == calculation.seed),
        ntoys=more,
        task_toys=task_toys or store.rounds[0].task_toys,
        cells=sorted({cell for toys in store.rounds for cell in toys.by_cell}),
        names=store.names,
        settings_digest=digest(store.settings),
    )
    create_round(store.path, toys, store.names, np.array(calculation.toy_poi_values))
    return (*store.rounds, toys)
