#!/usr/bin/env python3
"""`glyphone play` and `glyphone doctor terminal` on a pseudo terminal that answers as a terminal would.

Usage: play.py --bin DIRECTORY [NAME...]   (DIRECTORY holds glyphone; without names every check runs)
"""
import argparse
import base64
import fcntl
import operator
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import zlib

import film

FRAME_END = b"\x1b[?2026l"
DEVICE = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[5n": b"\x1b[0n", b"\x1b[6n": b"\x1b[20;1R", b"\x1b[16t": b"\x1b[6;20;10t"}


class Failure(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failure(what)


class Session:
    """A program on a terminal of 80x24, which gives an answer to each question that it knows."""

    def __init__(self, command, answers=None, stdin=None):
        self.answers = DEVICE if answers is None else answers
        self.output = b""
        self.answered = 0
        self.status = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LC_ALL="C.UTF-8", SWIFT_BACKTRACE="enable=no")
            for name in ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY"):
                os.environ.pop(name, None)
            # The parent sets the size first.
            select.select([0], [], [])
            os.read(0, 1)
            if stdin is not None:
                os.dup2(stdin, 0)
            os.execv(command[0], command)
        self.before = termios.tcgetattr(self.master)
        self.resize(80, 24)
        os.write(self.master, b"\n")

    def resize(self, columns, rows, cell=(0, 0)):
        size = struct.pack("HHHH", rows, columns, columns * cell[0], rows * cell[1])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def type(self, keys):
        os.write(self.master, keys)

    def step(self):
        """Takes what comes within a moment; False when the program is gone."""
        ready, _, _ = select.select([self.master], [], [], 0.1)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data
        questions = re.compile(b"|".join(re.escape(question) for question in self.answers) or b"(?!)")
        while found := questions.search(self.output, self.answered):
            self.answered = found.end()
            os.write(self.master, self.answers[found[0]])
        return bool(data)

    def wait(self, what, probe, seconds=20):
        end = time.monotonic() + seconds
        while not (value := probe(self.output)):
            check(self.step(), f"the program ended before {what}: {self.output[-300:]}")
            check(time.monotonic() < end, f"waited {seconds} s for {what}: {self.output[-300:]}")
        return value

    def wait_for_end(self, seconds=20):
        end = time.monotonic() + seconds
        while self.step():
            check(time.monotonic() < end, f"it does not end within {seconds} s: {self.output[-300:]}")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        return self.output

    def close(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)


def pictures(output):
    return output.count(FRAME_END)


def check_doctor(glyphone, path, sessions):
    """The findings, a card in each mode that there is, and what can be set by hand."""
    session = sessions(["doctor", "terminal"], DEVICE | {b"\x1b[c": b"\x1b[?62;4;22c"})
    text = session.wait_for_end().decode(errors="replace")
    check(session.status == 0, f"status {session.status}")
    for words in ("Found:", "DA1 (4 22)", "10x20 pixels", "Pictures are drawn as sixel", "--terminal-feature"):
        check(words in text, f"{words!r} is missing in {text[:600]}")
    for mode in ("ascii", "half", "quadrant", "block", "braille", "sixel"):
        check(f"\r\n{mode}: " in text, f"no card of {mode}")
    check(re.search("\x1bP[0-9;]*q", text), "no sixel image")
    check("\nkitty: " not in text, "a card of what the terminal does not have")


def check_doctor_on_a_silent_terminal(glyphone, path, sessions):
    """A terminal that answers nothing gets a report and no cards."""
    session = sessions(["doctor", "terminal"], {})
    text = session.wait_for_end().decode(errors="replace")
    check(session.status == 0 and "does not say where its cursor is" in text, text[-400:])


def check_whole_film(glyphone, path, sessions):
    """Plays to the end, within its time, and gives the screen back."""
    begin = time.monotonic()
    session = sessions(["play", path])
    output = session.wait_for_end()
    check(session.status == 0, f"status {session.status}")
    # A build for debugging on a busy machine passes some over.
    check(pictures(output) > 15, f"{pictures(output)} pictures of 60")
    check(1.5 < time.monotonic() - begin < 10, "a film of two seconds")
    check(b"\x1b[?1049l" in output[-200:], "the screen is not given back")


def check_quiet_pipe(glyphone, path, sessions):
    """A film that comes through a pipe which stands still: what there is is shown, and keys are heard."""
    reading, writing = os.pipe()
    session = sessions(["play", "-"], stdin=reading)
    os.close(reading)
    pictures_ = film.frames(2)
    os.write(writing, film.header())
    # More than a pipe holds, so that it has been read when this returns; the second one is cut short.
    os.write(writing, b"FRAME\n" + next(pictures_))
    os.write(writing, b"FRAME\n" + next(pictures_)[:1000])
    session.wait("the first picture", lambda output: pictures(output) >= 1)
    session.type(b"q")
    session.wait_for_end(5)
    check(session.status == 0, f"status {session.status}")
    os.close(writing)


def check_control_z(glyphone, path, sessions):
    """The shell gets its screen; then the film goes on. (Nobody stops a program without a shell: it comes back at once.)"""
    session = sessions(["play", path])
    session.wait("pictures", lambda output: pictures(output) >= 3)
    session.type(b"\x1a")
    given = session.wait("the shell's screen", lambda output: output.find(b"\x1b[?1049l") + 1)
    taken = session.wait("the screen again", lambda output: output.find(b"\x1b[?1049h", given) + 1)
    session.wait("more pictures", lambda output: pictures(output[taken:]) >= 3)
    session.type(b"q")
    session.wait_for_end(5)
    check(session.status == 0, f"status {session.status}")


def image_widths(output):
    return [int(width) for width in re.findall(rb"_Ga=T[^;\x1b]*,s=(\d+)", output)]


def check_another_font(glyphone, path, sessions):
    """The size of a cell changes with the window: told by the kernel, or asked for again."""
    for cell, answers in (((6, 12), DEVICE), ((0, 0), dict(DEVICE))):
        session = sessions(["play", path, "--render", "kitty", "--terminal-feature", "kitty=remote"], answers)
        session.wait("an image", image_widths)
        session.type(b" ")  # the film stands still and does not end meanwhile
        check(640 == image_widths(session.output)[0], f"{image_widths(session.output)}: 24 rows of 20 at 4:3")
        if cell == (0, 0):
            answers[b"\x1b[16t"] = b"\x1b[6;12;6t"
        # Without any difference there would be no signal.
        session.resize(81, 24, cell)
        session.wait("a smaller image", lambda output: image_widths(output)[-1] in range(378, 391))
        session.type(b"q")
        session.wait_for_end(5)


def check_image_is_taken_away(glyphone, path, sessions):
    """What lies over text would lie over the shell's as well."""
    session = sessions(["play", path, "--render", "kitty", "--terminal-feature", "kitty=remote"])
    session.wait("an image", image_widths)
    session.type(b"q")
    output = session.wait_for_end(5)
    check(output.rfind(b"_Ga=T") < output.rfind(b"_Ga=d") < output.rfind(b"\x1b[?1049l"), f"{output[-300:]}")


def run(glyphone, *arguments):
    return subprocess.run([glyphone, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def check_benchmark(glyphone, path, sessions):
    """One update for each picture, in every mode that needs no terminal; a damaged film is reported on and fails."""
    with tempfile.NamedTemporaryFile() as stream:
        for mode in ("block", "sixel", "kitty", "ascii"):
            done = run(glyphone, "play", path, "--benchmark", "--frames", "9", "--render", mode, "--output", stream.name)
            check(done.returncode == 0 and re.search(r"^pictures +9$", done.stdout, re.M), f"{mode}: {done}")
            with open(stream.name, "rb") as file:
                check(pictures(file.read()) == 9, f"{mode}: updates")
            os.truncate(stream.name, 0)
    done = run(glyphone, "play", path, "--benchmark", "--cell", "129x16")
    check(done.returncode != 0 and "--cell takes 1x1 to 128x256" in done.stderr, f"{done}")
    with tempfile.NamedTemporaryFile() as damaged:
        with open(path, "rb") as whole:
            damaged.write(whole.read(400_000))
        damaged.flush()
        done = run(glyphone, "play", damaged.name, "--benchmark")
        check(done.returncode != 0 and re.search(r"^pictures +3$", done.stdout, re.M), f"{done}")


def images(glyphone, path):
    """Red, green and blue of each picture of a film, made small."""
    with tempfile.NamedTemporaryFile() as stream:
        done = run(glyphone, "play", path, "--benchmark", "--full-frames", "--size", "8x4", "--render", "kitty",
                   "--output", stream.name)
        check(done.returncode == 0, f"{path}: {done}")
        updates = stream.read().split(FRAME_END)[:-1]
    pieces = re.compile(rb"\x1b_G[^;\x1b]*;([^\x1b]*)\x1b")
    return [zlib.decompress(base64.b64decode(b"".join(pieces.findall(update)))) for update in updates]


def check_codecs(glyphone, path, sessions):
    """VP8 and VP9 in WebM and in IVF: every picture, as it was before it was encoded."""
    wanted = images(glyphone, path)
    check(len(wanted) == 60 and len(wanted[0]) == 64 * 64 * 3, f"{len(wanted)} pictures")
    for codec in ("VP8", "VP9"):
        for container in ("webm", "ivf"):
            encoded = f"{path}.{codec}.{container}"
            film.encode(path, encoded, codec)
            got = images(glyphone, encoded)
            check(len(got) == len(wanted), f"{encoded}: {len(got)} pictures of {len(wanted)}")
            for number, (a, b) in enumerate(zip(wanted, got)):
                error = sum(map(abs, map(operator.sub, a, b))) / len(a)
                check(error < 8, f"{encoded}: picture {number} is off by {error:.1f}")


CHECKS = {
    "doctor": check_doctor,
    "doctor-silent": check_doctor_on_a_silent_terminal,
    "whole-film": check_whole_film,
    "quiet-pipe": check_quiet_pipe,
    "control-z": check_control_z,
    "another-font": check_another_font,
    "image-taken-away": check_image_is_taken_away,
    "benchmark": check_benchmark,
    "codecs": check_codecs,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    glyphone = os.path.join(os.path.abspath(options.bin), "glyphone")
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "film.y4m")
        film.write(path, 2)
        for name in options.names or CHECKS:
            opened = []

            def sessions(arguments, answers=None, **more):
                opened.append(Session([glyphone, *arguments], answers, **more))
                return opened[-1]

            try:
                CHECKS[name](glyphone, path, sessions)
                print(f"ok      {name}", flush=True)
            except (Failure, subprocess.SubprocessError) as failure:
                failed += 1
                print(f"FAILED  {name}: {failure}", flush=True)
            finally:
                for session in opened:
                    session.close()
    sys.exit(1 if failed else 0)


main()
