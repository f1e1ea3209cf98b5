"""A group of verbs that names the nearest one where there is no such verb, whatever the version of click."""

from difflib import get_close_matches

import click


class Verbs(click.Group):
    """A group of verbs."""

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
