"""Statistical inference with binned likelihoods (HistFactory) at scale.

``hfscale.cls`` computes the CLs of every signal point of a patchset, ``hfscale.limit`` upper limits, ``hfscale.scan``
CLs curves, ``hfscale.significance`` p0 and Z, ``hfscale.run`` what a campaign file declares,
``hfscale.open_results`` opens what they stored, ``hfscale.export`` writes it for other programs, ``hfscale.verify``
finds damage in it, and ``hfscale.replay`` follows the fits of one toy.
``hfscale.best_fit`` gives best fits with uncertainties, and ``hfscale.ranking`` the impacts of nuisance parameters.
``FittedPoint``, ``RankedPoint``, ``ProfileCurve``, ``UpperLimit``, ``Significance`` and ``Prediction`` are results of
one signal point; each has ``to_cabinetry`` and ``from_cabinetry``.
``hfscale.Session`` runs all of these in the background of a notebook, and ``hfscale.patchset_from_table`` makes signals
of one's own from a table.
``hfscale.Likelihood`` is the likelihood of one workspace, ``hfscale.from_pyhf`` that of a pyhf model, and
``hfscale.from_xml`` reads the XML and ROOT files of HistFactory. ``hfscale.prune`` leaves out modifiers of small
effect, and ``hfscale.CustomModifier`` makes a function a modifier. ``hfscale.templates`` makes templates and their
workspace from ntuples or histograms, as a configuration of cabinetry declares them.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfscale.api import cls, limit, run, scan, significance, toys
    from hfscale.errors import HfscaleError, HfscaleWarning
    from hfscale.exporting.formats import export
    from hfscale.interop.pyhf_models import from_pyhf
    from hfscale.interop.xml_files import from_xml
    from hfscale.likelihood import Likelihood
    from hfscale.measurements import best_fit, ranking
    from hfscale.merging import merge
    from hfscale.model.custom import CustomModifier, ParameterSettings
    from hfscale.model.pruning import Pruned, PruningReport, prune
    from hfscale.reading.fits import FittedPoint
    from hfscale.reading.profile_curves import ProfileCurve
    from hfscale.reading.rankings import RankedPoint
    from hfscale.reading.significances import Significance
    from hfscale.reading.tables import read_table
    from hfscale.reading.upper_limits import UpperLimit
    from hfscale.replaying import Replay, replay
    from hfscale.reporting.report import report
    from hfscale.results import Results, open_results
    from hfscale.searches import BestExpectedResults, best_expected, overlay
    from hfscale.session import Job, Session
    from hfscale.store.verifying.damage import Damage, Verification
    from hfscale.store.verifying.verify import forget, verify
    from hfscale.templating.run import TemplateResults, templates
    from hfscale.workspace.combining.combine import Combination, combine
    from hfscale.workspace.recasting.patchset import patchset_from_table

__version__ = version("hfscale")
__all__ = [
    "BestExpectedResults",
    "Combination",
    "CustomModifier",
    "Damage",
    "FittedPoint",
    "HfscaleError",
    "HfscaleWarning",
    "Job",
    "Likelihood",
    "ParameterSettings",
    "Prediction",
    "ProfileCurve",
    "Pruned",
    "PruningReport",
    "RankedPoint",
    "Replay",
    "Results",
    "Session",
    "Significance",
    "TemplateResults",
    "UpperLimit",
    "Verification",
    "__version__",
    "best_expected",
    "best_fit",
    "cls",
    "combine",
    "export",
    "forget",
    "from_pyhf",
    "from_xml",
    "gof",
    "limit",
    "merge",
    "open_results",
    "overlay",
    "patchset_from_table",
    "prediction",
    "prune",
    "ranking",
    "read_table",
    "replay",
    "report",
    "run",
    "scan",
    "significance",
    "templates",
    "toys",
    "verify",
]

_HOME = {
    "cls": "hfscale.api",
    "limit": "hfscale.api",
    "run": "hfscale.api",
    "scan": "hfscale.api",
    "significance": "hfscale.api",
    "toys": "hfscale.api",
    "HfscaleError": "hfscale.errors",
    "HfscaleWarning": "hfscale.errors",
    "export": "hfscale.exporting.formats",
    "Likelihood": "hfscale.likelihood",
    "from_pyhf": "hfscale.interop.pyhf_models",
    "from_xml": "hfscale.interop.xml_files",
    "best_fit": "hfscale.measurements",
    "gof": "hfscale.measurements",
    "ranking": "hfscale.measurements",
    "merge": "hfscale.merging",
    "CustomModifier": "hfscale.model.custom",
    "ParameterSettings": "hfscale.model.custom",
    "Pruned": "hfscale.model.pruning",
    "PruningReport": "hfscale.model.pruning",
    "prune": "hfscale.model.pruning",
    "Replay": "hfscale.replaying",
    "replay": "hfscale.replaying",
    "report": "hfscale.reporting.report",
    "Results": "hfscale.results",
    "open_results": "hfscale.results",
    "FittedPoint": "hfscale.reading.fits",
    "ProfileCurve": "hfscale.reading.profile_curves",
    "RankedPoint": "hfscale.reading.rankings",
    "Significance": "hfscale.reading.significances",
    "UpperLimit": "hfscale.reading.upper_limits",
    "read_table": "hfscale.reading.tables",
    "Job": "hfscale.session",
    "Session": "hfscale.session",
    "Damage": "hfscale.store.verifying.damage",
    "Verification": "hfscale.store.verifying.damage",
    "forget": "hfscale.store.verifying.verify",
    "verify": "hfscale.store.verifying.verify",
    "TemplateResults": "hfscale.templating.run",
    "templates": "hfscale.templating.run",
    "Prediction": "hfscale.predictions",
    "prediction": "hfscale.predictions",
    "patchset_from_table": "hfscale.workspace.recasting.patchset",
    "BestExpectedResults": "hfscale.searches",
    "best_expected": "hfscale.searches",
    "overlay": "hfscale.searches",
    "Combination": "hfscale.workspace.combining.combine",
    "combine": "hfscale.workspace.combining.combine",
}


def __getattr__(name: str) -> object:
    """Import public names when they are first used, so that small commands start fast."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'hfscale' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
