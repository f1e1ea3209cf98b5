"""The verb ``completion``."""

import click
from click.shell_completion import get_completion_class

from hfscale.cli.messages import write
from hfscale.cli.options import loudness_options

_EPILOG = """\b
Examples:
  eval "$(hfscale completion bash)"                                  # in ~/.bashrc; for zsh in ~/.zshrc
  hfscale completion fish > ~/.config/fish/completions/hfscale.fish

\b
Completes verbs, options, their choices and files, and points and labels of the store that stands before them."""


@click.command("completion", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@loudness_options
def completion_command(shell: str) -> None:
    """Print the script with which a shell completes hfscale."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"this version of click knows no completion for {shell}")
    root = click.get_current_context().find_root()
    # The name of the variable is the one that click itself looks for at the start of the program.
    write(found(root.command, {}, "hfscale", "_HFSCALE_COMPLETE").source())
