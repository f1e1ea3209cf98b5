"""Making all templates of a configuration on an engine, and the workspace when all are there."""

import copy
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hfscale.plan.tasks import Task
from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.executors.choose import (
    OWN_CLUSTER,
    AskedEngine,
    Cluster,
    EngineName,
    as_executor,
    check_cluster,
    choose_executor,
)
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.observers import UNSEEN, Extent, Observers, Watching, observing
from hfscale.runtime.patience import DEFAULT, Patience
from hfscale.store.lock import exclusive
from hfscale.templating.configuration import Config, load_config
from hfscale.templating.ledger import Layout, Ledger, finished_lines, identities, input_bytes
from hfscale.templating.making import do_share
from hfscale.templating.orders import Orders, number_of, receipt_file
from hfscale.templating.recipes import AskedInputs, Template, list_templates
from hfscale.templating.shares import Share, cut
from hfscale.templating.workspaces import places, write_workspace

if TYPE_CHECKING:
    import distributed

    from hfscale.runtime.executors.base import Executor

_SECONDS_PER_TEMPLATE = 0.02
_BYTES_PER_SECOND = 1e8
_RETRIES = 2
"""Of tasks with one template; others are tried again template by template."""


@dataclass(frozen=True)
class TemplateResults:
    """What became of the templates of a configuration.

    Attributes:
        folder: Where they are, as cabinetry reads them.
        names: Names of all templates that the configuration needs.
        made: How many were made now.
        kept: How many were finished before.
        failures: Name of each template that could not be made -> why.
        workspace: File of the workspace; None where a template failed.
    """

    folder: Path
    names: tuple[str, ...]
    made: int
    kept: int
    failures: Mapping[str, str]
    workspace: Path | None

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {
            "folder": str(self.folder),
            "templates": len(self.names),
            "made": self.made,
            "kept": self.kept,
            "failed": [{"name": name, "reason": reason} for name, reason in self.failures.items()],
            "workspace": None if self.workspace is None else str(self.workspace),
        }


class TemplatePlan(NamedTuple):
    """What is to be made; nothing is written yet.

    Attributes:
        config: cabinetry's configuration, with the folder in it.
        layout: Where things are in the folder.
        templates: All templates.
        wanted: Identity of every file.
        pending: Number of each template that is not finished -> rough time for it, in seconds.
    """

    config: Config
    layout: Layout
    templates: tuple[Template, ...]
    wanted: Mapping[str, str]
    pending: Mapping[int, float]

    @property
    def seconds(self) -> float:
        """Rough time for what is to be made, on one process."""
        return sum(self.pending.values(), 0.0)


def templates(
    config: str | Path | Mapping[str, Any],
    folder: str | Path | None = None,
    *,
    inputs: AskedInputs = "auto",
    allow_empty: bool = False,
    executor: "AskedEngine | distributed.Client | Executor" = "auto",
    workers: int | None = None,
    scheduler: str | Path | None = None,
    ray_address: str | None = None,
    insecure: bool = False,
    wait_workers: str | None = None,
    task_limit: str | None = None,
    progress: bool = False,
) -> TemplateResults:
    """Make every template of a cabinetry configuration in parallel, post-process them, and build the workspace.

    The files are those of cabinetry's ``templates.build`` (or ``collect``) and ``postprocess``, which read them. The
    same call again makes only what is missing, or whose part of the configuration or input files changed.

    Args:
        config: YAML file of cabinetry, or its content. Paths in it are relative to the present folder.
        folder: Where to, in place of the configuration's ``HistogramFolder``. All workers must see it.
        inputs: What templates are made from: ``ntuples``, ``histograms``, or what the regions suggest.
        allow_empty: Accept templates that are zero everywhere, as cabinetry does; data may always be.
        executor: ``auto``, ``local`` (this process), ``processes``, ``dask`` or ``ray`` (worker processes on this
            machine), a Dask client, or an executor.
        workers: Number of worker processes, one per CPU by default.
        scheduler: Running Dask cluster for ``dask``.
        ray_address: Running Ray cluster for ``ray``.
        insecure: Accept a cluster that is open to others.
        wait_workers: How long to wait for workers where there is none, ``10m`` by default.
        task_limit: How long a task may run before it is stopped and tried again, for example ``2h``; found out from
            others by default.
        progress: Show progress on standard error.

    Returns:
        What was made, and what failed. A failed template does not stop the others, but there is no workspace then.

    Raises:
        InputError: The configuration is wrong, or cabinetry is not installed; nothing was written.
        ModelError: The templates make no valid workspace.
        StoreError: The folder cannot be written, another process is making templates in it, or wrote others over them.
        InterruptedRunError: The run was interrupted, or had no workers for too long; the same call continues it.
    """
    cluster = Cluster(None if scheduler is None else str(scheduler), ray_address, insecure)
    check_cluster(executor, cluster)
    patience = Patience.read(wait_workers, task_limit)
    plan = plan_templates(config, folder, inputs=inputs)
    watching = Watching(quiet=not progress)
    return make_templates(
        plan, executor, workers, cluster, allow_empty=allow_empty, watching=watching, patience=patience
    )


