"""The cameras that somebody named on a command line or in a file, as a producer is told of them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CameraList:
    """NAME=URL of each camera, and a cameras.yaml; `fps` caps those that stand on the command line.

    Without a file of the user's one is written into a private folder: then the page can change these cameras too, and no URL with
    a password stands in an argument.
    """

    arguments: tuple[str, ...] = ()
    file: Path | None = None
    fps: float | None = None

    def write(self, folder: Path) -> tuple[Path, tuple[str, ...]]:
        """The cameras.yaml, and the producer's options; what has to be written goes into `folder`."""
        if self.file is None:
            file = folder / "cameras.yaml"
            file.write_text(self._as_yaml(), "utf-8", "surrogateescape")
            return file, ("--cameras", str(file))
        options = []
        for number, argument in enumerate(self.arguments, start=1):
            name, _, url = argument.partition("=")
            secret = folder / f"camera-{number}.url"
            if not url.startswith("@"):
                secret.write_text(f"{url}\n", "utf-8", "surrogateescape")
            options += ["--camera", argument if url.startswith("@") else f"{name}=@{secret}"]
        return self.file, ("--cameras", str(self.file), *options)

    def _as_yaml(self) -> str:
        """Text in double quotes means the same in YAML as in JSON."""
        lines = ["cameras:"]
        for argument in self.arguments:
            name, _, url = (word.strip() for word in argument.partition("="))
            if url.startswith("@"):  # beside cameras.yaml there is no such file
                url = f"@{Path(url[1:]).expanduser().absolute()}"
            lines += [f"  {_quoted(name)}:", f"    url: {_quoted(url)}", *([f"    fps: {self.fps:g}"] if self.fps else [])]
        return "\n".join(lines) + "\n"


def named(cameras: tuple[str, ...]) -> tuple[str, ...]:
    """Each camera as NAME=URL; a bare URL is called camera-1, and so on."""
    # What stands before the = of a bare URL is no name: it has a scheme or a folder in it.
    return tuple(
        camera if "=" in camera and not re.search(r"[:/]", camera.partition("=")[0]) else f"camera-{number}={camera}"
        for number, camera in enumerate(cameras, start=1)
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
