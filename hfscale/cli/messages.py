"""What people read: messages on standard error, tables and JSON on standard output."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click


def say(message: str) -> None:
    """Write a message to standard error."""
    click.echo(message, err=True)


def write_json(document: Any) -> None:
    """Write a JSON document to standard output; NaN is a defect and raises."""
    click.echo(json.dumps(document, indent=1, allow_nan=False))


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to standard output, names to the left and numbers to the right."""
    widths = [max([len(column), *(len(row[k]) for row in rows)]) for k, column in enumerate(columns)]
    for row in [columns, *rows]:
        cells = [f"{cell:<{w}}" if k == 0 else f"{cell:>{w}}" for k, (cell, w) in enumerate(zip(row, widths))]
        click.echo("  ".join(cells).rstrip())


def write_fields(fields: Mapping[str, object]) -> None:
    """Write names and values in two columns to standard output."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        click.echo(f"{name:<{width}}  {value}")
