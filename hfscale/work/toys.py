"""Doing one task of toys: a block of toy indices of one signal point and POI value, thrown from both hypotheses."""

import time
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hfscale.errors import StoreMismatchError
from hfscale.fit.meter import metering
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.results import ToyBlock, ToyOrigins, ToyStatus
from hfscale.inference.toys.settings import GENERATOR, ToySettings
from hfscale.model.structure import ModelGroup
from hfscale.plan.cells import Cell
from hfscale.plan.settings import Calculation
from hfscale.plan.toys import ToyTask
from hfscale.runtime.events import TaskReport
from hfscale.store.layout import HYPOTHESES, TOY_VARIABLES
from hfscale.store.open import open_store
from hfscale.store.toys import empty_toys
from hfscale.work.computed import Computed
from hfscale.work.definition import Definition, definition_of
from hfscale.work.task import device_remarks, model_of_point


class _Subject(NamedTuple):
    """What toys are thrown for: the model of a signal point alone, the tested POI value, and where they come from."""

    group: ModelGroup
    mu: float
    origins: ToyOrigins


def run_toy_task(store: str, task_id: str) -> TaskReport:
    """Throw and fit the toys of one task and write them, the marker last. Doing it twice does no harm.

    Args:
        store: Path of the store, which holds the plan and a copy of the inputs.
        task_id: Identity of the toy task.

    Raises:
        StoreMismatchError: The toys are those of another generator of random numbers.
    """
    begin = time.perf_counter()
    target = open_store(store)
    toys, task = target.toy_task(task_id)
    computed = compute_toys(definition_of(target), task, toys.seed, toys.generator)
    target.write_toys(task, computed.arrays)
    report = replace(computed.report, seconds=time.perf_counter() - begin)
    target.mark_toys_done(task, {"seconds": report.seconds, **computed.remarks})
    return report


def compute_toys(definition: Definition, task: ToyTask, seed: int, generator: str) -> Computed:
    """Throw and fit the toys of one task, and write nothing.

    Args:
        definition: The campaign.
        task: A toy task of it.
        seed: Seed of the toys.
        generator: Identity of the generator of random numbers that they were planned with.

    Raises:
        StoreMismatchError: The toys are those of another generator of random numbers.
    """
    begin = time.perf_counter()
    calculation = definition.calculation
    settings = _settings(calculation, seed, generator)
    with metering() as meter:
        arrays, failed = _throw(_subject(definition, task.cell, calculation.toy_settings()), task, settings)
    counts = {h: int((arrays["status"][k] == ToyStatus.FAILED).sum()) for k, h in enumerate(HYPOTHESES)}
    n_failed = sum(counts.values())
    report = TaskReport(
        task=task.id,
        ok=task.size - n_failed,
        no_signal=0,
        failed=n_failed,
        seconds=time.perf_counter() - begin,
        fits=meter.fits,
        compile_seconds=meter.compile_seconds,
    )
    return Computed(arrays, report, {"failed": counts, "failed_toys": failed, **device_remarks()})


def _settings(calculation: Calculation, seed: int, generator: str) -> ToySettings:
    if generator != GENERATOR:
        raise StoreMismatchError(
            f"the toys of the store were planned with the generator {generator}, this version has {GENERATOR}",
            remedy="finish them with the version of hfscale that planned them",
        )
    return replace(calculation.toy_settings(), seed=seed)


@lru_cache(maxsize=64)
def _subject(definition: Definition, cell: Cell, settings: ToySettings) -> _Subject:
    """What the toys of a signal point and POI value are thrown for, kept by the process for its next tasks.

    Bounded, because a worker may serve many points; without it, each task would repeat the fits of the data.
    """
    calculation = definition.calculation
    group, mu = model_of_point(definition, calculation, cell.point), calculation.toy_poi_values[cell.mu]
    return _Subject(group, mu, toy_origins(group, np.array([0]), mu, settings))


def _throw(
    subject: _Subject, task: ToyTask, settings: ToySettings
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Arrays of the toys of a task, and why toys failed."""
    arrays = empty_toys(task.count)
    failed: list[dict[str, Any]] = []
    group, mu, origins = subject
    if origins.status[0] != PointStatus.OK:
        arrays["status"][...] = ToyStatus.FAILED
        reason = f"nothing to throw toys from: {origins.reasons[0]}"
        return arrays, [{"hypothesis": h, "toy": task.first, "reason": reason} for h in HYPOTHESES]
    for k, hypothesis in enumerate(HYPOTHESES):
        block = run_toys(group, 0, origins, hypothesis, mu, task.first, task.count, settings)
        _place(arrays, k, block)
        failed += [{"hypothesis": hypothesis, "toy": toy, "reason": why} for toy, why in block.reasons.items()]
    return arrays, failed


def _place(arrays: dict[str, np.ndarray], row: int, block: ToyBlock) -> None:
    for name in TOY_VARIABLES:
        arrays[name][row] = getattr(block, name)
