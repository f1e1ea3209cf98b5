"""The rest of the driver's side of a campaign: choose engine and device, and see the tasks done."""

import math
import warnings
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from hfscale.driver import Preparation, create
from hfscale.errors import HfscaleWarning
from hfscale.phases import phases, run_phase
from hfscale.plan.toys import AnyTask
from hfscale.results import Results
from hfscale.runtime.crossover import choose_device
from hfscale.runtime.devices import CPU, AskedDevice, Device
from hfscale.runtime.executors.choose import (
    OWN_CLUSTER,
    AskedEngine,
    Cluster,
    EngineName,
    as_executor,
    check_cluster,
    choose_executor,
)
from hfscale.runtime.observers import UNSEEN, Watching, observing
from hfscale.runtime.patience import DEFAULT, Patience
from hfscale.store.files import journal_folder
from hfscale.store.open import open_store
from hfscale.store.parts import pending_parts
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    import distributed

    from hfscale.runtime.executors.base import Executor


class Choice(NamedTuple):
    """How the rest of a campaign will be run: the engine, the planned tasks left, and their rough time on one process.

    Where the number of toys is adaptive, more tasks may follow.
    """

    executor: EngineName
    pending: int
    seconds: float
    device: Device = CPU


def choose(
    preparation: Preparation,
    executor: AskedEngine,
    workers: int | None = None,
    device: AskedDevice | Device = "cpu",
    cluster: Cluster = OWN_CLUSTER,
) -> Choice:
    """Resolve ``auto``, of engine and device, from what is left to do.

    Raises:
        InputError: A GPU was asked for and there is none, or there are fewer than workers.
    """
    plan, rounds = preparation.plan, preparation.rounds
    points, n_parts = plan.tasks, preparation.n_parts
    toys: tuple[AnyTask, ...] = tuple(task for toy_round in rounds for task in toy_round.tasks)
    if preparation.continues:
        store = open_store(preparation.path)
        points, n_parts, toys = store.pending(), len(pending_parts(store)), store.pending_toys()
    seconds = preparation.seconds * sum(task.size for task in points) / max(plan.n_points, 1)
    n_toys = sum(task.size for task in toys) if rounds else preparation.n_toys
    seconds += preparation.toy_seconds * n_toys
    pending = len(points) + n_parts + len(toys)
    if isinstance(device, str):
        device = _resolve(preparation, device, elsewhere=cluster != OWN_CLUSTER)
    if device.gpus:
        # Each GPU has one process, however long the work: a single one, this process.
        engine = choose_executor(executor, device.workers(workers, 1), pending, math.inf)
    else:
        engine = choose_executor(executor, workers, pending, seconds)
    return Choice(engine, pending, seconds, device)


def _resolve(preparation: Preparation, asked: AskedDevice, *, elsewhere: bool) -> Device:
    calculation = preparation.calculation
    if calculation.toybased:
        fits = 2.0 * preparation.task_toys
    else:
        fits = float(preparation.plan.task_points * calculation.fits_per_point(len(preparation.parameters)))
    return choose_device(asked, fits, elsewhere=elsewhere)


def execute(
    preparation: Preparation,
    *,
    executor: "AskedEngine | distributed.Client | Executor" = "auto",
    workers: int | None = None,
    cluster: Cluster = OWN_CLUSTER,
    device: AskedDevice | Device = "cpu",
    watching: Watching = UNSEEN,
    gather: bool = False,
    patience: Patience = DEFAULT,
) -> Results:
    """Make or continue the store and compute what is missing in it.

    Args:
        preparation: From `hfscale.driver.prepare`.
        executor: Name of an engine, a Dask client, or an executor.
        workers: Number of workers, one per CPU or GPU by default.
        cluster: Running cluster that ``dask`` or ``ray`` connects to.
        device: What to compute on; an executor has a device already.
        watching: How the run is to be followed.
        gather: Whether workers, which then need no access to the store, return their results to this process.
        patience: How long to wait for workers and tasks.

    Raises:
        InputError: The cluster is of no use for the engine, open to others, or does not let us in; or there is no GPU.
        StoreError: The store cannot be written, or another driver is working on it.
        InterruptedRunError: The run was interrupted, or there are no workers.
    """
    check_cluster(executor, cluster)
    engine: EngineName | distributed.Client | Executor
    if isinstance(executor, str):
        choice = choose(preparation, executor, workers, device, cluster)
        engine, device = choice.executor, choice.device
    else:
        engine = executor
        device = _resolve(preparation, device, elsewhere=True) if isinstance(device, str) else device
    kind = getattr(engine, "device", device.kind)
    start = partial(as_executor, engine, workers, cluster, device)
    with ExitStack() as opened:
        # What cannot be reached, or has no GPU, leaves no empty store behind.
        early = None if preparation.continues else opened.enter_context(start())
        store = open_store(preparation.path) if early is None else create(preparation, {"device": kind})
        _warn_of_another_device(store, kind)
        with store.locked(), observing(journal_folder(store.path), store.path.name, watching) as observers:
            store.sweep()
            left = phases(store.path, preparation.task_toys)
            first = next(left, None)
            if first is not None:
                # Ended before others may have the store.
                with early or start() as started:
                    for phase in chain([first], left):
                        run_phase(store, phase, started, observers, gather=gather, patience=patience)
    return Results(open_store(preparation.path))


def _warn_of_another_device(store: ResultStore, kind: str) -> None:
    before = store.attributes["provenance"].get("device", kind)
    if before != kind and not store.status().finished:
        warnings.warn(
            f"the store {store.path} was begun on {before} and goes on on {kind}: test statistics agree to about 1e-9,"
            " not in every bit; each marker of a task says what it was computed on",
            HfscaleWarning,
            stacklevel=3,
        )
