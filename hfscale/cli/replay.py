"""The verb ``replay``."""

import math
from typing import TYPE_CHECKING, Any, get_args

import click

from hfscale.cli.completing import complete_points
from hfscale.cli.environment import keep_compiled_programs
from hfscale.cli.messages import inform, say, write_fields, write_json, write_table
from hfscale.cli.options import json_option, loudness_options
from hfscale.inference.toys.settings import Hypothesis

if TYPE_CHECKING:
    from hfscale.replaying import Replay

_FAILED = 1
_EPILOG = """\b
Examples:
  hfscale replay toys.zarr --point sbottom_1300_205_60 --hypothesis sb --toy 17
  hfscale replay toys.zarr --point sbottom_1300_205_60 --hypothesis b --toy 3 --workspace toy.json

\b
Exit codes: 0 done; 1 done, but a fit of the toy failed; 2 bad input."""


@click.command("replay", epilog=_EPILOG)
@click.argument("store", type=click.Path())
@click.option("--point", required=True, metavar="NAME", shell_complete=complete_points, help="Signal point.")
@click.option(
    "--hypothesis",
    required=True,
    type=click.Choice(get_args(Hypothesis)),
    help="What the toy is thrown from: the tested hypothesis (sb) or the other one (b).",
)
@click.option("--toy", required=True, type=int, metavar="K", help="Index of the toy, also of one that was never run.")
@click.option("--mu", type=float, help="Tested value of the POI, where the store has several.")
@click.option("--seed", type=int, metavar="N", help="Seed of the toy; that of the store by default.")
@click.option("--workspace", metavar="FILE", help="Write the toy as a workspace of pyhf.")
@json_option
@loudness_options
def replay_command(store: str, point: str, as_json: bool, **options: Any) -> int:
    """Throw one toy of a store again, and show what each of its fits did."""
    from hfscale.replaying import replay

    keep_compiled_programs()
    found = replay(store, point, **options)
    if options["workspace"] is not None:
        inform(f"wrote {options['workspace']}")
    if as_json:
        write_json(found.to_json())
    else:
        _write(found)
    if found.result.reason:
        say(f"failed: {found.result.reason}", "failed", point=point, toy=found.toy)
        return _FAILED
    return 0


def _write(found: "Replay") -> None:
    result = found.result
    write_fields(
        {
            "point": found.point,
            "toy": f"{found.toy} of {found.hypothesis}, seed {found.seed}, testing {found.mu:g}",
            "status": result.status.name.lower(),
            "q": _exact(result.q),
            "mu_hat": _exact(result.mu_hat),
            "-2 ln L": f"{_exact(result.twice_nll_conditional)} conditional, {_exact(result.twice_nll_free)} free",
            "in the store": _comparison(found),
        }
    )
    attempts = [
        (
            f"{fit.fit}: from {fit.start}",
            str(fit.iterations),
            _exact(fit.twice_nll),
            fit.status.name.lower(),
            fit.outcome,
        )
        for fit in result.fits
    ]
    write_table(("fit", "iterations", "-2 ln L", "status", "outcome"), attempts)
    conditional, free = (result.minimum(fit).parameters for fit in ("conditional", "free"))
    values = [
        (name, *(f"{value:.6g}" for value in (thrown_with, conditional[name], free[name])))
        for name, thrown_with in found.thrown_with.items()
    ]
    write_table(("parameter", "thrown with", "conditional", "free"), values)


def _exact(value: float) -> str:
    return f"{value:.9g}" if math.isfinite(value) else "-"


def _comparison(found: "Replay") -> str:
    stored = found.stored
    if stored is None:
        return "this toy was never run"
    if found.identical:
        return "the same to the last bit"
    status = stored.status.name.lower()
    if found.difference is None:
        return f"{status}, q {_exact(stored.q)}"
    return f"{status}, q {_exact(stored.q)}: {found.difference:+.2g} here"
