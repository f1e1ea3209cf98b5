"""The session: workers for an afternoon in a notebook, and the campaigns that run on them in the background."""

import copy
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hfscale import api, measurements
from hfscale.campaign_contours import draw_contours
from hfscale.errors import InputError
from hfscale.execution import execute
from hfscale.plan.campaign import Campaign, check_campaign, load_campaign
from hfscale.results import Results
from hfscale.runtime.devices import AskedDevice
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import refuse_asynchronous
from hfscale.runtime.observers import Follow, Watching
from hfscale.runtime.patience import Patience
from hfscale.session.attached import Attached, prepare_again
from hfscale.session.engines import start_engine
from hfscale.session.job import Job, Work
from hfscale.session.lane import Lane
from hfscale.session.monitor import Monitor
from hfscale.store.open import open_store
from hfscale.store.places import Place, store_place

if TYPE_CHECKING:
    import distributed

_Source = str | Path | Mapping[str, Any]
_OF_THE_SESSION = ("executor", "workers", "device", "scheduler", "ray_address", "insecure", "progress")


class Session:
    """Runs campaigns in the background, one after the other, on workers that stay for all of them.

    Everything but the constructor, which waits for the workers, `close` and `Job.result` returns at once. Models that
    workers have compiled are there for the next job. Exceptions come out of `Job.result`.

    Closing a notebook leaves stores that can be continued: `attach` finds them. A session that nobody refers to any
    more finishes its jobs and then ends its workers; the end of the process cancels them.

    Args:
        engine: ``processes``, ``dask`` or ``ray`` for worker processes on this machine; ``local`` for a thread of this
            process, or worker processes if there are to be several; the address of a Dask scheduler
            (``tls://HOST:PORT``) or the file that it wrote; ``gateway`` for a cluster of a Dask Gateway that lives as
            long as the session, ``gateway://NAME`` for one that runs; a Dask client or cluster, which stays open; or an
            executor.
        workers: Number of worker processes that are started, one per CPU by default; of no use for clusters that run.
        ray_address: Running Ray cluster for ``ray``, as `ray.init` takes it.
        insecure: Accept a cluster that is open to others, who could run code as you.
        device: What workers compute on: ``cpu``, ``gpu``, or ``auto`` for GPUs where ``hfscale doctor`` has measured
            that they are faster for tasks of toys.

    Raises:
        InputError: There is no such engine or cluster, it is not installed, the cluster is open to others, or there is
            no GPU.
    """

    def __init__(
        self,
        engine: "str | os.PathLike[str] | distributed.Client | Executor | Any" = "processes",
        *,
        workers: int | None = None,
        ray_address: str | None = None,
        insecure: bool = False,
        device: AskedDevice = "cpu",
    ) -> None:
        refuse_asynchronous(engine)
        self._lane = Lane(partial(start_engine, engine, workers, ray_address, insecure, device))
        self._jobs: list[weakref.ref[Job]] = []
        self._closed = False
        # Not at the end of the process, where Lane sees to it that nothing is waited for.
        weakref.finalize(self, self._lane.finish).atexit = False

    @property
    def dashboard_link(self) -> str | None:
        """Address of the engine's own progress page, None where it has none."""
        return self._lane.engine.dashboard_link

    def submit(self, campaign: str | Path | Mapping[str, Any] | Campaign, overrides: Sequence[str] = ()) -> Job:
        """Run a campaign, its contours included, in the background.

        What the campaign says under ``run`` of engine and workers is the session's to say; ``gather``, ``task_points``,
        ``task_toys``, ``task_parameters``, ``wait_workers`` and ``task_limit`` count.

        Args:
            campaign: A campaign file, or the mapping of its keys, with paths relative to the working directory.
            overrides: Texts ``key=value`` with dotted keys that replace values.

        Raises:
            InputError: The campaign file is wrong. What is wrong with other inputs comes out of the job.
        """
        declared = _declared(campaign, overrides)
        return self._enqueue(store_place(declared.store), partial(_run_campaign, declared))

    def cls(self, workspace: _Source, patchset: _Source | None = None, *, store: str | Path, **options: Any) -> Job:
        """Compute the CLs of every signal point in the background, see `hfscale.cls`."""
        return self._compute(api.cls, workspace, patchset, store, options)

    def limit(self, workspace: _Source, patchset: _Source | None = None, *, store: str | Path, **options: Any) -> Job:
        """Compute upper limits in the background, see `hfscale.limit`."""
        return self._compute(api.limit, workspace, patchset, store, options)

    def scan(self, workspace: _Source, patchset: _Source | None = None, *, store: str | Path, **options: Any) -> Job:
        """Scan CLs or likelihoods in the background, see `hfscale.scan`."""
        return self._compute(api.scan, workspace, patchset, store, options)

    def significance(
        self, workspace: _Source, patchset: _Source | None = None, *, store: str | Path, **options: Any
    ) -> Job:
        """Compute p0 and Z in the background, see `hfscale.significance`."""
        return self._compute(api.significance, workspace, patchset, store, options)

    def best_fit(
        self, workspace: _Source, patchset: _Source | None = None, *, store: str | Path, **options: Any
    ) -> Job:
        """Fit all parameters of every signal point in the background, see `hfscale.best_fit`."""
        return self._compute(measurements.best_fit, workspace, patchset, store, options)

    def ranking(self, workspace: _Source, patchset: _Source | None = None, *, store: str | Path, **options: Any) -> Job:
        """Rank the nuisance parameters of every signal point in the background, see `hfscale.ranking`."""
        return self._compute(measurements.ranking, workspace, patchset, store, options)

    def toys(self, store: str | Path, more: int, **options: Any) -> Job:
        """Add toys to a store in the background, see `hfscale.toys`."""
        return self._enqueue(store_place(store), _on_engine(partial(api.toys, store, more), options))

    def attach(self, store: str | Path) -> Attached:
        """Find a store that another process writes, or that was left, for instance by a notebook that was closed.

        Raises:
            StoreError: There is no store.
        """
        place = open_store(store).path
        return Attached(place, partial(self.resume, place))

    def resume(self, store: "str | Path | Place") -> Job:
        """Go on with a store in the background, with the inputs and settings that it was made with.

        Contours of a campaign file are not drawn: the store does not know them.

        Raises:
            StoreError: There is no store.
        """
        place = open_store(store if isinstance(store, str) else str(store)).path
        return self._enqueue(place, partial(_resume, place))

    def jobs(self) -> list[Job]:
        """Return the jobs that are not forgotten, in their order."""
        return [job for reference in self._jobs if (job := reference()) is not None]

    def scale(self, workers: int) -> None:
        """Have so many workers from now on, also while a job runs; for workers that the session has started.

        Raises:
            InputError: The engine is ``local`` or ``ray``, or the workers belong to a cluster that is not the
                session's: that is to be scaled itself.
        """
        if workers < 1:
            raise InputError(f"{workers} workers cannot compute anything", remedy="ask for one or more")
        engine = self._lane.engine
        if not hasattr(engine, "scale"):
            raise InputError(
                f"the number of workers of the engine {engine.name} cannot be changed",
                remedy="make another session; those on processes and dask can be scaled",
            )
        engine.scale(workers)

    def close(self) -> None:
        """Cancel all jobs, end the workers that the session started, and wait for that; stores can be continued."""
        self._closed = True
        self._lane.stop()

    def __enter__(self) -> "Session":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        engine, state = self._lane.engine, "closed" if self._closed else None
        left = sum(not job.done() for job in self.jobs())
        link = f", dashboard {engine.dashboard_link}" if engine.dashboard_link else ""
        return f"<hfscale.Session on {engine.name}: {state or f'{left} jobs to do{link}'}>"

    def _compute(
        self,
        function: Callable[..., Results],
        workspace: _Source,
        patchset: _Source | None,
        store: str | Path,
        options: Mapping[str, Any],
    ) -> Job:
        # A notebook may change its documents before their turn comes.
        documents = [copy.deepcopy(given) if isinstance(given, Mapping) else given for given in (workspace, patchset)]
        return self._enqueue(store_place(store), _on_engine(partial(function, *documents, store=store), options))

    def _enqueue(self, place: Place, work: Work) -> Job:
        if self._closed:
            raise InputError("the session is closed", remedy="make another one")
        job = Job(work, place, Monitor(str(place), self._lane.closing), self._lane.engine)
        self._jobs.append(weakref.ref(job))
        self._lane.put(job.run)
        return job


