"""One camera of a commented file is changed, and the rest of the file is the same bytes."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferstream.consumer.dashboard.cameras.editing import with_camera, without_camera
from ferstream.consumer.dashboard.cameras.layout import EditError, entries_of
from ferstream.producer.config.camera_config import CameraSettings
from ferstream.producer.config.cameras_file import read_cameras_file

WRITTEN = """\
# Our cameras.
cameras:   # all of them
    # the front
    door: rtsp://u:hunter2@10.0.0.7/x   # the door
    hall:
        url: "http://10.0.0.8/x"   # quoted
        # why so slow
        fps: 1_0      # old camera
        max_side: 0x200
        # jpeg_quality: 3

    # the yard
    yard: {url: 'portraits:',   fps: &slow 3}  # flow
    roof: {url: 'portraits:', fps: *slow}
# The end.
"""
REGION = [[0, 0], [1, 0], [0.5, 0.25]]


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went, and lines that came."""
    old, new = Counter(before.splitlines(keepends=True)), Counter(after.splitlines(keepends=True))
    return list((old - new).elements()), list((new - old).elements())


def test_one_setting_more():
    after = with_camera(WRITTEN, "hall", {"url": "http://10.0.0.8/x", "fps": 10, "max_side": 512, "loop": True})
    assert changed_lines(WRITTEN, after) == ([], ["        loop: true\n"])


def test_a_value_changes_and_keeps_its_comment():
    after = with_camera(WRITTEN, "hall", {"url": "http://10.0.0.8/x", "fps": 12.5, "max_side": 512})
    assert changed_lines(WRITTEN, after) == (["        fps: 1_0      # old camera\n"], ["        fps: 12.5     # old camera\n"])


def test_an_address_alone_gets_settings():
    after = with_camera(WRITTEN, "door", {"url": "rtsp://u:hunter2@10.0.0.7/x", "region": REGION})
    gone, came = changed_lines(WRITTEN, after)
    assert gone == ["    door: rtsp://u:hunter2@10.0.0.7/x   # the door\n"]
    assert "# the door" in came[0]
    assert came[-1] == "        region: [[0, 0], [1, 0], [0.5, 0.25]]\n"


def test_an_anchor_stays_one():
    after = with_camera(WRITTEN, "roof", {"url": "portraits:", "fps": 3, "loop": True})
    assert changed_lines(WRITTEN, after)[1] == ["    roof: {url: 'portraits:', fps: *slow, loop: true}\n"]
    with pytest.raises(EditError):  # roof has its number
        without_camera(WRITTEN, "yard")


def test_a_camera_more_and_one_less():
    after = with_camera(WRITTEN, "gate", {"url": "rtsp://10.0.0.9/x", "fps": 5})
    assert changed_lines(WRITTEN, after) == ([], ["    gate:\n", "        url: 'rtsp://10.0.0.9/x'\n", "        fps: 5\n"])
    assert without_camera(after, "gate") == WRITTEN
    assert changed_lines(WRITTEN, without_camera(WRITTEN, "door")) == ([WRITTEN.splitlines(keepends=True)[3]], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only words\n",
        "cameras:\n",
        "cameras:  # none yet\n# end",
        "cameras: {}\n",
        "cameras: null\n",
        "cameras: {a: '/x'}  # one\n",
        "---\ncameras:\n  a: /x\n...\n",
        "cameras:\r\n  a: /x\r\n  b:\r\n    url: /y # y\r\n",
        "cameras:\n a: /x",
        "cameras:\n  ? a\n  : /x\n",
        "{cameras: {a: /x}}",
        "cameras:\n            a:\n                         url: /x\n",
        "cameras:\n  a:\n    url: |-\n      /x\n    # below\n\n",
    ],
)
def test_files_of_all_shapes(text):
    before = entries_of(text)
    after = with_camera(text, "new: one", {"url": "portraits:", "region": REGION})
    assert entries_of(after) == before | {"new: one": {"url": "portraits:", "region": REGION}}
    assert set(re.findall("#.*", text)) <= set(re.findall("#.*", after))
    assert entries_of(without_camera(after, "new: one")) == before
    for name in before:
        assert entries_of(with_camera(text, name, {"url": "/z"}))[name] in ("/z", {"url": "/z"})
        assert entries_of(with_camera(text, name, {"url": "/z", "fps": 2})) == before | {name: {"url": "/z", "fps": 2}}
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)


