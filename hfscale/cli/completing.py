"""What a shell completes besides verbs, options and files: signal points and labels of the store that was named."""

import click
from click.shell_completion import CompletionItem

from hfscale.errors import HfscaleError


def complete_points(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the signal points of the store in the command line that begin with what was typed."""
    return _beginning(_of_store(context)[0], incomplete)


def complete_labels(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Labels of the store in the command line that begin with what was typed."""
    return _beginning(_of_store(context)[1], incomplete)


def _beginning(names: tuple[str, ...], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _of_store(context: click.Context) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of signal points and labels of the first store in the command line, nothing where there is none."""
    from hfscale.results import open_results

    # An option whose value is still to be typed keeps click from telling arguments apart: they are in `args`.
    named = context.params.get("store") or context.params.get("stores") or context.args
    store = named if isinstance(named, str) else next(iter(named), None)
    if store is None:
        return (), ()
    try:
        opened = open_results(store).store
    except (HfscaleError, OSError):
        return (), ()  # a store that cannot be read completes nothing, and the verb itself says why
    return tuple(opened.names), tuple(opened.labels)