def plan_templates(
    config: str | Path | Mapping[str, Any], folder: str | Path | None = None, *, inputs: AskedInputs = "auto"
) -> TemplatePlan:
    """Check a configuration and find out what is to be made; for the arguments and errors see `templates`."""
    document = load_config(config, folder)
    layout = Layout(Path(document["General"]["HistogramFolder"]).absolute())
    found = list_templates(document, inputs)
    wanted = identities(found)
    finished = finished_lines(layout, wanted)
    pending = [k for k, t in enumerate(found) if t.file not in finished or t.processed_file not in finished]
    sizes = input_bytes([found[k] for k in pending])
    seconds = {k: _SECONDS_PER_TEMPLATE + size / _BYTES_PER_SECOND for k, size in zip(pending, sizes, strict=True)}
    return TemplatePlan(document, layout, found, wanted, seconds)


def make_templates(
    plan: TemplatePlan,
    executor: "AskedEngine | distributed.Client | Executor" = "auto",
    workers: int | None = None,
    cluster: Cluster = OWN_CLUSTER,
    *,
    allow_empty: bool = False,
    watching: Watching = UNSEEN,
    patience: Patience = DEFAULT,
) -> TemplateResults:
    """Make what is missing of a plan, then the workspace; for the arguments and errors see `templates`."""
    layout = plan.layout
    layout.make()
    engine: EngineName | distributed.Client | Executor
    engine = (
        choose_executor(executor, workers, len(plan.pending), plan.seconds) if isinstance(executor, str) else executor
    )
    failures: dict[str, str] = {}
    parts = None
    with exclusive(layout.lock), Ledger(layout, plan.wanted) as ledger:
        layout.sweep()
        kept = sum(t.processed_file in ledger.finished and t.file in ledger.finished for t in plan.templates)
        if kept < len(plan.templates):
            layout.workspace.unlink(missing_ok=True)
            with (
                observing(layout.journal, layout.folder.name, watching) as observers,
                as_executor(engine, workers, cluster) as started,
            ):
                run = _Run(plan, ledger, started, observers, patience, allow_empty=allow_empty)
                failures, parts = run.all(), run.parts
        if not failures:
            ledger.check()
            write_workspace(plan.config, layout.workspace, layout.drafts, parts)
        layout.sweep()
    names = tuple(template.name for template in plan.templates)
    made = len(names) - kept - len(failures)
    return TemplateResults(layout.folder, names, made, kept, failures, None if failures else layout.workspace)


