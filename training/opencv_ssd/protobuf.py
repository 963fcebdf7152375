"""Messages of protocol buffers, declared by the fields that are read: a file's other fields are skipped.

A schema names each message's fields by their number and type; `*` marks a repeated one. Numbers are those of the formats' own
.proto files, which is all that a reader of the wire needs (https://protobuf.dev/programming-guides/encoding/).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError, Message

from ferstream.workers.models.card import ModelError

#: Message name -> field name -> (number, type).
Schema = Mapping[str, Mapping[str, tuple[int, str]]]
#: Enum name -> value name -> number; the first value is what a field has that is not there.
Enums = Mapping[str, Mapping[str, int]]

_Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "float": _Field.TYPE_FLOAT,
    "int": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
}


def message_class(root: str, schema: Schema, enums: Enums, syntax: Literal["proto2", "proto3"]) -> type[Message]:
    """The class of the message `root` of `schema`, in the syntax of the format's own .proto file."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{root}.proto", package=root, syntax=syntax)
    for name, values in enums.items():
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    for name, fields in schema.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            one = kind.rstrip("*")
            label = _Field.LABEL_REPEATED if kind.endswith("*") else _Field.LABEL_OPTIONAL
            type_ = SCALARS.get(one, _Field.TYPE_ENUM if one in enums else _Field.TYPE_MESSAGE)
            added = message.field.add(name=field, number=number, label=label, type=type_)
            if one not in SCALARS:
                added.type_name = f".{root}.{one}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{root}.{root}"))
    return made


def read_binary(kind: type[Message], path: Path, data: bytes) -> Any:  # noqa: ANN401 - its fields are the schema's
    """The message that `path` holds as `data`. Raises ModelError where it is cut off or of another format."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise ModelError(f"{path} is cut off, or no {kind.DESCRIPTOR.name} at all: get the file again") from error


def read_text(kind: type[Message], path: Path, text: str) -> Any:  # noqa: ANN401
    """The message that `path` holds as `text`. Raises ModelError where it is none."""
    try:
        return text_format.Parse(text, kind(), allow_unknown_field=True)
    except text_format.ParseError as error:
        raise ModelError(f"{path} is cut off, or no {kind.DESCRIPTOR.name} in text: {error}") from error
