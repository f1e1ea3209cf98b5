"""The contract of executors: every engine's class runs the same tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hfscale.errors import InputError, PatchError, TaskError
from hfscale.plan.tasks import make_plan
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.choose import Cluster, choose_executor, open_executor
from hfscale.runtime.loop import run_tasks
from tests.processes import is_alive, is_stopped, needs_proc, wait_until_gone

if TYPE_CHECKING:
    from hfscale.runtime.executors.dask import DaskExecutor


# Functions for workers are made inside functions: they then travel by value, as workers cannot import test modules.
def make_half() -> Callable[[int], float]:
    def half(number: int) -> float:
        if number < 0:
            raise ValueError(f"{number} is negative")
        return number / 2

    return half


def collect(executor: Executor, handles: Sequence[Hashable]) -> dict[Hashable, Outcome]:
    left, outcomes = set(handles), {}
    for _ in range(1000):
        if not left:
            break
        ended = executor.wait(left, 1.0)
        assert ended.keys() <= left
        outcomes.update(ended)
        left -= ended.keys()
    return outcomes


def assert_a_killer_is_given_up(executor: Executor, deaths: Path) -> None:
    """A call that kills each worker it runs on is given up after four of them, and another one does not suffer."""
    path = str(deaths)

    def die() -> None:
        import os
        from pathlib import Path

        with Path(path).open("a") as file:
            file.write("x")
        os._exit(1)

    killer, other = executor.submit(die), executor.submit(make_half(), 2)
    outcomes = collect(executor, [killer, other])
    assert outcomes[other] == Outcome(1.0)
    assert isinstance(outcomes[killer].error, TaskError)
    assert "the worker process died 4 times" in str(outcomes[killer].error)
    assert deaths.read_text() == "xxxx"


class ExecutorContract:
    """What every executor must do. A subclass gives the fixture ``executor``."""

    def test_it_has_a_name_and_a_slot(self, executor: Executor) -> None:
        assert executor.name
        assert executor.slots() >= 1

    def test_every_call_ends_once_with_its_own_value(self, executor: Executor) -> None:
        handles = [executor.submit(make_half(), number) for number in range(20)]
        outcomes = collect(executor, handles)
        assert [outcomes[handle] for handle in handles] == [Outcome(number / 2) for number in range(20)]

    def test_equal_calls_are_different_calls(self, executor: Executor) -> None:
        half = make_half()
        first, second = executor.submit(half, 1), executor.submit(half, 1)
        assert first != second
        assert len(collect(executor, [first, second])) == 2

    def test_an_error_is_an_outcome(self, executor: Executor) -> None:
        good, bad = executor.submit(make_half(), 2), executor.submit(make_half(), -1)
        outcomes = collect(executor, [good, bad])
        assert outcomes[good].value == 1.0
        assert isinstance(outcomes[bad].error, ValueError)
        assert str(outcomes[bad].error) == "-1 is negative"

    def test_our_errors_arrive_whole(self, executor: Executor) -> None:
        def fail() -> None:
            raise PatchError("the patch of p1 does not apply", place="/channels/0", remedy="mend it")

        handle = executor.submit(fail)
        error = collect(executor, [handle])[handle].error
        assert isinstance(error, PatchError)
        assert (error.message, error.place, error.remedy) == (
            "the patch of p1 does not apply",
            "/channels/0",
            "mend it",
        )

    def test_waiting_for_nothing_ends(self, executor: Executor) -> None:
        assert executor.wait([], 0.1) == {}

    def test_cancelled_calls_do_not_disturb_others(self, executor: Executor) -> None:
        cancelled = [executor.submit(make_half(), number) for number in range(5)]
        executor.cancel(cancelled)
        executor.cancel(cancelled)
        kept = executor.submit(make_half(), 8)
        assert collect(executor, [kept]) == {kept: Outcome(4.0)}

    def test_the_loop_runs_on_it(self, executor: Executor) -> None:
        plan = make_plan(7, 2, "settings", [f"p{i}" for i in range(7)])
        bad = plan.tasks[1].id

        def work(task_id: str) -> TaskReport:
            if task_id == bad:
                raise ArithmeticError("no minimum")
            return TaskReport(task_id, ok=2, no_signal=0, failed=0, seconds=0.1)

        summary = run_tasks(plan.tasks, executor, work, retries=1)
        assert {report.task for report in summary.reports} == {task.id for task in plan.tasks} - {bad}
        assert summary.failures == {bad: "ArithmeticError: no minimum"}
        assert summary.retries == 1


def make_hang(pids: Path) -> Callable[[], None]:
    """Stop the worker's process as a whole, which then hears nothing but SIGKILL."""
    path = str(pids)

    def hang() -> None:
        import os
        import signal
        from pathlib import Path

        with Path(path).open("a") as file:
            file.write(f"{os.getpid()}\n")
        os.kill(os.getpid(), signal.SIGSTOP)

    return hang


