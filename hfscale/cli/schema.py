"""The verb ``schema``."""

import click

from hfscale.cli.messages import write_json
from hfscale.cli.options import loudness_options

_EPILOG = """\b
Examples:
  hfscale schema > campaign.schema.json
  hfscale schema | jq '.["$defs"].Contour.properties | keys'

\b
Editors with the YAML language server complete and check a campaign file whose first line is
  # yaml-language-server: $schema=campaign.schema.json"""


@click.command("schema", epilog=_EPILOG)
@click.option("--json", "as_json", is_flag=True, help="The schema is always JSON; this changes nothing.")
@loudness_options
def schema_command(as_json: bool) -> None:
    """Print the JSON schema of campaign files."""
    from hfscale.plan.json_schema import campaign_schema

    write_json(campaign_schema())