@pytest.mark.parametrize(
    "text",
    [
        "cameras: [a]\n",
        "cameras:\n  a: rtsp://u:hunter2@h\n  a: /x\n",
        "cameras:\n  a: {url: 'rtsp://u:hunter2@h\n",
        "cameras: {a: *hunter2}\n",
        "other: 1\n",
        "cameras:\n  a: /x\nother: 1\n",
        "cameras:\n  a: {fps: 2026-13-45}\n",
        "cameras:\n  <<: {a: /x}\n",
        "cameras: " + "[" * 1000,
        "- a\n",
        "a\x00",
        "cameras:\n  a: &d {url: /x}\n  b: *d\n",
    ],
)
def test_what_cannot_be_changed_here(text):
    with pytest.raises(EditError) as caught:
        with_camera(text, "a", {"url": "/y"})
    assert "hunter2" not in str(caught.value)


NAMES = st.sampled_from(["door", "hall 2", "123", "yes", "a: b", "größe", "#x", "'", "- a", "null", "1e3", "n" * 128])
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "fps": st.sampled_from([3, 12.5, 0.01]),
        "max_side": st.integers(64, 2000),
        "loop": st.booleans(),
        "mask": st.just([REGION, REGION]),
        "region": st.just(REGION),
    },
)
ENTRIES = st.builds(lambda url, settings: {"url": url, **settings}, st.sampled_from(["portraits:", "rtsp://u:p@h/x#y"]), NUMBERS)
FORMS = st.sampled_from(["block", "flow", "address"])


def written(name: str, entry: dict, form: str, number: int, step: int) -> str:
    """A camera as somebody may have written it, with comments that tell it by its number."""
    key = '"' + name.replace('"', '\\"') + '"' if number % 2 or not name.isalnum() else name
    at, below = " " * step, " " * 2 * step
    if form == "flow" or set(entry) == {"url"}:
        value = (
            f"'{entry['url']}'"
            if set(entry) == {"url"}
            else "{" + ",  ".join(f"{k}: {literal(v)}" for k, v in entry.items()) + "}"
        )
        return f"{at}# above {number}\n{at}{key}: {value}   # beside {number}\n"
    lines = "".join(f"{below}# above {number} {k}\n{below}{k}:  {literal(v)}  # beside {number} {k}\n" for k, v in entry.items())
    return f"{at}# above {number}\n\n{at}{key}:  # head {number}\n{lines}{below}# below {number}\n\n"


def literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(NAMES, ENTRIES, FORMS), max_size=4, unique_by=lambda one: one[0]),
    st.integers(2, 4),
    st.lists(st.tuples(NAMES, ENTRIES | st.none()), max_size=4),
)
def test_any_changes_of_any_file(tmp_path_factory, cameras, step, changes):
    text = "# head\ncameras:\n" + "".join(written(*camera, number, step) for number, camera in enumerate(cameras)) + "# end\n"
    wanted = {name: entry for name, entry, _ in cameras}
    untouched = {name: number for number, (name, _, _) in enumerate(cameras)}
    before = text
    for name, entry in changes:
        if entry is not None:
            text = with_camera(text, name, entry)
            wanted[name] = entry
        elif name in wanted:
            text = without_camera(text, name)
            del wanted[name]
        untouched.pop(name, None)
    path = tmp_path_factory.getbasetemp() / "cameras.yaml"
    path.write_text(text)
    read = {camera.camera_id: camera for camera in read_cameras_file(path, CameraSettings())}
    assert set(read) == set(wanted)
    for name, entry in wanted.items():
        assert read[name].url == entry["url"]
        settings = CameraSettings(**{key: tuples(value) for key, value in entry.items() if key != "url"})
        assert read[name].settings == settings
    kept = {
        line for line in before.splitlines() if (found := re.search(r"# \w+ (\d+)", line)) and int(found[1]) in untouched.values()
    }
    assert kept <= set(text.splitlines())
    assert {"# head", "# end"} <= set(text.splitlines())
    assert Counter(re.findall("# .*", text)) <= Counter(re.findall("# .*", before))


def tuples(value: object) -> object:
    return tuple(map(tuples, value)) if isinstance(value, list) else value
