"""What a fault cost: the bytes of the results, and how often each task was done."""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hfscale.runtime.events import TaskReport
from tests.program import arrays_of

Work = Callable[[str], TaskReport]


def digest_of(store: Path) -> str:
    """Return the SHA-256 of all result arrays of a store, by name."""
    total = hashlib.sha256()
    for name, values in sorted(arrays_of(store).items()):
        total.update(f"{name} {values.shape} {values.dtype}".encode())
        total.update(values.tobytes() if values.dtype.kind in "biuf" else repr(values.tolist()).encode())
    return total.hexdigest()


def logged(work: Work, log: Path) -> Work:
    """Make a task function write down the beginning of every run of a task; it travels to workers by value."""
    path = str(log)

    def work_and_log(task_id: str) -> TaskReport:
        from pathlib import Path

        with Path(path).open("a") as file:
            file.write(f"{task_id}\n")
        return work(task_id)

    return work_and_log


def runs_of(log: Path) -> Counter[str]:
    """Return how often each task was begun."""
    return Counter(log.read_text().split())
