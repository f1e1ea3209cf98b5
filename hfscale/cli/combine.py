"""The verb ``combine``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.messages import inform, say, write_json
from hfscale.cli.options import json_option, loudness_options
from hfscale.errors import InputError

if TYPE_CHECKING:
    from hfscale.workspace.combining.combine import Combination, Source

_LONGEST_LIST = 5
_EPILOG = """\b
Examples:
  hfscale combine RegionA.tar.gz RegionB.tar.gz -o AB
  hfscale combine all.tar.gz::RegionA/BkgOnly.json all.tar.gz::RegionC/BkgOnly.json -o AC --points 'sbottom_13*'
  hfscale combine bkg_a.json,patchset_a.json bkg_b.json,patchset_b.json -o AB --unmatched no-signal
  hfscale cls AB -o combined.zarr

\b
SOURCE is a folder, an archive or ARCHIVE::MEMBER whose workspace has a patchset beside it, or WORKSPACE,PATCHSET.
Parameters of equal name become one, fully correlated; the message at the end counts them, --json lists them."""


@click.command("combine", epilog=_EPILOG)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE SOURCE...")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="New folder for BkgOnly.json and patchset.json.")
@click.option(
    "--join",
    type=click.Choice(["none", "outer", "left outer", "right outer"]),
    default="outer",
    show_default=True,
    help="How measurements are joined, as in pyhf combine (where the default is none).",
)
@click.option(
    "--unmatched",
    type=click.Choice(["drop", "no-signal"]),
    default="drop",
    show_default=True,
    help="What becomes of points that not all patchsets have: left out, or without signal where they are not known.",
)
@click.option("--points", multiple=True, metavar="GLOB", help="Only points whose names match; repeatable.")
@click.option(
    "--no-verify-digest", is_flag=True, help="Accept patchsets whose digests are not those of the workspaces."
)
@json_option
@loudness_options
def combine_command(sources: tuple[str, ...], output: str, as_json: bool, **options: Any) -> None:
    """Join independent workspaces, point by point, into one likelihood; every verb takes the folder that it writes."""
    from hfscale.workspace.combining.combine import combine
    from hfscale.workspace.combining.files import check_new_folder, write_combination

    check_new_folder(output)
    verify = not options.pop("no_verify_digest")
    combination = combine([_source(text) for text in sources], verify_digest=verify, **options)
    write_combination(combination, output)
    if as_json:
        write_json(_summary(combination, output))
    if combination.unmatched:
        listed = ", ".join(combination.unmatched[:_LONGEST_LIST]) + (", ..." if len(combination.unmatched) > 5 else "")
        what = "left out" if options["unmatched"] == "drop" else "without signal where they are not known"
        say(f"{len(combination.unmatched)} points that not all patchsets have are {what}: {listed}")
    inform(
        f"{len(combination.points)} points, {len(combination.workspace['channels'])} channels,"
        f" {len(combination.shared_parameters)} parameters in common -> {output}"
    )


def _source(text: str) -> "Source":
    if "," not in text or Path(text).exists():
        return text
    workspace, *patchsets = text.split(",")
    if len(patchsets) != 1 or not workspace or not patchsets[0]:
        raise InputError(f"{text!r} is not WORKSPACE,PATCHSET", remedy="give two files with one comma between them")
    return workspace, patchsets[0]


def _summary(combination: "Combination", output: str) -> dict[str, Any]:
    return {
        "folder": output,
        "points": list(combination.points),
        "unmatched": list(combination.unmatched),
        "channels": [channel["name"] for channel in combination.workspace["channels"]],
        "shared_parameters": list(combination.shared_parameters),
    }
