"""The verb ``plot``: pictures of the results in a store."""

from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.completing import complete_labels
from hfscale.cli.pictures import picture_options, point_option, write_picture
from hfscale.cli.plot_measurements import COMMANDS
from hfscale.cli.verbs import Verbs
from hfscale.errors import SelectionError

if TYPE_CHECKING:
    from hfscale.pictures import Picture
    from hfscale.results import Results

_EPILOG = """\b
Examples:
  hfscale plot brazil scan.zarr --point gluino_2000_1 -o brazil.pdf
  hfscale plot brazil toylimits.zarr --point gluino_2000_1 -o brazil.pdf
  hfscale plot brazil limits.zarr -x m_gluino --select "m_lsp == 1" -o limits.pdf
  hfscale plot profile profile.zarr --point gluino_2000_1 -o profile.pdf
  hfscale plot profile plane.zarr --point gluino_2000_1 -o plane.pdf --csv plane.csv
  hfscale plot toys toys.zarr --point gluino_2000_1 -o q.pdf
  hfscale plot spent toys.zarr -x m_gluino -y m_lsp -o spent.pdf
  hfscale plot pulls fit.zarr -o pulls.pdf
  hfscale plot correlations fit.zarr --threshold 0.2 -o correlations.pdf
  hfscale plot ranking ranking.zarr --most 20 -o ranking.pdf
  hfscale plot groups ranking.zarr --group "jets=JET_*" -o groups.pdf
  hfscale plot data-mc fit.zarr --log -o data.pdf
  hfscale plot templates config.yml --systematic "JES*" -o templates.pdf"""

_select_option = click.option("--select", metavar="EXPR", help="Which points to draw, for example 'm_lsp == 1'.")
_level_option = click.option(
    "--level", type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True), default=0.05, show_default=True
)


@click.group("plot", cls=Verbs, epilog=_EPILOG)
def plot_command() -> None:
    """Draw CLs against the POI, upper limits, profile likelihoods, toys, fits, rankings, yields and templates."""


for _command in COMMANDS:
    plot_command.add_command(_command)


@plot_command.command("brazil")
@picture_options
@point_option
@click.option(
    "-x", "x", metavar="EXPR", shell_complete=complete_labels, help="Axis of upper limits, an expression of the labels."
)
@_select_option
@click.option(
    "--level",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    help="CLs at the limits that are marked.  [default: 0.05, or that of the limits in the store]",
)
@click.option("--log", is_flag=True, help="Draw CLs on a logarithmic axis, as limits always are.")
def brazil_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Observed and expected results with their bands.

    CLs of one signal point against the POI, from a scan or from limits from toys; or, with -x, upper limits against a
    label, from any limits.
    """
    from hfscale import pictures
    from hfscale.reading.curves import has_curves

    def draw(results: "Results") -> "Picture":
        look = {"style": options["style"], "title": options["title"]}
        holds_limits = results.store.settings["calculation"].get("kind") == "limit"
        if not holds_limits:
            _refuse(options, "x", "select", why="upper limits, which this store does not hold")
        if options["x"] is not None:
            _refuse(options, "point", why="curves of CLs against the POI, and -x is for upper limits")
            return pictures.limits(results, options["x"], options["select"], **look)
        if holds_limits and not has_curves(results.store):
            raise SelectionError("upper limits are drawn against a label", remedy="name it with -x")
        _refuse(options, "select", why="upper limits, whose axis -x names")
        return pictures.brazil(results, options["point"], level=options["level"], log=options["log"], **look)

    write_picture(store, outputs, draw)


@plot_command.command("profile")
@picture_options
@point_option
@click.option("--csv", metavar="FILE", help="Also write the contours of two parameters as CSV.")
def profile_command(store: str, outputs: tuple[str, ...], csv: str | None, **options: Any) -> None:
    """Profile likelihood of a signal point: a curve with lines at t = 1 and 3.84, or contours of 68.3 and 95 %."""
    from hfscale import pictures

    write_picture(store, outputs, lambda results: pictures.profile(results, options.pop("point"), **options), csv)


@plot_command.command("toys")
@picture_options
@point_option
@click.option("--poi", type=float, metavar="MU", help="Tested POI value, of a store with several.")
def toys_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Test statistic of toys of both hypotheses, its asymptotic distributions and the observed value."""
    from hfscale import pictures

    write_picture(store, outputs, lambda results: pictures.toys(results, options.pop("point"), **options))


@plot_command.command("spent")
@picture_options
@click.option("-x", "x", required=True, metavar="EXPR", help="Horizontal axis, an expression of the labels.")
@click.option("-y", "y", required=True, metavar="EXPR", help="Vertical axis.")
@_select_option
@click.option("--project", is_flag=True, help="Let labels that are no axis vary: the strongest point at each place.")
@_level_option
def spent_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Toys spent on every signal point of a plane, and the contours."""
    from hfscale import pictures

    axes = [options.pop(name) for name in ("x", "y", "select")]
    write_picture(store, outputs, lambda results: pictures.spent(results, *axes, **options))


def _refuse(options: dict[str, Any], *names: str, why: str) -> None:
    """Refuse options that mean nothing for what is drawn, rather than draw something else than was asked for."""
    for name in names:
        if options[name] is not None:
            raise SelectionError(f"the option {'-' if len(name) == 1 else '--'}{name} is for {why}")
