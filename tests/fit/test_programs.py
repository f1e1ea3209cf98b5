"""Compiled programs: how many there are, and that they are reused."""

import json
import tarfile
from pathlib import Path
from typing import Any

import jax.monitoring
import jsonpatch
import numpy as np
import pytest

from hfscale.fit.programs import cache_statistics, queue_program
from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.results import PointStatus
from tests.models import counting, fit_all, group_of, normsys

COMPILATIONS = (
    "/jax/core/compile/backend_compile_duration",
    "/jax/compilation_cache/compile_time_saved_sec",  # those that the kept programs of other tests spared
)


def test_the_same_structure_is_compiled_once() -> None:
    queue_program.cache_clear()
    fit_all(group_of(counting(8, 50, 50.0)))
    first = cache_statistics()
    fit_all(group_of(counting(8, 50, 60.0)))
    second = cache_statistics()
    assert (first.hits, second.hits) == (0, first.misses)
    assert first.size == second.size == second.misses == first.misses


def test_the_cache_is_bounded() -> None:
    structures = [group_of(counting(8, 50, 60, *(normsys(f"a{i}", 1.1, 0.9) for i in range(k)))).structure
                  for k in range(20)]  # fmt: skip
    for structure in structures:
        queue_program(structure, "exact", 4, 16)
    statistics = cache_statistics()
    assert statistics.size == statistics.capacity < len(structures)


@pytest.mark.data
@pytest.mark.slow
def test_a_published_patchset_needs_few_compilations(shared_data: Path) -> None:
    with tarfile.open(shared_data / "sbottom-RegionA.tar.gz") as archive:
        members = {Path(m.name).name: m for m in archive.getmembers() if m.isfile()}
        background, patchset = (
            json.load(archive.extractfile(members[f]))
            for f in ("BkgOnly.json", "patchset.json")  # type: ignore[arg-type]
        )
    specs = [jsonpatch.apply_patch(background, p["patch"]) for p in patchset["patches"]]
    durations: list[float] = []

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event in COMPILATIONS:
            durations.append(seconds)

    queue_program.cache_clear()
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        group = group_of(*specs, background=background)
        block = asymptotic_cls(group, np.arange(len(specs)), 1.0)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert len(specs) == 217
    assert (block.status == PointStatus.OK).all()
    assert 1 <= len([d for d in durations if d > 0.1]) <= 3
