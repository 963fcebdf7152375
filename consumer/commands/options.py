"""Options that several commands of `fer-consumer` share."""

import click
import cloup
from cloup import option

shards_option = cloup.option_group(
    "Redis", option("--shards", type=click.IntRange(1), show_default="what Redis says", help="Shards of the deployment.")
)
