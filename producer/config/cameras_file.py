"""cameras.yaml: which cameras there are. Every mistake in it is one line that names the camera, the key and the line.

cameras:
  door: '@/run/secrets/door'     # the first line of that file is the URL
  hall:
    url: rtsp://10.0.0.7/stream
    fps: 10
    max_side: 960
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from ferstream.producer.config.camera_config import SETTING_NAMES, CameraConfig, CameraSettings, nearest, settings_from
from ferstream.producer.config.camera_url import path_of, scheme_of
from ferstream.producer.errors import ConfigError
from ferstream.streams.service.named_file import NamedFileError, as_text, read_secret, read_text

KEYS = ("url", "url_file", *SETTING_NAMES)
#: What YAML says where a value holds a colon at its end or before a space, in a block and in braces: it takes that for a key.
_COLONS = ("mapping values are not allowed here", "but got ':'")
#: And where a value begins with @, which YAML keeps for itself.
_AT = "cannot start any token"
#: What may be a URL, or end with a user and password, where a name should be.
_ADDRESS = re.compile(r"://|:.*@", re.DOTALL)
#: Is told of each file that holds an URL, before it is read.
Note: TypeAlias = Callable[[Path], object]
QUOTE_IT = "if a value has a colon in it, quote it: url: 'portraits:'"


def _nobody(_path: Path) -> None:
    """Nobody watches the files."""


def read_cameras_file(path: Path, defaults: CameraSettings, note: Note = _nobody) -> list[CameraConfig]:
    """The cameras of a file, in its order. Raises ConfigError."""
    loader = None
    try:
        loader = yaml.SafeLoader(read_text(path))
        root = loader.get_single_node()
        return [_camera(loader, name, node, path, defaults, note) for name, node in _cameras(root, path)]
    except NamedFileError as error:
        raise ConfigError(str(error)) from None
    except yaml.MarkedYAMLError as error:
        # The error quotes the file, which may hold a password: only its kind and place are told.
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = error.problem or ""
        hint = f"; {QUOTE_IT}" if any(words in problem for words in _COLONS) else ""
        hint = "; if a value begins with @, quote it: url: '@/run/secrets/door'" if _AT in problem else hint
        raise ConfigError(f"{path}, line {line}: this is no YAML: {_unquoted(error.problem)}{hint}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path} is no YAML: it holds characters that YAML forbids") from None
    except RecursionError:
        raise ConfigError(f"{path} is no list of cameras: it is nested too deep") from None
    finally:
        if loader is not None:
            loader.dispose()


def camera_from_argument(argument: str, defaults: CameraSettings, note: Note = _nobody) -> CameraConfig:
    """A camera from NAME=URL or NAME=@FILE. Raises ConfigError."""
    name, equals, url = argument.partition("=")
    if not equals or "://" in name:
        raise ConfigError("--camera wants NAME=URL, for instance door=rtsp://10.0.0.7/stream, or NAME=@FILE")
    try:
        return CameraConfig(name.strip(), _read(url.strip(), Path(), note), defaults)
    except ConfigError as error:
        raise ConfigError(f"camera {name}: {error}") from None


def refuse_duplicates(cameras: list[CameraConfig]) -> None:
    """Raises ConfigError where two cameras have one name."""
    seen = set()
    for camera in cameras:
        if camera.camera_id in seen:
            raise ConfigError(f"two cameras are named {camera.camera_id}: names must differ")
        seen.add(camera.camera_id)


def _cameras(root: yaml.Node | None, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    if root is None:
        raise ConfigError(f"{path} is empty: it must hold `cameras:` with a name and a URL each")
    for key, node in _pairs(root, f"{path}", path):
        if key != "cameras":
            raise ConfigError(f"{path}, line {_line(node)}: unknown key {as_text(key)}{nearest(key, ('cameras',))}")
        if isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~"):
            return
        yield from _pairs(node, "cameras", path)


def _pairs(node: yaml.Node, what: str, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{path}, line {_line(node)}: {what} must be a map of names to values")
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{path}, line {_line(key)}: a name must be plain text")
        if _ADDRESS.search(key.value):  # it may hold a password, and is not shown
            raise ConfigError(f"{path}, line {_line(key)}: a name must not be an address: is a space missing behind a colon?")
        if key.value in seen:
            raise ConfigError(f"{path}, line {_line(key)}: {what} has {as_text(key.value)} twice")
        seen.add(key.value)
        yield key.value, value


def _camera(
    loader: yaml.SafeLoader, name: str, node: yaml.Node, path: Path, defaults: CameraSettings, note: Note
) -> CameraConfig:
    told = f"camera {as_text(name)}"
    if isinstance(node, yaml.ScalarNode):
        settings: dict[str, Any] = {"url": node.value}
    else:
        settings = {}
        for key, value in _pairs(node, told, path):
            if key not in KEYS:
                known = f"; {QUOTE_IT}" if scheme_of(f"{key}:") else nearest(key, KEYS)
                raise ConfigError(f"{path}, line {_line(value)}: {told}: unknown key {as_text(key)}{known}")
            settings[key] = _value(loader, value, f"{path}, line {_line(value)}: {told}: {key}")
    try:
        url = _url(settings, path.parent, note)
        return CameraConfig(name, url, settings_from(settings, defaults))
    except ConfigError as error:
        raise ConfigError(f"{path}, line {_line(node)}: {told}: {error}") from None


def _value(loader: yaml.SafeLoader, node: yaml.Node, where: str) -> object:
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, AttributeError, LookupError):  # 2026-13-45 is a date for YAML; `!!bool x` is no bool
        raise ConfigError(f"{where} has a value that YAML cannot make out") from None


def _url(settings: dict[str, Any], folder: Path, note: Note) -> str:
    """Take the URL out of the settings; a file that holds it may lie beside cameras.yaml, in `folder`."""
    url, file = settings.pop("url", None), settings.pop("url_file", None)
    if (url is None) == (file is None):
        raise ConfigError("give either url or url_file")
    if file is not None:
        if not isinstance(file, str):
            raise ConfigError("url_file must be a path")
        url = f"@{file}"
    if not isinstance(url, str) or not url:
        raise ConfigError(f"url must be text; {QUOTE_IT}" if isinstance(url, dict) else "url must be text")
    return _read(url, folder, note)


def _read(url: str, folder: Path, note: Note) -> str:
    """The URL; of @FILE the first line of that file, which is the place for a password. Raises ConfigError."""
    if not url.startswith("@"):
        return url
    path = folder / path_of(url[1:])
    note(path)
    try:
        return read_secret(path, "the camera's URL")
    except NamedFileError as error:
        raise ConfigError(str(error)) from None


def _unquoted(problem: str | None) -> str:
    return re.sub(r"'.*'|\".*\"", "...", problem or "", flags=re.DOTALL)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
