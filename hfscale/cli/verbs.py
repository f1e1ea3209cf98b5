"""A group of verbs that names the nearest one where there is no such verb, and completes the names of files."""

import re
from difflib import get_close_matches

import click

_PATHS = frozenset({"CONFIG", "FILE", "FOLDER", "PATH", "STORE"})
"""Words of the metavars of options that take a file or a folder, or may do so."""


class Verbs(click.Group):
    """A group of verbs."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb, whose arguments and options that take files are completed as such."""
        for parameter in cmd.params:
            if _takes_files(parameter):
                parameter.type = click.Path()  # the same text as before, whether there is such a file or not
        super().add_command(cmd, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:  # fmt: skip
        """Find the verb that was typed; called by click."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(name, self.list_commands(ctx), n=3)
            hint = f" Did you mean {' or '.join(repr(verb) for verb in near)}?" if near else ""
            ctx.fail(f"There is no verb {name!r}.{hint}")
        return super().resolve_command(ctx, args)


def _takes_files(parameter: click.Parameter) -> bool:
    """Whether a parameter of any text may be a file: an argument, or an option whose metavar says so."""
    if not isinstance(parameter.type, click.types.StringParamType):
        return False
    return isinstance(parameter, click.Argument) or not _PATHS.isdisjoint(re.findall(r"\w+", parameter.metavar or ""))
