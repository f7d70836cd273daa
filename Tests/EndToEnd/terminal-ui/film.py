"""A film for tests: bars that wander over a gradient, with noise, as Y4M."""

import random


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
