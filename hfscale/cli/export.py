"""The verb ``export``."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hfscale.cli.messages import inform, say, write
from hfscale.cli.options import loudness_options
from hfscale.cli.surfaces import interpolation_options, surface_keywords
from hfscale.errors import InputError

_FORMATS = ("harvest", "hepdata", "csv", "parquet", "json", "numpy")
_EPILOG = """\b
Examples:
  hfscale export results.zarr --format csv > results.csv
  hfscale export results.zarr limits.zarr --format harvest -x mg=m_gluino -y mlsp=m_lsp -o harvest_list.json
  hfscale export results.zarr --format hepdata -x m_gluino -y m_lsp --unit GeV \\
      --keyword cmenergies=13000 --resource likelihoods.tar.gz="Workspace and patchset" -o submission/

\b
harvest   the JSON list that HistFitter's harvestToContours and multiplexJSON read
hepdata   a folder to submit to HEPData: tables of results, and of contours where -x and -y are given
csv, parquet, numpy   all numbers, a row per signal point and POI value; missing ones are empty, null or NaN
json      CLs_obs and CLs_exp by signal point, as pyhf cls prints them"""


@click.command("export", epilog=_EPILOG)
@click.argument("stores", nargs=-1, required=True, type=click.Path(), metavar="STORE...")
@click.option("--format", "kind", type=click.Choice(_FORMATS), required=True, help="What to write.")
@click.option("-o", "--output", metavar="PATH", help="File, or new folder for hepdata; texts go to stdout without.")
@click.option("-x", "x", metavar="[NAME=]EXPR", help="Key or axis, an expression of the labels (harvest, hepdata).")
@click.option("-y", "y", metavar="[NAME=]EXPR", help="The second one.")
@click.option("--select", metavar="EXPR", help="Which points to export, for example 'm_n1 == 60'.")
@click.option("--poi", type=float, metavar="MU", help="The POI value to export, of a scan.")
@click.option("--project", is_flag=True, help="Contours (hepdata): let labels that are no axis vary.")
@click.option(
    "--level",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    help="Contours: CLs.  [default: 0.05, or that of the limits in the store]",
)
@interpolation_options
@click.option("--unit", "units", multiple=True, metavar="[LABEL=]UNIT", help="Unit of labels and axes (hepdata).")
@click.option(
    "--keyword",
    "keywords",
    multiple=True,
    metavar="NAME=VALUE",
    help="cmenergies, reactions, ... (hepdata); repeatable.",
)
@click.option(
    "--resource", "resources", multiple=True, metavar="FILE[=TEXT]", help="File to enclose (hepdata); repeatable."
)
@loudness_options
def export_command(stores: tuple[str, ...], kind: Any, output: str | None, **options: Any) -> None:
    """Write results for other programs: HistFitter, HEPData, spreadsheets, data frames.

    Several stores, of CLs, upper limits and significances of the same points, make one harvest list or submission.
    """
    from hfscale.exporting.formats import export_stores, render
    from hfscale.exporting.harvest import UNNAMED_VARIATIONS
    from hfscale.exporting.options import TEXTS, ExportOptions
    from hfscale.store.open import open_store

    surface: Any = {key: value for key, value in surface_keywords(options).items() if _is_given(key)}
    chosen = ExportOptions(
        **{key: options[key] for key in ("x", "y", "select", "poi")},
        surface=surface,
        units=dict(_unit(text) for text in options["units"]),
        keywords=_keywords(options["keywords"]),
        resources=dict(_resource(text) for text in options["resources"]),
    )
    if output is not None:
        exported = export_stores(stores, kind, Path(output), chosen)
        for message in exported.messages:
            say(message)
        for path in (output, *exported.others):
            inform(f"wrote {path}")
        return
    if kind not in TEXTS:
        raise InputError(f"the format {kind} does not go to standard output", remedy="name its place with -o")
    rendered = render([open_store(store) for store in stores], kind, chosen)
    for message in (*rendered.messages, *([UNNAMED_VARIATIONS] if len(rendered.files) > 1 else [])):
        say(message)
    write(rendered.files[""].decode().removesuffix("\n"))


def _is_given(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def _unit(text: str) -> tuple[str, str]:
    label, equals, unit = text.rpartition("=")
    return (label if equals else "", unit)


def _keywords(texts: tuple[str, ...]) -> dict[str, list[str | int | float]]:
    found: dict[str, list[str | int | float]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} is no keyword", remedy="write NAME=VALUE, such as cmenergies=13000")
        found.setdefault(name, []).append(_number(value) if name == "cmenergies" else value)
    return found


def _number(text: str) -> int | float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _resource(text: str) -> tuple[Path, str]:
    file, _, what = text.partition("=")
    return Path(file), what or Path(file).name
