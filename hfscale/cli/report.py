"""The verb ``report``."""

import click

from hfscale.cli.completing import complete_labels
from hfscale.cli.messages import inform
from hfscale.cli.options import loudness_options

_EPILOG = """\b
Examples:
  hfscale report results.zarr -o report.html
  hfscale report sbottom.zarr -o report.html -x m_sbottom -y m_n2 --select "m_n1 == 60"

\b
Without -x and -y, the contour is that of the first two labels that span a plane."""


@click.command("report", epilog=_EPILOG)
@click.argument("store", type=click.Path())
@click.option("-o", "--output", required=True, metavar="FILE", help="Page to write, ending in .html.")
@click.option(
    "-x",
    "x",
    metavar="EXPR",
    shell_complete=complete_labels,
    help="Horizontal axis of the contour, an expression of the labels.",
)
@click.option("-y", "y", metavar="EXPR", shell_complete=complete_labels, help="Vertical axis.")
@click.option("--select", metavar="EXPR", help="Which points make the plane, for example 'm_n1 == 60'.")
@click.option("--project", is_flag=True, help="Let labels that are no axis vary: the strongest point at each place.")
@loudness_options
def report_command(store: str, output: str, x: str | None, y: str | None, select: str | None, project: bool) -> None:
    """One self-contained page on a store: results, contour, failures, costs, and how to make it again."""
    from hfscale.reporting.report import report

    inform(f"wrote {report(store, output, x=x, y=y, select=select, project=project)}")
