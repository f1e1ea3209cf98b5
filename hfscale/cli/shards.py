"""Verbs that split a campaign among independent processes: ``plan`` and ``worker``."""

from typing import TYPE_CHECKING, get_args

import click

from hfscale.cli.compute import SOME_FAILED, print_plan
from hfscale.cli.environment import keep_compiled_programs, use_device
from hfscale.cli.messages import inform, say, watching
from hfscale.cli.options import json_option, loudness_options, metrics_option
from hfscale.runtime.crossover import choose_device
from hfscale.runtime.devices import CPU, AskedDevice

if TYPE_CHECKING:
    from hfscale.sharding import ShardSummary

_PLAN_EPILOG = """\b
Examples:
  hfscale plan campaign.yaml -o results.zarr
  hfscale plan campaign.yaml --set run.task_points=4 --json

\b
hfscale worker computes what is planned, and hfscale run in one go. Paths in the file are relative to it.
The same command again describes the store that it has made."""


@click.command("plan", epilog=_PLAN_EPILOG)
@click.argument("campaign", type=click.Path())
@click.option("-o", "--output", "store", metavar="STORE", help="Store to make; that of the file by default.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value of the file; repeatable.")
@json_option
@loudness_options
def plan_command(campaign: str, store: str | None, overrides: tuple[str, ...], as_json: bool) -> int:
    """Make the store of a campaign and plan its tasks, but run nothing."""
    from hfscale.api import prepare_campaign
    from hfscale.driver import create
    from hfscale.plan.campaign import load_campaign

    declared = load_campaign(campaign, overrides)
    if store is not None:
        declared = declared.model_copy(update={"store": store})
    preparation = prepare_campaign(declared)
    if not preparation.continues:
        create(preparation)
    inform(f"to compute it in N processes: hfscale worker {preparation.path} --shard i/N, with i from 0 to N-1")
    return print_plan(preparation, as_json)


_WORKER_EPILOG = """\b
Examples:
  hfscale worker results.zarr --shard 0/4
  hfscale worker results.zarr --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT --help-others

\b
Shards need no scheduler and open no port. They can be run in any order or at the same time, on machines that share the
store's folder; killed, run again, run twice, or with another N. Adaptive toys are planned in rounds: run all shards
again until none says that further rounds may come, or let them help others, as the jobs of hfscale submit do."""


@click.command("worker", epilog=_WORKER_EPILOG)
@click.argument("store", type=click.Path())
@click.option("--shard", "text", default="0/1", show_default=True, metavar="i/N", help="Which share of the tasks.")
@click.option(
    "--help-others",
    is_flag=True,
    help="Go on with tasks of other shards when those of this one are done, until nothing is left in the store.",
)
@click.option(
    "--device",
    type=click.Choice(get_args(AskedDevice)),
    default="cpu",
    show_default=True,
    help="What to compute on, as for hfscale run; of several GPUs, the first that this process sees.",
)
@metrics_option
@loudness_options
def worker_command(store: str, text: str, help_others: bool, device: AskedDevice) -> int:
    """Do one share of the tasks of a store, one after the other; SIGTERM drops the running one and ends with code 3."""
    from hfscale.sharding import Shard, fits_per_task, run_shard

    shard = Shard.parse(text)
    chosen = choose_device(device, fits_per_task(store)) if device != "cpu" else CPU
    use_device(chosen.kind)
    keep_compiled_programs()
    summary = run_shard(store, shard, watching=watching(), help_others=help_others, device=chosen.kind)
    return _report(summary, text)


def _report(summary: "ShardSummary", shard: str) -> int:
    for name, reason in summary.failures.items():
        say(f"failed: {name}: {reason}", "failed", point=name, reason=reason)
    if summary.failed_toys:
        say(f"{summary.failed_toys} toys with failed fits", "failed_toys", number=summary.failed_toys)
    inform(
        f"shard {shard}: {summary.tasks} tasks, {summary.found} of them done before; {summary.elsewhere} left elsewhere"
    )
    if summary.more_rounds:
        inform("further rounds of toys are planned when all tasks are done: run the shards again then")
    return SOME_FAILED if summary.failures or summary.failed_toys else 0
