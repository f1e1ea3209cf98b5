"""The work of a task: make one template, or post-process it, and write it at once. Runs in workers.

Histograms are filled, read, post-processed and written by cabinetry's own functions.
"""

import glob
import json
import time
import uuid
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hfscale.errors import InputError, SourceError
from hfscale.runtime.events import TaskReport
from hfscale.store.files import write_bytes
from hfscale.templating.recipes import Template


class Orders(NamedTuple):
    """What workers need to know.

    Attributes:
        folder: Where templates are written.
        drafts: Where they are before they are whole; on the same disk.
        templates: All templates, by the number that identities of tasks begin with.
        allow_empty: Whether templates may be zero everywhere.
    """

    folder: Path
    drafts: Path
    templates: tuple[Template, ...]
    allow_empty: bool

    def write(self, path: Path) -> None:
        """Write them at once."""
        document = {
            "folder": str(self.folder),
            "drafts": str(self.drafts),
            "templates": [template.to_json() for template in self.templates],
            "allow_empty": self.allow_empty,
        }
        write_bytes(path, json.dumps(document).encode())


@lru_cache(maxsize=1)
def read_orders(path: str) -> Orders:
    """Read what `Orders.write` wrote; once per process, because its file is named after what is in it."""
    document: Mapping[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    templates = tuple(Template.from_json(item) for item in document["templates"])
    return Orders(Path(document["folder"]), Path(document["drafts"]), templates, document["allow_empty"])


def make_template(orders_file: str, task_id: str) -> TaskReport:
    """Make the template of a task and write it.

    Raises:
        SourceError: A file, tree, branch or histogram is missing or cannot be used.
        InputError: No event is selected, or a bin has no number.
    """
    begun = time.perf_counter()
    orders = read_orders(orders_file)
    template = orders.templates[number_of(task_id)]
    histogram = _collected(template) if template.tree is None else _filled(template, template.tree)
    _refuse_unusable(histogram, template, allow_empty=orders.allow_empty)
    _save(histogram, template.name, template.file, orders)
    return TaskReport(task_id, 1, 0, 0, time.perf_counter() - begun)


def process_template(orders_file: str, task_id: str) -> TaskReport:
    """Post-process the template of a task, which is made already, and write the result beside it.

    Raises:
        InputError: It comes to no number in some bin.
    """
    from cabinetry import histo
    from cabinetry.templates import postprocessor

    begun = time.perf_counter()
    orders = read_orders(orders_file)
    template = orders.templates[number_of(task_id)]
    raw = histo.Histogram.from_path(orders.folder / template.name, modified=False)
    nominal = None
    if template.smoothing is not None:
        nominal = histo.Histogram.from_path(orders.folder / template.nominal, modified=False)
    with np.errstate(all="ignore"):
        # What is no number is found below.
        processed = postprocessor.apply_postprocessing(
            raw, template.name, smoothing_algorithm=template.smoothing, nominal_histogram=nominal
        )
    _refuse_no_numbers(
        processed, template, f"{template.origin} by smoothing ({template.smoothing}) the ratio to {template.nominal}"
    )
    _save(processed, f"{template.name}_modified", template.processed_file, orders)
    return TaskReport(task_id, 1, 0, 0, time.perf_counter() - begun)


def number_of(task_id: str) -> int:
    """Return the number of the template of a task."""
    return int(task_id.partition("-")[0])


def _filled(template: Template, tree: str) -> Any:
    """Fill a histogram with the events of ntuples."""
    from cabinetry import histo
    from cabinetry.contrib import histogram_creator
    from uproot.exceptions import KeyInFileError

    try:
        return histo.Histogram(
            histogram_creator.with_uproot(
                [Path(path) for path in template.paths],
                tree,
                template.variable,
                np.asarray(template.bins),
                weight=template.weight,
                selection_filter=template.selection,
            )
        )
    except KeyInFileError as error:
        raise _missing(error, template) from error
    except FileNotFoundError as error:
        raise _no_file(template) from error
    except SyntaxError as error:
        raise SourceError(
            f"{_expressions(template)} cannot be understood, to read {template.origin}: {error.msg.splitlines()[0]}",
            remedy="write variable, weight and filter as uproot takes them",
        ) from error
    except AttributeError as error:
        raise SourceError(f"there is something else than a tree: {template.origin}", remedy="name a tree") from error
    except ValueError as error:
        if "concatenate" in str(error):
            raise _empty(template, "there is no event at all") from error
        raise SourceError(f"{_expressions(template)} cannot be read from {template.origin}: {error}") from error


def _collected(template: Template) -> Any:
    """Read a histogram."""
    from cabinetry import histo
    from cabinetry.contrib import histogram_reader
    from uproot.exceptions import KeyInFileError

    try:
        read = histogram_reader.with_uproot(template.paths[0])
        if read.ndim != 1:
            raise SourceError(f"{template.origin} has {read.ndim} axes", remedy="name a histogram with one axis")
        return histo.Histogram(read)
    except KeyInFileError as error:
        raise _missing(error, template) from error
    except FileNotFoundError as error:
        raise _no_file(template) from error
    except AttributeError as error:
        raise SourceError(
            f"there is no histogram but something else: {template.origin}",
            remedy="name a histogram as FILE:HISTOGRAM in InputPath",
        ) from error


def _missing(error: Any, template: Template) -> SourceError:
    """Tell a missing branch from a missing tree or histogram: of branches, uproot says which object lacks them."""
    file = error.file_path or ", ".join(template.paths)
    if error.object_path is not None:
        message = f"{file} has no branch {error.key!r} in the tree {template.tree}, for {_expressions(template)}"
        return SourceError(message, remedy="correct the variable, weight or filter, or the file")
    kind = "histogram" if template.tree is None else "tree"
    return SourceError(f"{file} has no {kind} {error.key}", remedy=f"correct the name of the {kind}, or the file")


def _no_file(template: Template) -> SourceError:
    missing = [path for path in template.paths if not _exists(path, template)] or list(template.paths)
    tree = "" if template.tree is None else f" to read the tree {template.tree} from"
    return SourceError(
        f"there is no file {', '.join(missing)}{tree}", remedy="correct InputPath and what is put into it"
    )


def _exists(path: str, template: Template) -> bool:
    file = path if template.tree is not None else path.rpartition(":")[0]
    return bool(glob.glob(file))  # noqa: PTH207 (the whole path is a pattern)


def _expressions(template: Template) -> str:
    parts = {"variable": template.variable, "weight": template.weight, "filter": template.selection}
    return ", ".join(f"{name} {text!r}" for name, text in parts.items() if text)


def _refuse_unusable(histogram: Any, template: Template, *, allow_empty: bool) -> None:
    _refuse_no_numbers(histogram, template, template.origin)
    if np.any(histogram.yields) or allow_empty or template.is_data:
        return
    if template.tree is None:
        raise _empty(template, "all bins are zero")
    outside = np.any(histogram.values(flow=True))
    raise _empty(template, "all events lie outside of the bins" if outside else "no event is selected")


def _empty(template: Template, why: str) -> InputError:
    expressions = f" with {_expressions(template)}" if template.variable else ""
    return InputError(
        f"the template would be empty: {why} in {template.origin}{expressions}",
        remedy="correct the filter, leave the sample out of the region (Regions), or allow it (--allow-empty)",
    )


def _refuse_no_numbers(histogram: Any, template: Template, origin: str) -> None:
    # Uncertainties that are NaN are set to zero by cabinetry's post-processing.
    bins = np.flatnonzero(~np.isfinite(histogram.yields) | np.isinf(histogram.stdev)).tolist()
    if bins:
        weight = f" with weight {template.weight!r}" if template.weight is not None else ""
        raise InputError(
            f"the template would have NaN or infinite bins {bins}, from {origin}{weight}",
            remedy="correct the input; smoothing needs a nominal template without empty bins",
        )


def _save(histogram: Any, name: str, file: str, orders: Orders) -> None:
    draft = orders.drafts / uuid.uuid4().hex
    written = draft.with_suffix(".npz")
    try:
        histogram.save(draft)
        written.replace(orders.folder / file)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
