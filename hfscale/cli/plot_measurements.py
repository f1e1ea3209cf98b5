"""Verbs of ``plot`` about measurements: pulls, correlations, rankings, groups, yields with data, and templates."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hfscale.cli.fit import patterns_of
from hfscale.cli.messages import inform, say
from hfscale.cli.pictures import check_outputs, look_options, picture_options, point_option, write_figure
from hfscale.cli.prediction import take_yields, yield_options
from hfscale.errors import SelectionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DATA_MC_EPILOG = """\b
Examples:
  hfscale plot data-mc workspace.json -o before.pdf
  hfscale plot data-mc fit.zarr --channel SR --log -o after.png
  hfscale plot data-mc validation.json --fit-from fit.zarr --merge 'top=ttbar,singletop*' -o validation.pdf
  hfscale plot data-mc fit.zarr --config config.yml -o after.pdf

\b
WORKSPACE may be a store of hfscale fit or ranking: yields after its fit. Of several channels, the file of each has the
name of the channel in it (after_SR.pdf), and of several signal points that of the point too."""
_TEMPLATES_EPILOG = """\b
Examples:
  hfscale plot templates config.yml -o templates.pdf
  hfscale plot templates config.yml --folder histograms --sample 'ttbar*' --systematic JES -o jes.png

\b
CONFIG is that of hfscale templates, and the templates are those that it made. Of several, the file of each has the
names of its region, sample and systematic in it (templates_SR_ttbar_JES.pdf)."""


@click.command("pulls")
@picture_options
@point_option
@click.option("--exclude", multiple=True, metavar="GLOB", help="Parameters that are left out; repeatable.")
def pulls_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Best fit and error of every parameter of a fit, drawn by cabinetry (extra cabinetry).

    Parameters that are fixed or called staterror_... are not shown.
    """
    from hfscale import measurement_pictures

    write_figure(store, outputs, lambda results: measurement_pictures.pulls(results, options.pop("point"), **options))


@click.command("correlations")
@picture_options
@point_option
@click.option("--threshold", type=click.FloatRange(0.0, 1.0), default=0.0, show_default=True, help="Least correlation.")
def correlations_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Correlation matrix of a fit, drawn by cabinetry (extra cabinetry)."""
    from hfscale import measurement_pictures

    write_figure(
        store, outputs, lambda results: measurement_pictures.correlations(results, options.pop("point"), **options)
    )


@click.command("ranking")
@picture_options
@point_option
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Most parameters that are shown.")
def ranking_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Impacts of nuisance parameters on the POI, drawn by cabinetry (extra cabinetry)."""
    from hfscale import measurement_pictures

    write_figure(store, outputs, lambda results: measurement_pictures.ranking(results, options.pop("point"), **options))


@click.command("groups")
@picture_options
@point_option
@click.option(
    "--group",
    "patterns",
    multiple=True,
    callback=patterns_of,
    metavar="NAME=PATTERN,...",
    help="Nuisance parameters whose names match, in place of the groups of the ranking; repeatable.",
)
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Most groups that are shown.")
def groups_command(store: str, outputs: tuple[str, ...], patterns: dict[str, list[str]], **options: Any) -> None:
    """Impacts of groups of nuisance parameters on the POI, beside its whole uncertainty."""
    from hfscale import measurement_pictures

    write_figure(
        store,
        outputs,
        lambda results: measurement_pictures.groups(
            results, options.pop("point"), patterns=patterns or None, **options
        ),
    )


@click.command("data-mc", epilog=_DATA_MC_EPILOG)
@yield_options
@click.option("--channel", "channels", multiple=True, metavar="GLOB", help="Channels that are drawn; repeatable.")
@click.option("--log/--linear", default=None, help="Vertical axis; by default as the range of the yields suggests.")
@click.option("--config", metavar="CONFIG", help="Configuration of cabinetry, for the edges of bins and variables.")
@look_options
def data_mc_command(**options: Any) -> int:
    """Data over the stacked yields of every channel, before or after a fit, drawn by cabinetry (extra cabinetry)."""
    from hfscale.predictions.pictures import chosen_channels, draw_channel

    check_outputs(options["outputs"])
    found = take_yields(options)
    look = {name: options[name] for name in ("log", "config", "style", "title")}
    drawings = [
        _Drawing((*([one.name] if len(found) > 1 else []), channel), _drawer(draw_channel, one, channel, look=look))
        for one in found
        for channel in chosen_channels(one, options["channels"])
    ]
    return _write_all(options["outputs"], drawings)


@click.command("templates", epilog=_TEMPLATES_EPILOG)
@click.argument("config", metavar="CONFIG")
@click.option("--folder", metavar="FOLDER", help="Where the templates are; HistogramFolder of CONFIG by default.")
@click.option("--region", "regions", multiple=True, metavar="GLOB", help="Regions that are drawn; repeatable.")
@click.option("--sample", "samples", multiple=True, metavar="GLOB", help="The same for samples.")
@click.option("--systematic", "systematics", multiple=True, metavar="GLOB", help="The same for systematics.")
@look_options
def templates_command(
    config: str,
    folder: str | None,
    regions: tuple[str, ...],
    samples: tuple[str, ...],
    systematics: tuple[str, ...],
    **options: Any,
) -> int:
    """Templates beside their systematic variations, drawn by cabinetry (extra cabinetry)."""
    from hfscale.templating.pictures import draw_variation, list_variations

    check_outputs(options["outputs"])
    found = list_variations(config, folder, regions=regions, samples=samples, systematics=systematics)
    look = {name: options[name] for name in ("style", "title")}
    drawings = [
        _Drawing((one.region, one.sample, one.systematic), _drawer(draw_variation, one, look=look)) for one in found
    ]  # fmt: skip
    return _write_all(options["outputs"], drawings)


class _Drawing(NamedTuple):
    """A figure that is yet to be drawn, and what tells it from the others."""

    names: tuple[str, ...]
    draw: "Callable[[], Figure]"


def _drawer(draw: "Callable[..., Figure]", *arguments: Any, look: dict[str, Any]) -> "Callable[[], Figure]":
    return lambda: draw(*arguments, **look)


def _write_all(outputs: Sequence[str], drawings: Sequence[_Drawing]) -> int:
    """Write one figure after the other; those that cannot be drawn are told, and are an error if there is no other.

    Raises:
        SelectionError: No figure can be drawn, or two would be one file.
    """
    from hfscale.plot.files import save_figure, with_names

    several, refused = len(drawings) > 1, []
    _refuse_equal_files(Path(outputs[0]), drawings)
    for drawing in drawings:
        try:
            figure = drawing.draw()
        except SelectionError as error:
            refused.append(error)
            continue
        for output in outputs:
            path = with_names(Path(output), drawing.names) if several else Path(output)
            save_figure(figure, path)
            inform(f"wrote {path}")
    if len(refused) == len(drawings):
        raise refused[0]
    for error in refused:
        say(f"not drawn: {error.message}")
    return 0


def _refuse_equal_files(output: Path, drawings: Sequence[_Drawing]) -> None:
    from hfscale.plot.files import with_names

    seen: dict[Path, _Drawing] = {}
    for drawing in drawings:
        first = seen.setdefault(with_names(output, drawing.names), drawing)
        if first is not drawing:
            raise SelectionError(
                f"the figures of {' '.join(first.names)!r} and {' '.join(drawing.names)!r} would be the same file",
                remedy="draw one after the other",
            )


COMMANDS = (
    pulls_command,
    correlations_command,
    ranking_command,
    groups_command,
    data_mc_command,
    templates_command,
)
"""To be added to ``plot``."""
