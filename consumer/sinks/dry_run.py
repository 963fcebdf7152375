"""What a sink would write, on standard output."""

from collections.abc import Sequence

import click

from ferstream.consumer.records.lines import json_line
from ferstream.consumer.records.rows import Record


class DryRun:
    """Prints records as lines of JSON, and keeps nothing."""

    def write(self, records: Sequence[Record]) -> None:
        """Print them."""
        click.echo(b"".join(map(json_line, records)), nl=False)

    def maintain(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""
