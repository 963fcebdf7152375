"""`fer-consumer`: see results, keep them, and see how the cameras are."""

import click
import cloup

from ferstream.consumer.commands.audit import audit
from ferstream.consumer.commands.cameras import cameras
from ferstream.consumer.commands.data_rights import export, forget
from ferstream.consumer.commands.log import log
from ferstream.consumer.commands.report import collect, draw, report_files
from ferstream.consumer.commands.sink import sink
from ferstream.consumer.commands.sink_mqtt import mqtt
from ferstream.consumer.commands.sink_webhook import webhook
from ferstream.consumer.commands.store_report import report
from ferstream.consumer.commands.tail import tail
from ferstream.consumer.commands.top import top
from ferstream.consumer.commands.track import track
from ferstream.streams.service.command import FerGroup, name_variables

# Commands import what they run: --help has no use for Redis, and a shell that completes has no time for it.


@cloup.group(cls=FerGroup, example="fer-consumer tail --camera door")
@click.version_option(package_name="ferstream", prog_name="fer-consumer")
def main() -> None:
    """Subscribe to the emotions that workers find, on live video of many cameras."""


for kind in (mqtt, webhook):
    sink.add_command(kind)
for command in (tail, top, log, sink, track, forget, export, report, cameras, audit, collect, draw, report_files):
    main.add_command(command)
name_variables(main, "FER_CONSUMER")
