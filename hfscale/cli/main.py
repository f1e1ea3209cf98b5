"""The command ``hfscale``: its verbs, and how errors become messages and exit codes."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

import hfscale
from hfscale.cli.combine import combine_command
from hfscale.cli.completion import completion_command
from hfscale.cli.compute import cls_command, run_command
from hfscale.cli.contour import contour_command
from hfscale.cli.doctor import doctor_command
from hfscale.cli.drive import drive_command
from hfscale.cli.environment import use_one_thread
from hfscale.cli.export import export_command
from hfscale.cli.feldman_cousins import feldman_cousins_command
from hfscale.cli.fit import fit_command, ranking_command
from hfscale.cli.goodness import gof_command
from hfscale.cli.inputs import inspect_command, validate_command
from hfscale.cli.interrupts import interruptible
from hfscale.cli.limits import limit_command, scan_command, significance_command
from hfscale.cli.merge import merge_command
from hfscale.cli.messages import say, show_misuse
from hfscale.cli.plot import plot_command
from hfscale.cli.prediction import prediction_command
from hfscale.cli.prune import prune_command
from hfscale.cli.replay import replay_command
from hfscale.cli.report import report_command
from hfscale.cli.schema import schema_command
from hfscale.cli.shards import plan_command, worker_command
from hfscale.cli.stores import show_command, status_command
from hfscale.cli.submit import cancel_command, collect_command, logs_command, submit_command
from hfscale.cli.templates import templates_command
from hfscale.cli.toys import toys_command
from hfscale.cli.verbs import Verbs
from hfscale.cli.verify import verify_command
from hfscale.cli.workspace import workspace_command
from hfscale.errors import HfscaleError, HfscaleWarning, InterruptedRunError

BAD_INPUT = 2
INTERRUPTED = 3

_EPILOG = """\b
Examples:
  hfscale cls BkgOnly.json patchset.json -o results.zarr
  hfscale status results.zarr
  hfscale contour results.zarr -x m_gluino -y m_lsp -o contour.pdf

\b
Exit codes: 0 done; 1 done, but some points failed, or a store is damaged; 2 bad input, nothing written;
3 interrupted, run the same command to continue."""


class _Verbs(Verbs):
    """The group of all verbs: an error of ours is a message and an exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; called by click, with the context that knows how messages are written."""
        try:
            with interruptible(), _plain_warnings():
                return super().invoke(ctx)
        except InterruptedRunError as error:
            say(str(error), "interrupted")
            return INTERRUPTED
        except KeyboardInterrupt:
            say("interrupted; run the same command again to continue", "interrupted")
            return INTERRUPTED
        except HfscaleError as error:
            say(f"error: {error}", "error", kind=error.kind, place=error.place, remedy=error.remedy)
            return BAD_INPUT


@click.group(
    cls=_Verbs, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(hfscale.__version__, prog_name="hfscale")
def cli() -> None:
    """Statistical inference with binned likelihoods (HistFactory) at scale."""


for _command in (
    cls_command,
    limit_command,
    scan_command,
    significance_command,
    fit_command,
    ranking_command,
    gof_command,
    feldman_cousins_command,
    prediction_command,
    run_command,
    plan_command,
    worker_command,
    drive_command,
    submit_command,
    logs_command,
    cancel_command,
    collect_command,
    toys_command,
    merge_command,
    replay_command,
    status_command,
    show_command,
    verify_command,
    combine_command,
    contour_command,
    plot_command,
    report_command,
    export_command,
    inspect_command,
    validate_command,
    prune_command,
    workspace_command,
    templates_command,
    doctor_command,
    schema_command,
    completion_command,
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Args:
        arguments: What follows the name of the program; those of this process by default.
    """
    use_one_thread()
    try:
        code = cli.main(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        show_misuse(error, sys.argv[1:] if arguments is None else arguments)
        code = error.exit_code
    except click.Abort:
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show our own warnings as one line, and no library's: they are for the authors of libraries."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", HfscaleWarning)
        warnings.showwarning = lambda message, *_args, **_kwargs: say(f"warning: {message}", "warning")
        yield
