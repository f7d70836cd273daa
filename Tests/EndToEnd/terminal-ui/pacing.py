#!/usr/bin/env python3
"""What a slow terminal gets: `glyphone play` on a pseudo terminal that reads no faster than a given rate.

Usage: pacing.py --bin DIRECTORY [--film FILE]   (DIRECTORY holds glyphone; the film should last for nine seconds)
"""
import argparse
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
import fcntl

import film

BEGIN, END, ASK = b"\x1b[?2026h", b"\x1b[?2026l", b"\x1b[5n"


class Terminal:
    """Takes bytes at a rate, answers DSR when it gets there, and notes when each picture arrived."""

    def __init__(self, command, rate, columns=80, rows=24):
        self.rate = rate
        self.pictures = []
        self.received = []
        self.asked = self.most_waiting = 0
        self.tail = b""
        pid, self.master = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LC_ALL="C.UTF-8")
            os.environ.pop("TMUX", None)
            os.execv(command[0], command)
        self.pid = pid
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def run(self, seconds, keys=()):
        """Reads for some seconds; keys are (time, bytes)."""
        start = time.monotonic()
        credit, last = 0.0, start
        keys = list(keys)
        while (now := time.monotonic()) - start < seconds:
            credit = min(credit + (now - last) * self.rate, max(self.rate / 20, 64))
            last = now
            if keys and now - start >= keys[0][0]:
                os.write(self.master, keys.pop(0)[1])
            ready, _, _ = select.select([self.master], [], [], 0.01)
            if not ready or credit < 1:
                time.sleep(0.002)
                continue
            try:
                data = os.read(self.master, min(int(credit), 4096))
            except OSError:
                break
            credit -= len(data)
            self.take(data, now - start)
        return self

    def take(self, data, now):
        self.received.append((now, len(data)))
        text = self.tail + data
        old = len(self.tail)
        for mark, act in ((END, self.picture), (ASK, self.answer), (b"\x1b[c", self.attributes)):
            place = text.find(mark)
            while place >= 0:
                if place + len(mark) > old:
                    act(now)
                place = text.find(mark, place + 1)
        self.tail = text[-16:]

    def picture(self, now):
        self.pictures.append(now)

    def answer(self, now):
        os.write(self.master, b"\x1b[0n")

    def attributes(self, now):
        os.write(self.master, b"\x1b[?62;22c")

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        rest = b""
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                rest += os.read(self.master, 65536)
            except OSError:
                break
        os.waitpid(self.pid, 0)
        os.close(self.master)
        return rest

    def heaviest(self, span=1.0):
        """The most bytes within a second."""
        best, first, total = 0, 0, 0
        for time_, size in self.received:
            total += size
            while self.received[first][0] < time_ - span:
                total -= self.received[first][1]
                first += 1
            best = max(best, total)
        return best


def check(what, holds):
    print(("ok   " if holds else "FAIL ") + what, flush=True)
    return bool(holds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--film")
    parser.add_argument("--name", default="glyphone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = options.film or os.path.join(directory, "film.y4m")
        if not options.film:
            film.write(path, 13)
        good = measure([f"{options.bin}/{options.name}", "play", path, "--render", "block"])
    sys.exit(not good)


def measure(play):
    good = True

    fast = Terminal(play, 50_000_000).run(5)
    good &= check(f"a fast terminal gets {len(fast.pictures)} pictures in 5 s", len(fast.pictures) > 110)
    fast.close()

    for rate, fewest in ((20_000, 40), (60_000, 120)):
        slow = Terminal(play, rate)
        slow.run(12)
        begun = time.monotonic()
        os.write(slow.master, b"q")
        while True:
            try:
                if not os.read(slow.master, 4096):
                    break
            except OSError:
                break
        left = time.monotonic() - begun
        good &= check(f"at {rate} bytes/s: {len(slow.pictures)} pictures in 12 s", len(slow.pictures) >= fewest)
        good &= check(f"at {rate} bytes/s: q leaves within {left:.1f} s", left < 2.5)
        os.waitpid(slow.pid, 0)

    for budget in (10_000, 50_000):
        kept = Terminal(play + ["--max-bandwidth", str(budget)], 50_000_000).run(6)
        kept.received = [r for r in kept.received if r[0] > 0.2]
        heaviest = kept.heaviest()
        good &= check(
            f"a budget of {budget}: at most {heaviest} bytes in any second, {len(kept.pictures)} pictures in 6 s",
            heaviest < budget * 1.25 + 4000 and len(kept.pictures) > 20)
        kept.close()
    return good


main()
