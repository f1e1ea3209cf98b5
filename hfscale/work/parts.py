"""Doing a part of a signal point: a block of its parameters, or of the toys of its goodness of fit."""

import time
from dataclasses import replace
from functools import lru_cache

import numpy as np

from hfscale.fit.meter import metering
from hfscale.inference.measurement.parts import arrays_of
from hfscale.plan.parts import PartTask
from hfscale.runtime.events import TaskReport
from hfscale.store.open import open_store
from hfscale.store.parts import part_of, write_part
from hfscale.work.computed import Computed
from hfscale.work.definition import Definition, definition_of
from hfscale.work.joining import Subject, search, subject_of
from hfscale.work.task import models_of


def run_part(store: str, task_id: str) -> TaskReport:
    """Compute a part of a signal point and write it. Doing it twice does no harm.

    Args:
        store: Path of the store, which holds the plan and a copy of the inputs.
        task_id: Identity of the part.

    Raises:
        StoreError: There is no such part, or it cannot be written.
    """
    begin = time.perf_counter()
    target = open_store(store)
    task = part_of(target, task_id)
    computed = compute_part(definition_of(target), task)
    write_part(target.path, task, computed.arrays)
    return replace(computed.report, seconds=time.perf_counter() - begin)


def compute_part(definition: Definition, task: PartTask) -> Computed:
    """Compute a part of a signal point, and write nothing.

    Args:
        definition: The campaign.
        task: A part of one of its points.
    """
    begin = time.perf_counter()
    calculation = definition.calculation
    with metering() as meter:
        found = search(_subject(definition, task.point), calculation, _parameters(definition), task)
    report = TaskReport(
        task=task.id,
        ok=1,
        no_signal=0,
        failed=0,
        seconds=time.perf_counter() - begin,
        fits=meter.fits,
        compile_seconds=meter.compile_seconds,
    )
    return Computed(arrays_of(found), report, {})


def _parameters(definition: Definition) -> tuple[str, ...]:
    return models_of(definition, definition.calculation).parameters


@lru_cache(maxsize=4)
def _subject(definition: Definition, point: int) -> Subject:
    """The signal point with its best fit, kept by the process for its next parts, which would repeat it."""
    calculation = definition.calculation
    for group in models_of(definition, calculation).groups:
        rows = np.flatnonzero(group.members == point)
        if len(rows):
            return subject_of(group, int(rows[0]), calculation)
    raise IndexError(f"no group has the signal point {point}")