def _declared(campaign: str | Path | Mapping[str, Any] | Campaign, overrides: Sequence[str]) -> Campaign:
    if isinstance(campaign, Campaign):
        if overrides:
            raise InputError("overrides are for campaign files and mappings", remedy="change the campaign instead")
        return campaign
    if isinstance(campaign, Mapping):
        return check_campaign(campaign, overrides, folder=Path.cwd())
    return load_campaign(campaign, overrides)


def _on_engine(function: Callable[..., Results], options: Mapping[str, Any]) -> Work:
    """Return the call of a public function on an engine, with a follower."""
    for name in _OF_THE_SESSION:
        if name in options:
            raise InputError(f"{name} is not an option of a job: the session has it", remedy=f"leave {name} out")
    own = dict(options)
    return lambda engine, follow: function(executor=engine, progress=follow, **own)


def _run_campaign(campaign: Campaign, engine: Executor, follow: Follow) -> Results:
    preparation = api.prepare_campaign(campaign)
    run = campaign.run
    patience = Patience.read(run.wait_workers, run.task_limit)
    watching = Watching(follow=follow)
    results = execute(preparation, executor=engine, watching=watching, gather=run.gather, patience=patience)
    draw_contours(results, campaign)
    return results


def _resume(place: Place, engine: Executor, follow: Follow) -> Results:
    return execute(prepare_again(place), executor=engine, watching=Watching(follow=follow))