class _Run:
    """Makes templates on an engine; then smooths, which needs nominal ones, and makes the parts of the workspace.

    Attributes:
        parts: Identity of the orders by which parts were made, None for none.
    """

    def __init__(
        self,
        plan: TemplatePlan,
        ledger: Ledger,
        engine: "Executor",
        observers: Observers,
        patience: Patience,
        *,
        allow_empty: bool,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._engine = engine
        self._observers = observers
        self._patience = patience
        self._allow_empty = allow_empty
        self._config = copy.deepcopy(plan.config)
        self._config["General"]["HistogramFolder"] = str(plan.layout.folder)
        self.parts: str | None = None

    def all(self) -> dict[str, str]:
        """Do everything; returns name of each template that failed -> why."""
        templates, finished = self._plan.templates, self._ledger.finished
        make = {k for k in self._plan.pending if templates[k].file not in finished}
        process = {k for k in self._plan.pending if templates[k].processed_file not in finished}
        smooth = {k for k in process if templates[k].smoothing is not None}
        first = cut(templates, make, process - smooth, self._plan.pending, self._engine.slots())
        failures = self._templates(first)
        for template in templates:
            if template.smoothing is not None and template.nominal in failures and template.name not in failures:
                failures[template.name] = f"it cannot be smoothed: its nominal template {template.nominal} failed"
        left = {k for k in smooth if templates[k].name not in failures}
        return failures | self._smoothed(left, with_parts=not failures)

    def _templates(self, shares: Sequence[Share]) -> dict[str, str]:
        total = len(self._plan.templates)
        failures, lost = self._phase(shares, "templates", total)
        if lost:
            # One of several templates: each has a task of its own now, so that it is known which.
            more, _ = self._phase(lost, "templates", total)
            failures |= more
        return failures

    def _smoothed(self, numbers: Collection[int], *, with_parts: bool) -> dict[str, str]:
        """Smooth templates, each with the part of the workspace that it belongs to."""
        regions, samples = ([item["Name"] for item in self._config[kind]] for kind in ("Regions", "Samples"))
        of_place: dict[tuple[int, int], list[int]] = {place: [] for place in places(self._config)}
        for k in sorted(numbers):
            template = self._plan.templates[k]
            of_place[regions.index(template.region), samples.index(template.sample)].append(k)
        shares = [
            Share(process=tuple(chosen), part=place if with_parts else None)
            for place, chosen in of_place.items()
            if chosen or with_parts
        ]
        failures, lost = self._phase(shares, "parts", len(shares))
        if lost:
            more, _ = self._phase(lost, "parts", len(lost))
            failures |= more
        return failures

    def _phase(
        self, shares: Sequence[Share], unit: Literal["templates", "parts"], total: int
    ) -> tuple[dict[str, str], list[Share]]:
        """Run tasks; returns the templates that failed, and what is to be tried again in smaller tasks."""
        if not shares:
            return {}, []
        tasks, function = self._ordered(shares, unit)
        extent = Extent(len(tasks), total, total - tasks[-1].stop, unit)
        alone = all(len(share.numbers) == 1 and share.part is None for share in shares)
        with self._observers.phase(extent, self._engine) as observe:

            def on_event(event: Event) -> None:
                if event.kind == "failed" and not alone:
                    event = replace(event, kind="retried")
                observe(event)
                if event.kind == "finished" and event.task is not None:
                    self._ledger.add(receipt_file(self._plan.layout.drafts, event.task.id))

            retries = _RETRIES if alone else 0
            summary = run_tasks(
                tasks, self._engine, function, retries=retries, patience=self._patience, on_event=on_event
            )
        reasons = {name: reason for report in summary.reports for name, reason in report.reasons.items()}
        failures = {t.name: _with_origin(reasons[t.name], t) for t in self._plan.templates if t.name in reasons}
        lost = []
        for task_id, reason in summary.failures.items():
            share = shares[number_of(task_id)]
            if alone:
                template = self._plan.templates[share.numbers[0]]
                failures[template.name] = _with_origin(reason, template)
            else:
                lost += share.singly()
        return failures, lost

    def _ordered(
        self, shares: Sequence[Share], unit: Literal["templates", "parts"]
    ) -> tuple[list[Task], Callable[[str], TaskReport]]:
        """Write the orders for workers; returns the tasks, and the function that does them."""
        layout = self._plan.layout
        # A task that an earlier run left to itself, even one of the same shares, must not be taken for one of these.
        identity = uuid.uuid4().hex[:16]
        if any(share.part is not None for share in shares):
            self.parts = identity
        orders = layout.orders(identity)
        templates, finished = self._plan.templates, dict(self._ledger.finished)
        Orders(self._config, layout.drafts, templates, tuple(shares), self._allow_empty, finished).write(orders)
        tasks: list[Task] = []
        for k, share in enumerate(shares):
            begun = tasks[-1].stop if tasks else 0
            size = len(share.numbers) if unit == "templates" else 1
            tasks.append(Task(f"{k:06d}-{identity}", begun, begun + size))
        return tasks, partial(do_share, str(orders))


def _with_origin(reason: str, template: Template) -> str:
    """A reason that names file and tree, also where it is an error of a library."""
    files = [Path(path if template.tree is not None else path.rpartition(":")[0]).name for path in template.paths]
    named = any(file in reason for file in files) and (template.tree is None or f"tree {template.tree}" in reason)
    return reason if named else f"{reason} (reading {template.origin})"
