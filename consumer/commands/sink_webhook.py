"""`fer-consumer sink webhook`: records by HTTPS to an address of yours."""

from pathlib import Path

import click
import cloup
from cloup import option

from ferstream.consumer.commands.sink_options import SinkOptions, run_sink, sink_options
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.programs import QuietInterrupts
from ferstream.streams.service.command import SERVICE_EXITS, FerCommand
from ferstream.streams.service.named_file import NamedFileError, read_secret

_file = click.Path(path_type=Path, dir_okay=False)


@cloup.command(
    cls=FerCommand,
    example="""\
fer-consumer sink webhook --url-file hook.url --secret-file hook.secret --of events
fer-consumer sink webhook --url https://example.org/hooks/1 --when "emotion=surprise and probability>0.7 for 3s\"""",
    exits=SERVICE_EXITS,
)
@cloup.option_group(
    "Receiver",
    option("--url", help="Where records are sent: https://..., http:// too."),
    option("--url-file", type=_file, help="File that holds the URL (it often lets one in)."),
    option(
        "--secret-file", type=_file, help="File that holds the secret of the signature: whsec_ and base64; two while it changes."
    ),
    option("--tls-ca", type=_file, show_default="the system's", help="File of certificates to trust."),
    option("--timeout", "timeout_s", type=click.FloatRange(0.1, 30), default=10.0, help="Seconds that a request may take."),
    option("--records", "most_records", type=click.IntRange(1, 10_000), default=100, help="Records in a request at most."),
    option("--dead-letters", type=_file, help="File for records that are refused for good; without one, that ends the program."),
)
@sink_options
def webhook(
    url: str | None,
    url_file: Path | None,
    secret_file: Path | None,
    tls_ca: Path | None,
    timeout_s: float,
    most_records: int,
    dead_letters: Path | None,
    options: SinkOptions,
) -> None:
    """Records by HTTPS to an address of yours, signed as Standard Webhooks has it.

    A record is acknowledged when the receiver has answered 2xx. Time-outs, 408, 425, 429 and 5xx are tried again, not before
    Retry-After says so; everything else is a dead letter.
    """
    if (url is None) == (url_file is None):
        raise click.UsageError("give one of --url and --url-file")
    with QuietInterrupts():
        try:
            from ferstream.consumer.sinks.webhook.http_receiver import HttpReceiver, shown_address
        except ImportError:
            raise FerstreamError(f"webhooks need httpx2: {how_to_install('webhook')}") from None
        from ferstream.consumer.sinks.webhook.dead_letters import DeadLetters
        from ferstream.consumer.sinks.webhook.signature import Signer
        from ferstream.consumer.sinks.webhook.webhook import Webhook

    address = _secret(url_file, "the URL", "--url-file") or url or ""
    shown = shown_address(address)
    if tls_ca is not None and shown.startswith("http://"):
        raise click.UsageError("--tls-ca needs a URL with TLS: https://")
    secret = _secret(secret_file, "the secret", "--secret-file")

    def open_sink() -> Webhook:
        return Webhook(
            HttpReceiver(address, tls_ca, timeout_s),
            options.written,
            Signer(secret) if secret else None,
            DeadLetters(dead_letters) if dead_letters else None,
            most_records,
        )

    run_sink("webhook", shown, options, open_sink)


def _secret(path: Path | None, what: str, hint: str) -> str | None:
    try:
        return read_secret(path, what) if path else None
    except NamedFileError as error:
        raise click.BadParameter(str(error), param_hint=hint) from error
