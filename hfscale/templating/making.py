"""The work of a task: make templates, post-process them, and write each at once. Runs in workers.

Histograms are filled, read, post-processed and written by cabinetry's own functions.
"""

import glob
import json
import time
import uuid
from typing import Any

import numpy as np

from hfscale.errors import InputError, SourceError
from hfscale.runtime.events import TaskReport
from hfscale.store.files import write_bytes
from hfscale.templating.ledger import sha256
from hfscale.templating.orders import Orders, identity_of, number_of, read_orders
from hfscale.templating.reading import OpenTrees
from hfscale.templating.recipes import Template, file_of
from hfscale.templating.workspaces import write_part


def do_share(orders_file: str, task_id: str) -> TaskReport:
    """Do the share of a task: make templates, post-process them, and make a part of the workspace.

    A template that cannot be made or post-processed does not stop the others; the report says why. What was written
    is in the task's receipt, which is written last.

    Raises:
        OSError: Something cannot be written; and what else libraries raise about a file.
    """
    begun = time.perf_counter()
    orders = read_orders(orders_file)
    share = orders.shares[number_of(task_id)]
    work = _Work(orders)
    with OpenTrees() as trees:
        for number in share.numbers:
            template = orders.templates[number]
            try:
                raw = work.make(template, trees) if number in share.make else work.read(template.name)
                if number in share.process:
                    work.process(template, raw)
            except InputError as error:
                work.reasons[template.name] = str(error)
    if share.part is not None:
        write_part(dict(orders.config), orders.drafts, identity_of(task_id), *share.part)
    write_bytes(orders.receipt(task_id), json.dumps(work.written).encode())
    done, failed = len(share.numbers) - len(work.reasons), len(work.reasons)
    return TaskReport(task_id, done, 0, failed, time.perf_counter() - begun, work.reasons)


class _Work:
    """Makes templates one after the other, and keeps account of what was written and why something could not be.

    Attributes:
        written: Name of each file -> its SHA-256.
        reasons: Name of each template that failed -> why.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.written: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def make(self, template: Template, trees: OpenTrees) -> Any:
        """Make a template and write it; returns what cabinetry reads from the file.

        Raises:
            SourceError: A file, tree, branch or histogram is missing or cannot be used.
            InputError: No event is selected, or a bin has no number.
        """
        from cabinetry import histo

        made = _collected(template) if template.tree is None else _filled(template, template.tree, trees)
        _refuse_unusable(made, template, allow_empty=self._orders.allow_empty)
        self._save(made, template.file)
        return histo.Histogram.from_arrays(made.bins, made.yields, made.stdev)

    def read(self, name: str) -> Any:
        """Return a template that is made already.

        Raises:
            InputError: It is no longer the one that was made.
        """
        from cabinetry import histo

        histogram = histo.Histogram.from_path(self._orders.folder / name, modified=False)
        # Afterwards, so that it cannot be another file that is read.
        file = file_of(name)
        if sha256(self._orders.folder / file) != self._orders.finished.get(file):
            raise InputError(
                f"{file} was changed during the run, perhaps by a task of an earlier run",
                remedy="when nothing else writes there, run the same command again: it makes it again",
            )
        return histogram

    def process(self, template: Template, raw: Any) -> None:
        """Post-process a template and write the result beside it.

        Raises:
            InputError: It comes to no number in some bin, or its nominal template is no longer the one that was made.
        """
        from cabinetry.templates import postprocessor

        nominal = self.read(template.nominal) if template.smoothing is not None else None
        with np.errstate(all="ignore"):
            # What is no number is found below.
            processed = postprocessor.apply_postprocessing(
                raw, template.name, smoothing_algorithm=template.smoothing, nominal_histogram=nominal
            )
        _refuse_no_numbers(
            processed,
            template,
            f"{template.origin} by smoothing ({template.smoothing}) the ratio to {template.nominal}",
        )
        self._save(processed, template.processed_file)

    def _save(self, histogram: Any, file: str) -> None:
        draft = self._orders.drafts / f"{uuid.uuid4().hex}.npz"
        try:
            histogram.save(draft)
            digest = sha256(draft)
            draft.replace(self._orders.folder / file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if digest is not None:
            self.written[file] = digest


def _filled(template: Template, tree: str, trees: OpenTrees) -> Any:
    """Fill a histogram with the events of ntuples."""
    from cabinetry import histo
    from uproot.exceptions import KeyInFileError

    try:
        return histo.Histogram(trees.fill(template, tree))
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