def wait_for_stops(executor: Executor, handles: Sequence[Hashable], pids: Path) -> list[int]:
    """Return the processes that calls of `make_hang` stopped, when all have."""
    for _ in range(600):
        assert executor.wait(handles, 0.05) == {}
        found = [int(line) for line in pids.read_text().splitlines()] if pids.exists() else []
        if len(found) == len(handles) and all(is_stopped(pid) for pid in found):
            return found
    raise AssertionError(f"stopped: {found}")


class WorkerContract(ExecutorContract):
    """What executors with two worker processes of their own must do besides."""

    @needs_proc
    def test_workers_that_hang_are_replaced_when_their_calls_are_abandoned(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        hang = make_hang(tmp_path / "pids")
        hanging = [executor.submit(hang), executor.submit(hang)]
        waiting = executor.submit(make_half(), 6)
        pids = wait_for_stops(executor, hanging, tmp_path / "pids")
        assert set(executor.running([*hanging, waiting])) == set(hanging)
        assert executor.idle() == 0
        executor.abandon(hanging)
        executor.abandon(hanging)
        assert collect(executor, [waiting]) == {waiting: Outcome(3.0)}
        wait_until_gone(pids)
        assert list(executor.running([*hanging, waiting])) == []
        # Dask's nannies take a while to start other workers.
        while executor.idle() < 2:
            time.sleep(0.05)


class TestLocal(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        with open_executor("local") as executor:
            yield executor

    def test_it_runs_in_this_process_only_when_waited_for(self, executor: Executor) -> None:
        seen: list[int] = []
        handles = [executor.submit(seen.append, number) for number in range(3)]
        assert seen == []
        assert list(executor.wait(handles, None)) == handles[:1]
        assert seen == [0]

    def test_an_interrupt_is_no_outcome(self, executor: Executor) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            executor.wait([executor.submit(interrupt)], None)


@pytest.fixture(scope="module")
def process_executor() -> Iterator[Executor]:
    with open_executor("processes", 2) as executor:
        yield executor
    executor.close()


class TestProcesses(WorkerContract):
    @pytest.fixture
    def executor(self, process_executor: Executor) -> Executor:
        return process_executor

    def test_workers_are_other_processes_with_one_thread(self, executor: Executor) -> None:
        def look() -> tuple[int, str, str]:
            import os

            return os.getpid(), os.environ["NPROC"], os.environ["JAX_PLATFORMS"]

        handle = executor.submit(look)
        process, *environment = collect(executor, [handle])[handle].value
        assert process != os.getpid()
        assert environment == ["1", "cpu"]

    def test_a_worker_that_dies_is_replaced_and_its_call_done_again(self, executor: Executor, tmp_path: Path) -> None:
        flag = str(tmp_path / "died")

        def die_once() -> str:
            import os
            import signal
            from pathlib import Path

            if not Path(flag).exists():
                Path(flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return "done"

        handle = executor.submit(die_once)
        assert collect(executor, [handle]) == {handle: Outcome("done")}
        assert Path(flag).exists()

    def test_a_call_that_kills_every_worker_is_given_up(self, executor: Executor, tmp_path: Path) -> None:
        assert_a_killer_is_given_up(executor, tmp_path / "deaths")

    def test_what_does_not_pickle_is_an_error_in_words(self, executor: Executor) -> None:
        def fail() -> None:
            class OddError(Exception):
                def __reduce__(self) -> str:
                    raise TypeError("no")

            raise OddError("what went wrong")

        def make_lock() -> object:
            import threading

            return threading.Lock()

        bad, lock = executor.submit(fail), executor.submit(make_lock)
        outcomes = collect(executor, [bad, lock])
        assert str(outcomes[bad].error) == "OddError: what went wrong"
        assert isinstance(outcomes[lock].error, TypeError)

    def test_a_wait_ends_at_its_time(self, executor: Executor, tmp_path: Path) -> None:
        gate = str(tmp_path / "gate")

        def hold() -> None:
            import time
            from pathlib import Path

            while not Path(gate).exists():
                time.sleep(0.01)

        handle = executor.submit(hold)
        assert executor.wait([handle], 0.05) == {}
        Path(gate).touch()
        assert collect(executor, [handle]) == {handle: Outcome(None)}


def test_closing_ends_busy_workers_and_leaves_the_environment() -> None:
    def look_and_sleep(seconds: float) -> int:
        import os
        import time

        time.sleep(seconds)
        return os.getpid()

    environment = dict(os.environ)
    with open_executor("processes", 1) as executor:
        handle = executor.submit(look_and_sleep, 0.0)
        process = collect(executor, [handle])[handle].value
        executor.submit(look_and_sleep, 600.0)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert dict(os.environ) == environment


@needs_proc
@pytest.mark.parametrize(
    "engine",
    [
        "processes",
        pytest.param("dask", marks=pytest.mark.dask),
        pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
)
def test_closing_ends_workers_that_hang(engine: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with open_executor(engine, 1) as executor:
        stopped = wait_for_stops(executor, [executor.submit(make_hang(pids))], pids)
    wait_until_gone(stopped)


@pytest.fixture(scope="module")
def dask_executor() -> Iterator[Executor]:
    with open_executor("dask", 2) as executor:
        yield executor
    executor.close()


@pytest.mark.dask
class TestDask(WorkerContract):
    @pytest.fixture
    def executor(self, dask_executor: Executor) -> Executor:
        return dask_executor

    def test_workers_have_one_thread_and_their_own_environment(self, executor: Executor) -> None:
        from hfscale.runtime.executors.dask import DaskExecutor

        def look() -> tuple[str, str]:
            import os

            return os.environ["NPROC"], os.environ["JAX_PLATFORMS"]

        assert isinstance(executor, DaskExecutor)
        assert list(executor.client.nthreads().values()) == [1, 1]
        handle = executor.submit(look)
        assert collect(executor, [handle])[handle].value == ("1", "cpu")

    def test_a_client_of_the_user_is_used_and_left_open(self, executor: Executor) -> None:
        from hfscale.runtime.executors.dask import DaskExecutor

        assert isinstance(executor, DaskExecutor)
        with DaskExecutor(executor.client) as guest:
            handle = guest.submit(make_half(), 4)
            assert collect(guest, [handle]) == {handle: Outcome(2.0)}
        assert executor.client.status == "running"

    @needs_proc
    def test_a_worker_of_the_users_cluster_that_hangs_is_left_alone(self, executor: Executor, tmp_path: Path) -> None:
        from hfscale.runtime.executors.dask import DaskExecutor

        assert isinstance(executor, DaskExecutor)
        with DaskExecutor(executor.client) as guest:
            hanging = guest.submit(make_hang(tmp_path / "pids"))
            (pid,) = wait_for_stops(guest, [hanging], tmp_path / "pids")
            guest.abandon([hanging])
            # None of these is given to the worker that hangs.
            assert len(collect(guest, [guest.submit(make_half(), number) for number in range(8)])) == 8
            assert is_stopped(pid)
            os.kill(pid, signal.SIGCONT)
            while guest.client.processing()[worker_of(guest, pid)]:
                time.sleep(0.05)
            assert list(guest.running([])) == []
        assert is_alive(pid)


def worker_of(executor: "DaskExecutor", pid: int) -> str:
    """Return the address of a Dask worker."""
    (address,) = (address for address, process in executor.client.run(os.getpid).items() if process == pid)
    return str(address)


@pytest.mark.dask
def test_a_dask_executor_leaves_no_settings_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import logging
    import os

    import dask
    import distributed

    from hfscale.runtime.executors.workers import WORKER_ENVIRONMENT

    monkeypatch.setenv("NPROC", "7")
    names = [*os.environ, *WORKER_ENVIRONMENT]
    environment = {name: os.environ.get(name) for name in names}
    config = dask.config.get("distributed.nanny.pre-spawn-environ")
    level = logging.getLogger("distributed").level
    with open_executor("dask", 1) as executor:
        handle = executor.submit(os.getenv, "NPROC")
        assert collect(executor, [handle]) == {handle: Outcome("1")}
    assert {name: os.environ.get(name) for name in names} == environment
    assert dask.config.get("distributed.nanny.pre-spawn-environ") == config
    assert logging.getLogger("distributed").level == level
    with pytest.raises(ValueError, match="No clients"):
        distributed.default_client()


@pytest.fixture(scope="module")
def ray_executor() -> Iterator[Executor]:
    with open_executor("ray", 2) as executor:
        yield executor
    executor.close()


@pytest.mark.ray
@pytest.mark.slow
class TestRay(WorkerContract):
    @pytest.fixture
    def executor(self, ray_executor: Executor) -> Executor:
        return ray_executor

    def test_actors_have_one_thread(self, executor: Executor) -> None:
        def look() -> tuple[str, ...]:
            import os

            return tuple(os.environ[name] for name in ("NPROC", "OMP_NUM_THREADS", "JAX_PLATFORMS"))

        handle = executor.submit(look)
        assert collect(executor, [handle])[handle].value == ("1", "1", "cpu")

    def test_a_call_that_kills_every_actor_is_given_up_and_says_nothing_on_standard_output(
        self, executor: Executor, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert_a_killer_is_given_up(executor, tmp_path / "deaths")
        assert capfd.readouterr().out == ""

    def test_nothing_is_left_in_the_environment(self, executor: Executor) -> None:
        assert not [name for name in os.environ if name.startswith("RAY_")]


GUEST = """
import os, sys
from hfscale.runtime.executors.choose import Cluster, open_executor

with open_executor("ray", cluster=Cluster(ray_address=sys.argv[1])) as executor:
    handle = executor.submit(os.getenv, "NPROC")
    sys.stdout.write(f"{executor.slots()} {executor.wait([handle], 120.0)[handle].value}")
"""


@pytest.mark.ray
@pytest.mark.slow
def test_a_cluster_that_runs_is_joined_and_left_running() -> None:
    with open_executor("ray", 2) as host:
        import ray
        from ray._private.worker import _global_node

        address, folder = ray.get_runtime_context().gcs_address, Path(_global_node.get_session_dir_path()).parents[1]
        # The address of a real cluster is that of a machine; the second is for one on loopback.
        access = {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
        access |= {"RAY_AUTH_TOKEN_PATH": str(folder / "token"), "PYTHONPATH": str(Path(__file__).parents[2])}
        guest = subprocess.run(
            [sys.executable, "-c", GUEST, address],
            env={**os.environ, **access},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert guest.stdout == "2 1", guest.stderr
        handle = host.submit(make_half(), 4)
        assert collect(host, [handle]) == {handle: Outcome(2.0)}


def test_without_ray_its_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"hfscale\[ray\]"):
        open_executor("ray", 1)
    with pytest.raises(InputError, match=r"hfscale\[ray\]"):
        open_executor("ray", 1, Cluster(ray_address="auto", insecure=True))


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="no executor 'slurm'"):
        open_executor("slurm")


@pytest.mark.parametrize(
    ("asked", "workers", "tasks", "seconds", "chosen"),
    [
        ("local", 8, 100, 1e6, "local"),
        ("dask", 8, 1, 0.1, "dask"),
        ("auto", 8, 100, 1.0, "local"),
        ("auto", 8, 100, 100.0, "processes"),
        ("auto", 8, 1, 100.0, "local"),
        ("auto", 1, 100, 100.0, "local"),
    ],
)
def test_auto_takes_worker_processes_only_where_they_save_time(
    asked: Any, workers: int, tasks: int, seconds: float, chosen: str
) -> None:
    assert choose_executor(asked, workers, tasks, seconds) == chosen
