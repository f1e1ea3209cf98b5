"""What people read: messages on standard error, tables and JSON on standard output."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

if TYPE_CHECKING:
    from hfscale.runtime.observers import Watching

_META_KEY = "hfscale.loudness"


class Loudness(NamedTuple):
    """How much to say on standard error, and in which form; and a file for metrics, if any."""

    quiet: bool = False
    verbose: bool = False
    log_format: Literal["text", "json"] = "text"
    metrics: Path | None = None


def set_loudness(context: click.Context, **changes: Any) -> None:
    """Change how loud the running command is; it ends with the command's context."""
    context.meta[_META_KEY] = loudness()._replace(**changes)


def loudness() -> Loudness:
    """Return how loud the running command is."""
    context = click.get_current_context(silent=True)
    chosen: Loudness = context.meta.get(_META_KEY, Loudness()) if context else Loudness()
    return chosen


def watching(quiet: bool = False) -> "Watching":
    """Return how a run is to be followed; not to be shown with `quiet`, whatever was chosen."""
    from hfscale.runtime.observers import Watching

    chosen = loudness()
    return Watching(quiet=quiet or chosen.quiet, log_format=chosen.log_format, metrics=chosen.metrics)


def say(message: str, event: str = "message", **details: object) -> None:
    """Write a message to standard error, whatever the loudness.

    Args:
        message: The sentence.
        event: What kind of message it is, for logs in JSON.
        details: What a program that reads such a log may want to know besides.
    """
    if loudness().log_format == "json":
        message = json.dumps({"event": event, "message": message, **details})
    click.echo(message, err=True)


def show_misuse(error: click.ClickException, arguments: Sequence[str]) -> None:
    """Write what is wrong with a command line to standard error, in the form that it asks for.

    Args:
        error: What click found.
        arguments: The command line. It is searched here, as click may not have come to --log-format.
    """
    words = " ".join(arguments).replace("--log-format=", "--log-format ")
    if "--log-format json" not in words:
        error.show()
        return
    click.echo(json.dumps({"event": "error", "kind": "usage", "message": error.format_message()}), err=True)


def inform(message: str, event: str = "message") -> None:
    """Write a message to standard error, unless the command is to be quiet."""
    if not loudness().quiet:
        say(message, event)


def write(text: str) -> None:
    """Write a line to standard output; where its reader has gone (``| head``), the command ends well."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # Python flushes once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None


def write_json(document: Any) -> None:
    """Write a JSON document to standard output; NaN is a defect and raises."""
    write(json.dumps(document, indent=1, allow_nan=False))


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to standard output, names to the left and numbers to the right."""
    widths = [max([len(column), *(len(row[k]) for row in rows)]) for k, column in enumerate(columns)]
    for row in [columns, *rows]:
        cells = [f"{cell:<{w}}" if k == 0 else f"{cell:>{w}}" for k, (cell, w) in enumerate(zip(row, widths))]
        write("  ".join(cells).rstrip())


def write_fields(fields: Mapping[str, object]) -> None:
    """Write names and values in two columns to standard output."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        write(f"{name:<{width}}  {value}")
