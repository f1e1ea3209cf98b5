"""The verbs ``workspace ...``: changing workspaces, with pyhf's meaning of each."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from hfscale.cli.messages import inform, write, write_json, write_table
from hfscale.cli.options import json_option, loudness_options
from hfscale.cli.verbs import Verbs
from hfscale.errors import InputError

_Command = TypeVar("_Command", bound=Callable[..., Any])
_EPILOG = """\b
Examples:
  hfscale workspace prune workspace.json --channel VR -o fitted.json
  hfscale workspace prune workspace.json --modifier JES --in-channel CR -o less.json
  hfscale workspace prune workspace.json --effect 0.005 -o small.json
  hfscale workspace rename workspace.json --channel SR=SR_low -o renamed.json
  hfscale workspace combine a.json b.json --join outer -o both.json
  hfscale workspace sort workspace.json -o sorted.json
  hfscale workspace digest workspace.json
  hfscale workspace from-xml config/FitConfig.xml -o workspace.json
  hfscale workspace to-xml workspace.json -o xml
  hfscale workspace check workspace.json"""

_WRITING_OPTIONS = (
    click.option("-o", "--output", metavar="FILE", help="Where to write the workspace; to standard output by default."),
    click.option("--json", "as_json", is_flag=True, help="With -o, write what is in the new workspace as JSON."),
    loudness_options,
)


def _writing_options(command: _Command) -> _Command:
    """Add -o, --json and the loudness."""
    for option in reversed(_WRITING_OPTIONS):
        command = option(command)
    return command


@click.group("workspace", cls=Verbs, epilog=_EPILOG)
def workspace_command() -> None:
    """Prune, rename, combine, sort and check workspaces, and convert them from and to XML."""


def _new_names(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if not all(separator and old and new for old, separator, new in pairs):
        raise click.BadParameter("give OLD=NEW", context, parameter)
    return {old: new for old, _, new in pairs}


def _named(
    callback: Callable[..., Any] | None, metavar: str, *kinds: str
) -> Callable[[_Command], _Command]:  # fmt: skip
    """Add a repeatable option for each kind of part."""

    def add(command: _Command) -> _Command:
        for kind in reversed(kinds):
            option = click.option(
                f"--{kind}", f"{kind.replace('-', '_')}s", multiple=True, callback=callback, metavar=metavar
            )
            command = option(command)
        return command

    return add


_PRUNE_EPILOG = """\b
Names are left out everywhere, as with pyhf prune. With --in-channel or --in-sample, the modifiers that are named go
there alone. --effect leaves out the normsys and histosys below a relative effect in every bin, as hfscale prune, which
reports each of them."""


@workspace_command.command("prune", epilog=_PRUNE_EPILOG)
@click.argument("workspace")
@_named(None, "NAME", "modifier", "modifier-type", "sample", "channel", "measurement", "in-channel", "in-sample")
@click.option("--effect", type=click.FloatRange(min=0.0), metavar="X", help="Least relative effect of what is kept.")
@_writing_options
def prune_parts_command(
    workspace: str, output: str | None, as_json: bool, effect: float | None, **options: Any
) -> None:  # fmt: skip
    """Leave out modifiers, types of modifiers, samples, channels or measurements."""
    from hfscale.interop.workspace_edits import Parts, without_modifiers_in, without_parts
    from hfscale.model.pruning import prune

    parts = Parts(**{name: options[name] for name in Parts._fields})
    inside = {"channels": options["in_channels"], "samples": options["in_samples"]}
    limited = any(inside.values())
    if not (any(parts) or effect is not None):
        raise InputError("nothing is to be left out", remedy="name parts of the workspace, or give --effect")
    if limited and (not parts.modifiers or any(parts._replace(modifiers=()))):
        raise InputError(
            "--in-channel and --in-sample are for modifiers alone", remedy="give --modifier, and other parts apart"
        )
    document: Any = workspace
    if limited:
        document = without_modifiers_in(document, parts.modifiers, **inside)
    elif any(parts):
        document = without_parts(document, parts)
    if effect is not None:
        found = prune(document, effect)
        document = found.workspace
        inform(f"{found.report.n_dropped} of {len(found.report.rows)} modifiers have a smaller effect and are left out")
    _write(document, output, as_json)


@workspace_command.command("rename")
@click.argument("workspace")
@_named(_new_names, "OLD=NEW", "modifier", "sample", "channel", "measurement")
@_writing_options
def rename_command(workspace: str, output: str | None, as_json: bool, **names: Any) -> None:
    """Rename modifiers, samples, channels or measurements; a POI goes with its modifier."""
    from hfscale.interop.workspace_edits import NewNames, renamed

    if not any(names.values()):
        raise InputError("nothing is to be renamed", remedy="give for example --channel OLD=NEW")
    _write(renamed(workspace, NewNames(**names)), output, as_json)


@workspace_command.command("combine")
@click.argument("left")
@click.argument("right")
@click.option(
    "--join", type=click.Choice(["none", "outer", "left outer", "right outer"]), default="none", show_default=True
)
@click.option("--merge-channels", is_flag=True, help="Join the samples of channels of equal name.")
@_writing_options
def combine_workspaces_command(
    left: str, right: str, output: str | None, as_json: bool, join: str, merge_channels: bool
) -> None:
    """Join two workspaces as pyhf combine; hfscale combine joins their patchsets too."""
    from hfscale.interop.workspace_edits import joined

    _write(joined(left, right, join, merge_channels), output, as_json)


@workspace_command.command("sort")
@click.argument("workspace")
@_writing_options
def sort_command(workspace: str, output: str | None, as_json: bool) -> None:
    """Sort all parts by their names."""
    from hfscale.interop.workspace_edits import sorted_workspace

    _write(sorted_workspace(workspace), output, as_json)


@workspace_command.command("digest")
@click.argument("workspace")
@click.option("--algorithm", default="sha256", show_default=True, metavar="NAME", help="sha256, md5, ...")
@json_option
@loudness_options
def digest_command(workspace: str, algorithm: str, as_json: bool) -> None:
    """Print the digest that patchsets name."""
    from hfscale.interop.workspace_edits import digest_of

    digest = digest_of(workspace, algorithm)
    if as_json:
        write_json({algorithm: digest})
    else:
        write(f"{algorithm}:{digest}")


@workspace_command.command("from-xml")
@click.argument("config")
@click.option("--basedir", default=".", show_default=True, metavar="FOLDER", help="What paths in the files begin at.")
@_writing_options
def from_xml_command(config: str, basedir: str, output: str | None, as_json: bool) -> None:
    """Make a workspace from the XML and ROOT files of HistFactory; needs the extra xml."""
    from hfscale.interop.xml_files import from_xml

    _write(from_xml(config, basedir), output, as_json)


@workspace_command.command("to-xml")
@click.argument("workspace")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="New folder for the XML and ROOT files.")
@click.option("--prefix", default="FitConfig", show_default=True, metavar="NAME", help="What names begin with.")
@json_option
@loudness_options
def to_xml_command(workspace: str, output: str, prefix: str, as_json: bool) -> None:
    """Write a workspace as XML and ROOT files of HistFactory; needs the extra xml."""
    from hfscale.interop.xml_files import to_xml

    to_xml(workspace, output, prefix)
    inform(f"wrote {output}")
    if as_json:
        write_json({"output": output})


@workspace_command.command("check")
@click.argument("workspace")
@click.option("--ratio", type=click.FloatRange(min=1.0), default=3.0, show_default=True, help="Largest up over down.")
@click.option(
    "--threshold", type=click.FloatRange(min=0.0), default=0.005, show_default=True, help="Least effect that counts."
)
@json_option
@loudness_options
def check_command(workspace: str, ratio: float, threshold: float, as_json: bool) -> None:
    """List variations that are one-sided, very uneven, or without effect."""
    from hfscale.workspace.single import read_workspace
    from hfscale.workspace.symmetry import odd_variations

    found = odd_variations(read_workspace(workspace).content, ratio, threshold)
    if as_json:
        write_json([{**one._asdict(), "bins": list(one.bins)} for one in found])
        return
    rows = [(*one[:5], ", ".join(map(str, one.bins)) or "all", f"{one.up:+.3g}", f"{one.down:+.3g}") for one in found]
    write_table(("channel", "sample", "modifier", "type", "finding", "bins", "up", "down"), rows)
    inform(f"{len(found)} variations to look at")


def _write(document: Mapping[str, Any], output: str | None, as_json: bool) -> None:
    from hfscale.exporting.writing import check_file, write_file

    if output is None:
        write_json(document)
        return
    check_file(Path(output))
    write_file(Path(output), json.dumps(document, indent=1, allow_nan=False).encode())
    inform(f"wrote {output}")
    if as_json:
        write_json({"output": output, **_summary(document)})


def _summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """Digest and names of parts of a workspace."""
    import pyhf.utils

    samples = [sample for channel in document["channels"] for sample in channel["samples"]]
    modifiers = [modifier["name"] for sample in samples for modifier in sample["modifiers"]]
    return {
        "digest": pyhf.utils.digest(dict(document)),
        "channels": [channel["name"] for channel in document["channels"]],
        "samples": list(dict.fromkeys(sample["name"] for sample in samples)),
        "modifiers": list(dict.fromkeys(modifiers)),
        "measurements": [measurement["name"] for measurement in document["measurements"]],
    }
