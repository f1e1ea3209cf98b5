"""The command ``hfscale``: its verbs, and how errors become messages and exit codes."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

import hfscale
from hfscale.cli.compute import cls_command, run_command
from hfscale.cli.contour import contour_command
from hfscale.cli.inputs import inspect_command, validate_command
from hfscale.cli.messages import say
from hfscale.cli.stores import show_command, status_command
from hfscale.errors import HfscaleError, HfscaleWarning, InterruptedRunError

BAD_INPUT = 2
INTERRUPTED = 3

_EPILOG = """\b
Examples:
  hfscale cls BkgOnly.json patchset.json -o results.zarr
  hfscale status results.zarr
  hfscale contour results.zarr -x m_gluino -y m_lsp -o contour.pdf

\b
Exit codes: 0 done; 1 done, but some points failed; 2 bad input, nothing written;
3 interrupted, run the same command to continue."""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(hfscale.__version__, prog_name="hfscale")
def cli() -> None:
    """Statistical inference with binned likelihoods (HistFactory) at scale."""


for _command in (
    cls_command,
    run_command,
    status_command,
    show_command,
    contour_command,
    inspect_command,
    validate_command,
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; an error of ours is a message, never a traceback."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with _plain_warnings():
            code = cli.main(args=arguments, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except InterruptedRunError as error:
        say(str(error))
        return INTERRUPTED
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; run the same command again to continue")
        return INTERRUPTED
    except HfscaleError as error:
        say(f"error: {error}")
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output has gone (| head): nothing is wrong, but Python must not try to flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show our own warnings as one line, and no library's: they are for the authors of libraries."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", HfscaleWarning)
        warnings.showwarning = lambda message, *_args, **_kwargs: say(f"warning: {message}")
        yield
