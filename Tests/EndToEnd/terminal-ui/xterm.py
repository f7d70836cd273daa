#!/usr/bin/env python3
"""What a person sees: programs in xterm with sixel graphics under a virtual X server, looked at by screenshots.

Usage: xterm.py --bin DIRECTORY [NAME...]   (DIRECTORY holds glyphone and ui-demo; without names every check runs)
"""
import argparse
import math
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

import film

# Where the picture of a call is on a screen of 80x24, between the lines that show times.
PICTURE_ROWS = range(2, 16)


class Failure(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failure(what)


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, timeout=20, **options).stdout


def wait_for(what, probe, seconds=10):
    """The first true value of probe()."""
    end = time.monotonic() + seconds
    while not (value := probe()):
        check(time.monotonic() < end, f"waited {seconds} s for {what}")
        time.sleep(0.05)  # polling interval
    return value


class Window:
    """A program in an xterm without a border, so that pixels are counted from the first cell."""

    numbers = iter(range(1000))

    def __init__(self, directory, command, place, size="80x24"):
        self.name = f"glyphone-{next(self.numbers)}"
        self.shot = os.path.join(directory, f"{self.name}.png")
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY")}
        resources = ("decTerminalID: vt340", "numColorRegisters: 256", "internalBorder: 0", "allowSendEvents: true")
        options = [part for resource in resources for part in ("-xrm", f"XTerm*{resource}")]
        self.process = subprocess.Popen(
            ["xterm", "-ti", "vt340", *options, "-name", self.name, "-bg", "black", "-fg", "gray85",
             "-fa", "DejaVu Sans Mono", "-fs", "10", "-geometry", f"{size}+{place[0]}+{place[1]}", "-e", shlex.join(command)],
            env=environment | {"LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"})
        self.id = wait_for("a window", self.find)

    def find(self):
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--classname", self.name], capture_output=True)
        return found.stdout.decode().strip()

    def key(self, *keys):
        run("xdotool", "key", "--window", self.id, *keys)

    def size(self):
        text = run("xdotool", "getwindowgeometry", "--shell", self.id).decode()
        return tuple(int(re.search(rf"{name}=(\d+)", text)[1]) for name in ("WIDTH", "HEIGHT"))

    def look(self):
        """A screenshot; where it is."""
        run("import", "-window", self.id, self.shot)
        return self.shot

    def close(self):
        self.process.kill()
        self.process.wait()


class StandingFilm:
    """Some pictures of the test film, after which it neither goes on nor ends."""

    def __init__(self, directory, count):
        self.path = os.path.join(directory, f"film-{count}")
        self.still = os.path.join(directory, f"still-{count}.ppm")
        pictures = list(film.frames(count))
        with open(self.still, "wb") as file:
            file.write(b"P6 320 240 255\n" + film.rgb(pictures[-1]))
        self.data = film.header() + b"".join(b"FRAME\n" + picture for picture in pictures)
        self.count = 0

    def open(self):
        """Another pipe that brings the film."""
        self.count += 1
        path = f"{self.path}-{self.count}.y4m"
        os.mkfifo(path)
        # A process of its own, for a pipe is written as slowly as it is read.
        pid = os.fork()
        if pid == 0:
            try:
                with open(path, "wb") as pipe:
                    pipe.write(self.data)
                    pipe.flush()
                    time.sleep(60)  # until it is killed
            finally:
                os._exit(0)
        return path, pid


def psnr(a, b):
    """How alike two images of one size are, in dB."""
    done = subprocess.run(["compare", "-metric", "PSNR", a, b, "null:"], capture_output=True, timeout=20)
    check(done.returncode < 2, f"compare: {done.stderr.decode()}")
    value = done.stderr.decode().split()[0]
    return math.inf if value in ("inf", "0") and done.returncode == 0 else float(value)


