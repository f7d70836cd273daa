"""A film for tests: bars that wander over a gradient, with noise, as Y4M."""

import random
import struct
import subprocess
import sys


def frames(count, width=320, height=240):
    """Luma and chroma of one picture after the other."""
    randomness = random.Random(1)
    noise = [bytes(randomness.randrange(8) for _ in range(width)) for _ in range(16)]
    chroma = width // 2
    for number in range(count):
        ramp = bytes((40 + x // 3 + number) % 200 for x in range(width))
        rows = []
        for y in range(height):
            grain = noise[randomness.randrange(16)]
            bar = (number * 5 + y // 4) % width
            row = bytearray(map(int.__add__, ramp, grain))
            row[bar:bar + 40] = b"\xdc" * len(row[bar:bar + 40])
            rows.append(bytes(row))
        blue = bytes((90 + x // 4 + number) % 256 for x in range(chroma))
        red = bytes((170 - x // 4 + 2 * number) % 256 for x in range(chroma))
        yield b"".join(rows) + blue * (height // 2) + red * (height // 2)


def header(width=320, height=240, rate=30):
    return f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode()


def write(path, seconds, rate=30):
    with open(path, "wb") as file:
        file.write(header(rate=rate))
        for picture in frames(seconds * rate):
            file.write(b"FRAME\n" + picture)


def rgb(picture, width=320, height=240):
    """Red, green and blue of a picture (BT.601, video range)."""
    chroma = width // 2
    blue = picture[width * height:]
    red = blue[chroma * (height // 2):]
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            luma = 1.164 * (picture[y * width + x] - 16)
            place = y // 2 * chroma + x // 2
            u, v = blue[place] - 128, red[place] - 128
            for value in (luma + 1.596 * v, luma - 0.392 * u - 0.813 * v, luma + 2.017 * u):
                pixels.append(min(max(round(value), 0), 255))
    return bytes(pixels)


def encode(source, path, codec):
    """Encodes a Y4M film as VP8 or VP9; into WebM, or IVF if the path ends so."""
    # Debian's Python has GStreamer; another may come first.
    subprocess.run(["/usr/bin/python3", __file__, source, path, codec], check=True, timeout=60)


def encode_here(source, path, codec):
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
    Gst.init(None)
    sink = "appsink name=sink" if path.endswith(".ivf") else f"webmmux ! filesink location={path}"
    encoder = f"{codec.lower()}enc deadline=1 cpu-used=8"
    pipeline = Gst.parse_launch(f"filesrc location={source} ! y4mdec ! {encoder} ! {sink}")
    pipeline.set_state(Gst.State.PLAYING)
    frames_ = []
    if path.endswith(".ivf"):
        while sample := pipeline.get_by_name("sink").emit("pull-sample"):
            buffer = sample.get_buffer()
            frames_.append(buffer.extract_dup(0, buffer.get_size()))
        with open(path, "wb") as file:
            kind = f"{codec}0".encode()
            file.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, kind, 320, 240, 30, 1, len(frames_), 0))
            for number, frame in enumerate(frames_):
                file.write(struct.pack("<IQ", len(frame), number) + frame)
    message = pipeline.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if not message or message.type != Gst.MessageType.EOS:
        raise RuntimeError(f"{codec}: {message and message.parse_error()}")


if __name__ == "__main__":
    encode_here(*sys.argv[1:])
