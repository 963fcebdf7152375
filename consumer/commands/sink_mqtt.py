"""`fer-consumer sink mqtt`: what cameras show, to an MQTT broker and to Home Assistant."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup import option

from ferstream.consumer.commands.sink_options import SinkOptions, run_sink, sink_options
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand
from ferstream.streams.service.named_file import NamedFileError, read_secret

if TYPE_CHECKING:
    from ferstream.consumer.sinks.mqtt.broker import Version

_file = click.Path(path_type=Path, dir_okay=False)


@cloup.command(
    cls=FerCommand,
    example="fer-consumer sink mqtt --broker mqtts://broker.example.org --user ferstream --password-file mqtt.password",
    exits=SERVICE_EXITS,
)
@cloup.option_group(
    "Broker",
    option("--broker", default="mqtt://127.0.0.1:1883", help="mqtt://host, or mqtts://host (TLS), with :port if need be."),
    option("--user", help="User of the broker."),
    option("--password-file", type=_file, help="File that holds the user's password."),
    option("--tls-ca", type=_file, show_default="the system's", help="File of certificates to trust."),
    option("--mqtt-version", "version", type=click.Choice(["5", "3.1.1"]), default="5", help="Version of MQTT."),
)
@cloup.option_group(
    "Messages",
    option("--topic", "base", default="ferstream", help="What every topic begins with."),
    option("--each-result", is_flag=True, help="Also every result as JSON, by <topic>/<camera>/result."),
    option("--discovery-prefix", default="homeassistant", help="Where Home Assistant looks for devices."),
    option("--no-discovery", is_flag=True, help="Tell Home Assistant nothing."),
)
@sink_options
def mqtt(
    broker: str,
    user: str | None,
    password_file: Path | None,
    tls_ca: Path | None,
    version: "Version",
    base: str,
    each_result: bool,
    discovery_prefix: str,
    no_discovery: bool,
    options: SinkOptions,
) -> None:
    """What each camera shows, and what happens, to an MQTT broker; Home Assistant finds the cameras by itself.

    People and emotion are kept by the broker; events go out as they happen. Faces are followed for it here, unless --of events
    reads what `fer-consumer track` follows.
    """
    if password_file is not None and user is None:
        raise click.UsageError("--password-file needs --user")
    with QuietInterrupts():
        try:
            from ferstream.consumer.sinks.mqtt.broker import BrokerAddress
        except ImportError:
            raise FerstreamError(f"MQTT needs paho-mqtt: {how_to_install('mqtt')}") from None
        from ferstream.consumer.sinks.mqtt.home_assistant import Discovery
        from ferstream.consumer.sinks.mqtt.mqtt import MqttSink
        from ferstream.consumer.sinks.mqtt.topics import Topics
        from ferstream.consumer.sinks.sink_loop import consumer_name

    try:
        password = read_secret(password_file, "the password") if password_file else None
    except NamedFileError as error:
        raise click.BadParameter(str(error), param_hint="--password-file") from error
    address = BrokerAddress(broker, user, password, tls_ca, version)
    if tls_ca is not None and not address.tls:
        raise click.UsageError("--tls-ca needs a broker with TLS: mqtts://")
    discovery = Discovery(Topics(base), discovery_prefix)

    def open_sink() -> MqttSink:
        return MqttSink(
            address,
            f"ferstream-{options.purpose}-{consumer_name(base)}",
            options.of,
            discovery,
            with_events=True,
            each_result=each_result,
            announce=not no_discovery,
        )

    run_sink("mqtt", f"{broker}/{base}", options, open_sink, follow=True)
