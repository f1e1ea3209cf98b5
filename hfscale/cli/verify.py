"""The verb ``verify``."""

from typing import TYPE_CHECKING

import click

from hfscale.cli.messages import inform, write, write_json
from hfscale.cli.options import json_option, loudness_options

if TYPE_CHECKING:
    from hfscale.store.verifying.damage import Damage

DAMAGED = 1

_NAMED_POINTS = 3

_EPILOG = """\b
Examples:
  hfscale verify results.zarr
  hfscale verify results.zarr --forget && hfscale run campaign.yaml

\b
Exit codes: 0 nothing is damaged; 1 something is, or, with --forget, something that cannot be computed again;
2 there is no store. Others may write to the store meanwhile."""


@click.command("verify", epilog=_EPILOG)
@click.argument("store", type=click.Path())
@click.option(
    "--forget",
    "forgets",
    is_flag=True,
    help="Remove the markers of tasks whose results are damaged, so that the command that made the store computes"
    " them again.",
)
@json_option
@loudness_options
def verify_command(store: str, forgets: bool, as_json: bool) -> int:
    """Find missing, torn, altered and foreign pieces of a store, and say what to do about each."""
    from hfscale.store.verifying.verify import forget, verify

    found = verify(store)
    forgotten = forget(found) if forgets else ()
    if as_json:
        write_json({**found.to_json(), "forgotten": list(forgotten)})
    else:
        for damage in found.damage:
            _write(damage)
    inform(f"{found.tasks} finished tasks checked, {len(found.damage)} damaged pieces in {found.path}")
    if forgotten:
        inform(f"{len(forgotten)} tasks forgotten: run the command that made the store again to compute them")
    left = [damage for damage in found.damage if damage.task not in forgotten]
    return DAMAGED if left else 0


def _write(damage: "Damage") -> None:
    write(f"{damage.kind}: {damage.piece}: {damage.what}")
    if damage.points:
        more = len(damage.points) - _NAMED_POINTS
        names = ", ".join(damage.points[:_NAMED_POINTS])
        write(f"  task {damage.task}: {names}{f' and {more} more' if more > 0 else ''}")
    write(f"  remedy: {damage.remedy}")
