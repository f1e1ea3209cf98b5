"""What an engine must offer to the loop."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from hfscale.fit.kinds import DeviceKind


@dataclass(frozen=True)
class Outcome:
    """How a call ended: with a value, or with the error that it raised.

    Attributes:
        value: What the function returned; None if it raised.
        error: What it raised; None if it returned. An error that must not be tried again is a
            `hfscale.errors.TaskError`: the engine lost the call several times, for example because it kills workers.
    """

    value: Any = None
    error: Exception | None = None


@runtime_checkable
class Executor(Protocol):
    """An engine that runs calls. Not safe for use by several threads.

    Attributes:
        name: Name of the engine, as on the command line.
        dashboard_link: Address of the engine's own progress page, or None.
        device: What its workers compute on.
    """

    name: str
    dashboard_link: str | None
    device: DeviceKind = "cpu"

    def slots(self) -> int:
        """Return how many calls can run at the same time now; at least one."""
        ...

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Hand over one call and return a handle for it, at once. Function, arguments and result must pickle."""
        ...

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait until at least one of these calls ended, and return all that did; a returned handle is used up.

        Args:
            handles: Handles from `submit`, each not returned before.
            timeout: Seconds after which to return an empty mapping, None for no limit. A limit may be passed over
                by an engine that computes while it waits.
        """
        ...

    def idle(self) -> int:
        """Return how many of the slots have nothing to do now."""
        ...

    def has_workers(self) -> bool:
        """Say whether there is a worker; engines that start their own always have some, or will have them soon."""
        return True

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return those of these calls that workers have and did not end yet, as far as is known now."""
        ...

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Forget calls. Those that run may go on to their end; nobody hears of it."""
        ...

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Forget calls that may hang, and end the workers that run them if they are the engine's own.

        Such workers are replaced. One that belongs to somebody else keeps the call, and is avoided until that ends.
        """
        ...

    def close(self) -> None:
        """Stop what was started; a second time does nothing."""
        ...

    def __enter__(self) -> "Executor":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
