"""A box is drawn on the face of its own frame: a thousand pictures that carry their number, read back from the screen."""

import numpy as np
import pytest
import simplejpeg

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from tests.support.browser import PATIENCE_MS, chromium, visit
from tests.support.dashboard import Dashboard
from tests.support.living_cameras import LivingCameras, pixels
from tests.support.records import face

PICTURES = 1000
#: The number is written into the lowest tenth of a picture, a bit a column: white is 1.
BITS = 16
#: Reads the number off the canvas, and whether the middle of the message's box is white, as the face is.
READ = """() => {
    window.read = [];
    window.ferDraws.drawn = (canvas, message) => {
        const { width, height } = canvas;
        const context = canvas.getContext("2d");
        const row = context.getImageData(0, Math.floor(0.95 * height), width, 1).data;
        let number = 0;
        for (let bit = 0; bit < BITS; bit += 1) number = 2 * number + (row[4 * Math.floor(((bit + 0.5) / BITS) * width)] > 128);
        const [left, top, right, bottom] = message.faces[0].box;
        const [x, y] = [((left + right) / 2 / message.width) * width, ((top + bottom) / 2 / message.height) * height];
        const middle = context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
        window.read.push([message.sequence, number, Math.min(...middle)]);
    };
}""".replace("BITS", str(BITS))


class Numbered(LivingCameras):
    """Pictures that carry their number, with a face that is elsewhere in each."""

    def faces_of(self, sequence):
        return (face(box=box_of(sequence)),)

    def picture_of(self, sequence, side):
        drawn = pixels(side, box_of(sequence))
        strip = drawn[-len(drawn) // 10 :]
        for bit, column in enumerate(np.array_split(np.arange(side), BITS)):
            strip[:, column] = 255 * (sequence >> (BITS - 1 - bit) & 1)
        return simplejpeg.encode_jpeg(drawn, quality=90, colorspace="RGB")


def box_of(sequence):
    left, top = 40 + 197 * sequence % 1000, 60 + 83 * sequence % 360
    return (left, top, left + 160, top + 160)


@pytest.mark.slow
def test_of_a_thousand_pictures_none_has_the_box_of_another():
    cameras = [f"camera-{number:02}" for number in range(20)]
    with (
        EmbeddedRedis() as redis,
        Numbered(redis.url, *cameras, every_s=0.1),
        Dashboard(redis.url) as server,
        chromium() as browser,
        visit(browser, f"{server.url}/?kiosk=1&measure=1") as page,
    ):
        page.wait_for_function("() => window.ferDraws")
        page.evaluate(READ)
        page.wait_for_function(f"() => window.read.length >= {PICTURES}", timeout=6 * PATIENCE_MS)
        read = page.evaluate("window.read")
    assert all(sequence % 2**BITS == number for sequence, number, _ in read)
    assert min(white for _, _, white in read) > 180
    assert len({sequence for sequence, _, _ in read}) > PICTURES / 2
