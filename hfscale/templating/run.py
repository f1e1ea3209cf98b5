"""Making all templates of a configuration on an engine, and the workspace when all are there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from hfscale.store.lock import exclusive
from hfscale.templating.configuration import Config, load_config
from hfscale.templating.ledger import Layout, Ledger, finished_lines, identities, input_bytes
from hfscale.templating.making import Orders, make_template, number_of, process_template
from hfscale.templating.recipes import AskedInputs, Template, list_templates
from hfscale.templating.workspaces import write_workspace

if TYPE_CHECKING:
    import distributed

    from hfscale.runtime.executors.base import Executor

_SECONDS_PER_TEMPLATE = 0.02
_BYTES_PER_SECOND = 1e8


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
        pending: How many templates are not finished.
        seconds: Rough time for those on one process.
    """

    config: Config
    layout: Layout
    templates: tuple[Template, ...]
    wanted: Mapping[str, str]
    pending: int
    seconds: float


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
        progress: Show progress on standard error.

    Returns:
        What was made, and what failed. A failed template does not stop the others, but there is no workspace then.

    Raises:
        InputError: The configuration is wrong, or cabinetry is not installed; nothing was written.
        ModelError: The templates make no valid workspace.
        StoreError: The folder cannot be written, or another process is making templates in it.
        InterruptedRunError: The run was interrupted; the same call continues it.
    """
    cluster = Cluster(None if scheduler is None else str(scheduler), ray_address, insecure)
    check_cluster(executor, cluster)
    plan = plan_templates(config, folder, inputs=inputs)
    watching = Watching(quiet=not progress)
    return make_templates(plan, executor, workers, cluster, allow_empty=allow_empty, watching=watching)


def plan_templates(
    config: str | Path | Mapping[str, Any], folder: str | Path | None = None, *, inputs: AskedInputs = "auto"
) -> TemplatePlan:
    """Check a configuration and find out what is to be made; for the arguments and errors see `templates`."""
    document = load_config(config, folder)
    layout = Layout(Path(document["General"]["HistogramFolder"]).absolute())
    found = list_templates(document, inputs)
    wanted = identities(found)
    finished = finished_lines(layout, wanted)
    pending = [t for t in found if t.file not in finished or t.processed_file not in finished]
    seconds = len(pending) * _SECONDS_PER_TEMPLATE + input_bytes(pending) / _BYTES_PER_SECOND
    return TemplatePlan(document, layout, found, wanted, len(pending), seconds)


def make_templates(
    plan: TemplatePlan,
    executor: "AskedEngine | distributed.Client | Executor" = "auto",
    workers: int | None = None,
    cluster: Cluster = OWN_CLUSTER,
    *,
    allow_empty: bool = False,
    watching: Watching = UNSEEN,
) -> TemplateResults:
    """Make what is missing of a plan, then the workspace; for the arguments and errors see `templates`."""
    layout = plan.layout
    layout.make()
    engine: EngineName | distributed.Client | Executor
    engine = choose_executor(executor, workers, plan.pending, plan.seconds) if isinstance(executor, str) else executor
    failures: dict[str, str] = {}
    with exclusive(layout.lock), Ledger(layout, plan.wanted) as ledger:
        layout.sweep()
        kept = sum(t.processed_file in ledger.finished and t.file in ledger.finished for t in plan.templates)
        if kept < len(plan.templates):
            layout.workspace.unlink(missing_ok=True)
            orders = layout.orders(plan.wanted)
            Orders(layout.folder, layout.drafts, plan.templates, allow_empty).write(orders)
            with (
                observing(layout.journal, layout.folder.name, watching) as observers,
                as_executor(engine, workers, cluster) as started,
            ):
                failures = _Run(plan, ledger, started, observers, str(orders)).all()
            layout.sweep()
        if not failures:
            write_workspace(plan.config, layout.workspace)
    names = tuple(template.name for template in plan.templates)
    made = len(names) - kept - len(failures)
    return TemplateResults(layout.folder, names, made, kept, failures, None if failures else layout.workspace)


class _Run:
    """Makes templates on an engine, then post-processes them: smoothing needs the nominal ones."""

    def __init__(
        self, plan: TemplatePlan, ledger: Ledger, engine: "Executor", observers: Observers, orders: str
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._engine = engine
        self._observers = observers
        self._orders = orders

    def all(self) -> dict[str, str]:
        """Do both; returns name of each template that failed -> why."""
        templates = self._plan.templates
        failures = self._phase(range(len(templates)), [t.file for t in templates], make_template)
        for template in templates:
            if template.smoothing is not None and template.nominal in failures and template.name not in failures:
                failures[template.name] = f"it cannot be smoothed: its nominal template {template.nominal} failed"
        left = [k for k, template in enumerate(templates) if template.name not in failures]
        return failures | self._phase(left, [t.processed_file for t in templates], process_template)

    def _phase(
        self, numbers: Sequence[int], files: Sequence[str], function: Callable[[str, str], TaskReport]
    ) -> dict[str, str]:
        """Make those of the files that are not finished."""
        pending = [k for k in numbers if files[k] not in self._ledger.finished]
        tasks = [Task(f"{k:06d}-{self._plan.wanted[files[k]][:16]}", k, k + 1) for k in pending]
        if not tasks:
            return {}
        extent = Extent(len(tasks), len(numbers), len(numbers) - len(tasks), "templates")
        with self._observers.phase(extent, self._engine) as observe:

            def on_event(event: Event) -> None:
                observe(event)
                if event.kind == "finished" and event.task is not None:
                    self._ledger.add(files[number_of(event.task.id)])

            summary = run_tasks(tasks, self._engine, partial(function, self._orders), on_event=on_event)
        found = {self._plan.templates[number_of(task_id)]: reason for task_id, reason in summary.failures.items()}
        return {template.name: _with_origin(reason, template) for template, reason in found.items()}


def _with_origin(reason: str, template: Template) -> str:
    """A reason that names file and tree, also where it is an error of a library."""
    files = [Path(path if template.tree is not None else path.rpartition(":")[0]).name for path in template.paths]
    named = any(file in reason for file in files) and (template.tree is None or f"tree {template.tree}" in reason)
    return reason if named else f"{reason} (reading {template.origin})"
