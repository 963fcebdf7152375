"""Files that people name: whole, of bounded size, and never waited for without an end."""

import os
import threading

import pytest

from ferstream.streams.service import named_file
from ferstream.streams.service.named_file import NamedFileError, as_text, read_secret, read_text


def test_a_file_and_a_pipe_are_read_whole(tmp_path):
    (tmp_path / "file").write_text("Tür\n" * 50_000)
    assert read_text(tmp_path / "file") == "Tür\n" * 50_000
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("Tür\n" * 50_000,))
    writer.start()
    assert read_text(tmp_path / "pipe") == "Tür\n" * 50_000
    writer.join()


def test_a_secret_is_the_first_line(tmp_path):
    (tmp_path / "url").write_text(" rtsp://u:p w@h/x \r\n# the new one\n")
    assert read_secret(tmp_path / "url", "the URL") == "rtsp://u:p w@h/x"
    (tmp_path / "url").write_text("\n \n")
    with pytest.raises(NamedFileError, match="url is empty: its first line must be the URL"):
        read_secret(tmp_path / "url", "the URL")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing", "No such file or directory"),
        (".", "Is a directory"),
        ("noise", "it is not UTF-8 text"),
        ("pipe", "nothing came out of it within 0.1 s"),
        ("large", "it is larger than 1000 bytes"),
        ("/dev/zero", "it is larger than 1000 bytes"),
        ("a\0b", "no file can have this name"),
        ("a\ud800b", "no file can have this name"),
        ("two\nlines", "No such file or directory"),
    ],
)
def test_what_is_no_text_is_one_line(tmp_path, monkeypatch, name, told):
    monkeypatch.setattr(named_file, "PATIENCE_S", 0.1)
    monkeypatch.setattr(named_file, "LARGEST_TEXT", 1000)
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00\xd8")
    (tmp_path / "large").write_text("x" * 1001)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NamedFileError) as caught:
        read_text(tmp_path / name)
    assert str(caught.value) == f"cannot read {as_text(tmp_path / name)}: {told}"
    assert "\n" not in str(caught.value)
