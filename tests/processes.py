"""Looking at other processes, for tests that end or stop them; needs Linux's /proc."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


class Process(NamedTuple):
    """What Linux tells of a process: its state is a letter, T for stopped, Z for ended but not yet waited for."""

    pid: int
    state: str
    parent: int
    session: int


def look(pid: int) -> Process | None:
    """Return what is known of a process, None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(pid, fields[0], int(fields[1]), int(fields[3]))


def is_alive(pid: int) -> bool:
    """Say whether a process has not ended, stopped as it may be."""
    found = look(pid)
    return found is not None and found.state != "Z"


def is_stopped(pid: int) -> bool:
    """Say whether a process was stopped by SIGSTOP."""
    found = look(pid)
    return found is not None and found.state == "T"


def everything() -> list[Process]:
    """Return all processes that have not ended."""
    found = (look(int(folder.name)) for folder in Path("/proc").glob("[0-9]*"))
    return [process for process in found if process is not None and process.state != "Z"]


def descendants(root: int) -> set[int]:
    """Return the processes that a process started, and those that they did."""
    processes, found = everything(), set[int]()
    while more := {p.pid for p in processes if p.parent in found | {root}} - found:
        found |= more
    return found


def wait_until_gone(pids: Iterable[int], seconds: float = 30.0) -> None:
    """Wait for the end of processes.

    Raises:
        AssertionError: Some are still there after so many seconds.
    """
    left = set(pids)
    for _ in range(int(20 * seconds)):
        left = {pid for pid in left if is_alive(pid)}
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(f"still there: {[(look(pid), command(pid)) for pid in left]}")


def left_of_session(session: int, seconds: float = 10.0) -> list[str]:
    """Return the command lines of the processes of a session that do not end within so many seconds."""
    for _ in range(int(10 * seconds)):
        found = [process.pid for process in everything() if process.session == session]
        if not found:
            return []
        time.sleep(0.1)
    return [command(pid) for pid in found]


def command(pid: int) -> str:
    """Return the command line of a process, an empty one if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
