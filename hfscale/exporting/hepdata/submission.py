"""The files of a submission to HEPData."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hfscale import __version__
from hfscale.errors import InputError
from hfscale.exporting.columns import columns_of
from hfscale.exporting.hepdata.contours import ContourTables, contour_tables, discovery_tables
from hfscale.exporting.hepdata.results import Layout, result_tables
from hfscale.exporting.hepdata.tables import Table
from hfscale.exporting.options import ExportOptions
from hfscale.exporting.sources import Axis, Source
from hfscale.exporting.tabular import csv_text

_MAIN = "submission.yaml"
_PLANES = ("cls", "limit")
"""Kinds of results that exclusion contours are made from; the first that is there is taken."""
_SIGNIFICANCE = "significance"


class Submission(NamedTuple):
    """The files of a submission by name, and sentences about what is not in them."""

    files: dict[str, bytes]
    messages: tuple[str, ...]


def submission(sources: Sequence[Source], axes: tuple[Axis, ...], options: ExportOptions) -> Submission:
    """Make a submission from results: CLs, upper limits and significances, each from one store.

    Args:
        sources: The results.
        axes: The two axes of the plane, for contours; without, the labels are the independent variables.
        options: What else was chosen.

    Raises:
        InputError: There is one axis only, or a file to enclose cannot be read.
        SelectionError: Results have no tables, or their points are no plane of the axes.
    """
    if len(axes) not in (0, 2):
        raise InputError("contours need both axes", remedy="give -x and -y, or neither")
    layout = Layout(axes, options.units)
    contours = _contours(sources, layout, options) if axes else []
    if contours:
        layout = Layout(axes, options.units, frozenset(contours[0].names))
    found = [result_tables(source, layout) for source in sources]
    tables = [
        *(table for each in found for table in each.tables),
        *(table for each in contours for table in each.tables),
    ]
    messages = [message for each in contours for message in each.messages]
    messages += [message for each in found for message in each.messages]
    files = {source_file(source): csv_text(columns_of(source)).encode() for source in sources}
    resources = {name: f"All numbers of the calculation {source.kind!r}, CSV" for name, source in zip(files, sources)}
    for path, text in options.resources.items():
        _enclose(path, files)
        resources[path.name] = text
    documents = [
        _head(sources[0], resources),
        *(_entry(table, options.keywords) for table in tables),
    ]
    files |= {table.file: _yaml([table.document()]) for table in tables}
    return Submission({_MAIN: _yaml(documents), **files}, tuple(dict.fromkeys(messages)))


def _contours(sources: Sequence[Source], layout: Layout, options: ExportOptions) -> list[ContourTables]:
    """The tables of exclusion and of discovery contours, of results that have any."""
    from hfscale.reading.planes import read_discovery_points, read_plane_points

    by_kind = {source.kind: source for source in sources}
    found = []
    main = next((by_kind[kind] for kind in _PLANES if kind in by_kind), None)
    if main is not None:
        found.append(contour_tables(read_plane_points(main.store), layout, options.select, options.surface))
    if _SIGNIFICANCE in by_kind:
        points = read_discovery_points(by_kind[_SIGNIFICANCE].store)
        found.append(discovery_tables(points, layout, options.select, options.surface))
    return found


def source_file(source: Source) -> str:
    """Name of the file with all numbers of a store."""
    return f"points_{source.kind}.csv"


def _enclose(path: Path, files: dict[str, bytes]) -> None:
    if path.name in (*files, _MAIN):
        raise InputError(f"the submission has another file of the name {path.name}", remedy="rename the enclosed file")
    try:
        files[path.name] = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be enclosed: {error.strerror}", remedy="name a file that you may read"
        ) from error


def _head(source: Source, resources: Mapping[str, str]) -> dict[str, Any]:
    settings = source.store.settings
    comment = (
        f"Results of hfscale {__version__} for the workspace with the SHA-256 digest {settings['inputs']['workspace']},"
        f" measurement {settings['measurement']!r}, parameter of interest {source.poi!r}."
    )
    return {
        "comment": comment,
        "additional_resources": [{"location": name, "description": text} for name, text in resources.items()],
    }


def _entry(table: Table, keywords: Mapping[str, Sequence[str | int | float]]) -> dict[str, Any]:
    """The document of a table in the main file."""
    named = {"observables": [table.observable], **keywords}
    return {
        "name": table.name,
        "description": table.description,
        "keywords": [{"name": name, "values": list(values)} for name, values in named.items()],
        "data_file": table.file,
    }


def _yaml(documents: Sequence[Mapping[str, Any]]) -> bytes:
    import yaml

    # Where PyYAML has its C library: large tables take seconds rather than minutes.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump_all(
        documents, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120, explicit_start=True
    )
    return text.encode()