class Checks:
    def __init__(self, directory, binaries):
        self.directory = directory
        self.glyphone, self.demo = (os.path.join(binaries, name) for name in ("glyphone", "ui-demo"))
        self.windows = []
        self.writers = []
        self.film = StandingFilm(directory, 12)
        self.picture = StandingFilm(directory, 1)

    def window(self, *command, size="80x24"):
        # Beside each other, for what is covered is not on a screenshot.
        row, column = divmod(len(self.windows), 2)
        self.windows.append(Window(self.directory, command, (column * 700, row * 600), size))
        return self.windows[-1]

    def player(self, film, *options, size="80x24"):
        path, writer = film.open()
        self.writers.append(writer)
        return self.window(self.glyphone, "play", path, *options, size=size)

    def close(self):
        for window in self.windows:
            window.close()
        for writer in self.writers:
            os.kill(writer, 9)
            os.waitpid(writer, 0)
        self.windows, self.writers = [], []

    def likeness(self, window, film):
        """How much what is not black looks like the film's last picture, and where that is."""
        shot = window.look()
        box = run("convert", shot, "-fuzz", "6%", "-format", "%@", "info:").decode()
        if box.startswith("0x0"):
            return 0, None
        picture = os.path.join(self.directory, "picture.png")
        wanted = os.path.join(self.directory, "wanted.png")
        run("convert", shot, "-crop", box, "+repage", picture)
        run("convert", film.still, "-resize", box.split("+")[0] + "!", wanted)
        return psnr(picture, wanted), [int(number) for number in re.split(r"[x+]", box)]

    def settled(self, window, film, floor):
        """Waits until the film's last picture is on the screen; where it is."""
        def probe():
            likeness, box = self.likeness(window, film)
            return likeness > floor and box
        return wait_for(f"a picture of {floor} dB", probe)

    def same(self, window, other, what):
        """Waits until two windows show the same. A row of pixels too many would leave 41 dB; a few shades may differ, for
        on a busy machine a byte is dearer."""
        wait_for(what, lambda: window.size() == other.size() and psnr(window.look(), other.look()) > 50)

    def check_film(self):
        """Sixels are chosen, and twelve pictures, of which all but the first were drawn as what had changed, end with the
        last one, in its place and its shape."""
        window = self.player(self.film)
        width, height, left, top = self.settled(window, self.film, 25)
        columns, rows = window.size()
        cell = rows / 24
        check(abs(width / height - 4 / 3) < 0.06, f"the picture is {width}x{height}")
        check(height > 22 * cell and top + height <= 23 * cell, f"rows {top} to {top + height} of {rows}")
        check(abs(left - (columns - left - width)) <= 16, f"columns {left} to {left + width} of {columns}")

    def check_other_mode(self):
        """After other modes all is as if there had never been another."""
        window, blocks, sixels = (self.player(self.picture, "--render", mode) for mode in ("sixel", "block", "sixel"))
        for each in (window, sixels):
            self.settled(each, self.picture, 25)
        self.settled(blocks, self.picture, 20)
        window.key("r", "r", "r", "r")
        self.same(window, blocks, "nothing but blocks")
        window.key("r", "r")
        self.same(window, sixels, "nothing but sixels")

    def check_other_size(self):
        """After another size all is as if it had always been this one."""
        window, small = (self.player(self.picture, "--render", "sixel", size=size) for size in ("80x24", "61x19"))
        for each in (window, small):
            self.settled(each, self.picture, 25)
        run("xdotool", "windowsize", window.id, *map(str, small.size()))
        self.same(window, small, "the smaller picture alone")

    def part(self, window):
        """A screenshot of where a call's picture is."""
        columns, rows = window.size()
        cell = rows // 24
        part = window.look().replace(".png", "-part.png")
        place = f"{columns}x{len(PICTURE_ROWS) * cell}+0+{PICTURE_ROWS[0] * cell}"
        run("convert", window.shot, "-crop", place, "+repage", part)
        return part

    def has_picture(self, window):
        return int(run("identify", "-format", "%k", self.part(window))) > 100

    def call(self, mode):
        """A call in a window: the front end with a played controller."""
        journal = os.path.join(self.directory, f"journal-{mode}")
        script = os.path.join(self.directory, f"script-{mode}")
        os.mkfifo(script)
        window = self.window(self.demo, script, journal, "--render", mode)
        with open(script, "w") as pipe:
            pipe.write("online\nusers anna bert\n")
        open(journal, "w").close()

        def has_called():
            window.key("Return")
            with open(journal) as lines:
                return "invite" in lines.read()

        wait_for("a call", has_called)
        return window

    def check_help(self):
        """Help over a picture of sixels looks as over one of letters, and then the picture is there again."""
        window, letters = self.call("sixel"), self.call("ascii")
        wait_for("a picture", lambda: self.has_picture(window))
        for each in (window, letters):
            each.key("F1")
        wait_for("help and nothing else", lambda: psnr(self.part(window), self.part(letters)) == math.inf)
        window.key("F1")
        wait_for("the picture again", lambda: self.has_picture(window))


CHECKS = {
    "film": Checks.check_film,
    "other-mode": Checks.check_other_mode,
    "other-size": Checks.check_other_size,
    "help": Checks.check_help,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    server = subprocess.Popen(
        ["Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", "1400x1200x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.environ["DISPLAY"] = ":" + server.stdout.readline().decode().strip()
    failed = 0
    try:
        # A program whose terminal is gone may write its last line after that.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            checks = Checks(directory, os.path.abspath(options.bin))
            for name in options.names or CHECKS:
                try:
                    CHECKS[name](checks)
                    print(f"ok      {name}", flush=True)
                except (Failure, subprocess.SubprocessError) as failure:
                    failed += 1
                    print(f"FAILED  {name}: {failure}", flush=True)
                finally:
                    checks.close()
    finally:
        server.kill()
        server.wait()
    sys.exit(1 if failed else 0)


main()
