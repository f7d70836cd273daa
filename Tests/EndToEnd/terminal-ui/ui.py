#!/usr/bin/env python3
"""What the front end does to a real terminal: tmux as the terminal, a played controller (ui-demo) behind it.

Usage: ui.py --bin DIRECTORY [NAME...]   (DIRECTORY holds ui-demo; without names every check runs)
"""
import argparse
import fcntl
import os
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time


# The number of a master's terminal; Python has no name for it.
TIOCGPTN = 0x80045430


class Failure(Exception):
    pass


def wait_for(what, probe, seconds=10.0):
    """The first true value of probe(); a Failure that names `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


class Tmux:
    """A shell in a tmux window of its own, and ui-demo started from it."""

    def __init__(self, demo, columns=80, rows=24):
        self.demo = demo
        self.directory = tempfile.mkdtemp(prefix="glyphone-ui-")
        self.script_path = f"{self.directory}/script"
        self.journal_path = f"{self.directory}/journal"
        os.mkfifo(self.script_path)
        self.script = os.open(self.script_path, os.O_RDWR)
        self.socket = f"glyphone-ui-{os.getpid()}-{random.randrange(1 << 30)}"
        environment = dict(os.environ, LC_ALL="C.UTF-8", SWIFT_BACKTRACE="enable=no", PS1="$ ", ENV="", HISTFILE="")
        for name in ("TMUX", "COLORTERM"):
            environment.pop(name, None)
        subprocess.run(
            ["tmux", "-L", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
             "bash --norc"], check=True, env=environment)
        self.tmux("set-option", "-g", "window-size", "manual")
        self.resize(columns, rows)

    def close(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], stderr=subprocess.DEVNULL)
        os.close(self.script)
        # The program may be writing its last line.
        shutil.rmtree(self.directory, ignore_errors=True)

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"tmux {arguments}: {done.stderr.strip()}")
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def flag(self, name):
        return self.tmux("display-message", "-p", "#{" + name + "}").strip()

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def play(self, *lines):
        for line in lines:
            os.write(self.script, line.encode() + b"\n")

    def sees(self, text, seconds=10.0):
        try:
            return wait_for(f"{text!r} on the screen", lambda: text in self.screen(), seconds)
        except Failure as failure:
            raise Failure(f"{failure}; the screen is\n{self.screen()}") from None

    def misses(self, text):
        wait_for(f"{text!r} to go from the screen", lambda: text not in self.screen())

    def did(self, command):
        """Waits until the front end has given a command to the controller."""
        return wait_for(f"the command {command}", lambda: command in self.journal())

    def journal(self):
        try:
            with open(self.journal_path) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def start(self, *arguments):
        """Starts ui-demo from the shell, which notes the terminal's modes before and after it."""
        command = " ".join([self.demo, self.script_path, self.journal_path, *arguments])
        self.type(f"stty -g > {self.directory}/before; {command}; echo left $? > {self.directory}/left; "
                  f"stty -g > {self.directory}/after")
        self.keys("Enter")
        self.play("online", "users anna bert carla")
        self.sees("3 users")

    def pid(self):
        shell = self.flag("pane_pid")
        return int(subprocess.run(["pgrep", "-P", shell, "-f", "ui-demo"], capture_output=True, text=True).stdout.split()[0])

    def expect_restored(self):
        """The program is gone, and the terminal is as it was before it came."""
        wait_for("the program to leave", lambda: os.path.exists(f"{self.directory}/after"))
        time.sleep(0.1)
        with open(f"{self.directory}/before") as before, open(f"{self.directory}/after") as after:
            if before.read() != after.read():
                raise Failure("the terminal's modes are not what they were")
        for flag, wanted in [("alternate_on", "0"), ("cursor_flag", "1"), ("mouse_any_flag", "0"), ("wrap_flag", "1")]:
            if self.flag(flag) != wanted:
                raise Failure(f"{flag} is {self.flag(flag)}")
        self.type("echo still $((6*7))")
        self.keys("Enter")
        self.sees("still 42")
        if re.search(r"\^\[|\[0n|\[\?", self.screen()):
            raise Failure(f"something of ours was left behind:\n{self.screen()}")

    def picture_moves(self):
        """Waits until block characters are on the screen and change."""
        wait_for("a picture", lambda: re.search("[▀▄█▌▐▁-▟]{2}", self.screen()))
        first = self.screen()
        wait_for("the picture to move", lambda: self.screen() != first)


def call(window):
    window.keys("Enter")
    window.did('invite("bert")')
    window.sees("bert  00:0")
    window.picture_moves()


def check_call(window):
    """Enter calls, the picture moves, the keys of a call work, hanging up brings the chat back."""
    window.start()
    call(window)
    window.sees("kbit/s")
    window.keys("F4")
    window.sees("MUTED")
    window.keys("M-m")
    window.misses("MUTED")
    window.keys("F7")
    window.sees("round trip")
    window.keys("F7")
    window.misses("round trip")
    window.keys("F6")
    window.sees("Pictures are drawn as")
    window.keys("F1")
    window.sees("Help")
    window.keys("Escape")
    window.misses("Help")
    window.keys("F6", "F6")
    window.picture_moves()
    window.keys("F10")
    window.did("hangUp")
    window.sees("You hung up")
    if re.search("[▀▄█▌▐▁-▟]{2}", window.screen()):
        raise Failure(f"remains of the picture:\n{window.screen()}")
    window.keys("F10")
    window.sees("There is no call to hang up")


def check_prompt(window):
    """The incoming call is over everything, the text being typed is kept, y answers, n declines."""
    window.start()
    window.type("half a sentence")
    time.sleep(0.7)
    window.keys("F1")
    window.play("ring carla")
    window.sees("carla is calling. Would you like to answer?")
    window.type("x")
    window.keys("n")
    window.did("reject")
    window.misses("Would you like")
    window.sees("half a sentence")
    window.play("ring carla")
    window.sees("[y]es")
    window.keys("y")
    window.did("answer")
    window.sees("carla  00:0")
    window.sees("half a sentence")
    window.keys("C-c")
    window.sees("Hang up and leave?")
    window.keys("n")
    window.misses("Hang up and leave?")
    window.picture_moves()


def check_mouse(window):
    """A click on a user calls, a click on the answer answers."""
    window.start()
    rows = window.screen().split("\n")
    row = next(index for index, line in enumerate(rows) if "carla" in line)
    column = rows[row].index("carla")
    window.type(f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{column + 1};{row + 1}m")
    window.did('invite("carla")')
    window.sees("carla  00:0")


def check_paste(window):
    """A paste never runs commands, and the terminal's late answers are no text."""
    window.start()
    window.keys("Tab")
    paste = f"{window.directory}/paste"
    with open(paste, "w") as file:
        file.write("/quit\n/hangup\ny\n")
    window.tmux("load-buffer", paste)
    window.tmux("paste-buffer", "-p", "-r")
    window.sees("/quit /hangup y")
    window.keys("C-u")
    window.type("\x1b[?64;1;4c\x1bP>|Some Terminal\x1b\\\x1b]11;rgb:00/00/00\x07\x1b[0nok")
    window.sees("❯ ok")
    if "quit" in window.journal():
        raise Failure("the paste was run")


def check_hostile_text(window):
    """Control sequences in what others say do nothing."""
    window.start()
    title = window.flag("pane_title")
    window.play("chat bert \x1b]2;owned\x07\x1b[2J\x1b[31mred\x9b2J\x1bc\x0e end", "users anna \x1b[5;5Hbert")
    window.sees("end")
    window.sees("2 users")
    if window.flag("pane_title") != title:
        raise Failure("the title was changed from outside")
    window.sees("glyphone")


def leave_by(action, in_call):
    def check(window):
        window.start()
        if in_call:
            call(window)
        action(window)
        window.expect_restored()
    return check


def double_control_c(window):
    window.keys("C-c")
    window.sees("Hang up and leave?")
    window.keys("C-c")


def kill_with(number):
    return lambda window: os.kill(window.pid(), number)


def check_suspend(window):
    """Ctrl-Z gives the terminal back, fg takes it again."""
    window.start()
    call(window)
    window.keys("C-z")
    window.sees("Stopped")
    if window.flag("alternate_on") != "0":
        raise Failure("the alternate screen is still on")
    window.type("fg")
    window.keys("Enter")
    window.sees("3 users")
    window.picture_moves()
    double_control_c(window)
    window.expect_restored()


def check_stop_from_outside(window):
    """SIGTSTP from elsewhere does what Ctrl-Z does, and a stop that cannot be caught is recovered from."""
    window.start()
    pid = window.pid()
    os.kill(pid, signal.SIGTSTP)
    window.sees("Stopped")
    window.type("fg")
    window.keys("Enter")
    window.sees("3 users")
    os.kill(pid, signal.SIGSTOP)
    window.sees("Stopped")
    window.type("fg")
    window.keys("Enter")
    wait_for("the screen", lambda: window.screen().startswith(" glyphone"))
    window.type("x")
    window.sees("❯ x")
    window.keys("C-c")
    window.expect_restored()


def check_resizes(window):
    """A storm of sizes, tiny ones too, in a call; in the end everything is where it belongs."""
    window.start()
    call(window)
    rng = random.Random(5)
    for _ in range(60):
        window.resize(rng.choice([1, 5, 20, 24, 40, 79, 80, 120, 200, 250]), rng.choice([1, 2, 5, 6, 10, 24, 40, 70]))
        if rng.random() < 0.3:
            time.sleep(0.05)
    for columns, rows in [(40, 10), (200, 60), (20, 4), (80, 24)]:
        window.resize(columns, rows)
        if columns < 24:
            window.sees("small")
            continue
        window.sees("glyphone")
        window.sees("bert  00:")
        window.picture_moves()
        lines = window.screen().split("\n")
        if not lines[0].startswith(" glyphone  anna"):
            raise Failure(f"the title bar is gone:\n{window.screen()}")
    window.sees("Users (3)")


def run_plain(demo, environment, **options):
    merged = dict(os.environ, LC_ALL="C.UTF-8")
    merged.update(environment)
    return subprocess.run([demo], env=merged, capture_output=True, text=True, timeout=10, **options)


def check_no_terminal(demo):
    """Without a terminal, or with one that nobody knows, there are words and a failure, and no escape sequences."""
    done = run_plain(demo, {}, stdin=subprocess.DEVNULL)
    if done.returncode == 0 or "not a terminal" not in done.stderr or "\x1b" in done.stdout:
        raise Failure(f"no terminal: {done}")
    for name in ["dumb", "", "no-such-terminal"]:
        child = PlainPty(demo, TERM=name)
        text = child.read_until_exit(5)
        if child.status == 0 or "TERM" not in text or "\x1b" in text:
            raise Failure(f"TERM={name!r}: status {child.status}, {text!r}")


class PlainPty:
    """ui-demo on a pseudo terminal that this script holds, so that it can misbehave."""

    def __init__(self, demo, *arguments, **environment):
        self.status = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update({"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"} | environment)
            os.execv(demo, [demo, *arguments])
        self.resize(80, 24)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        os.set_blocking(self.master, False)
        text = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                some = os.read(self.master, 65536)
                os.write(self.master, b"\x1b[0n" * some.count(b"\x1b[5n"))
                text += some
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:
                break
        return text.decode(errors="replace")

    def read_until(self, ending):
        text = ""

        def has_come():
            nonlocal text
            text += self.read(0.02)
            return text.endswith(ending)

        wait_for(f"output that ends with {ending!r}", has_come)
        return text

    def read_past(self, mark, seconds=10):
        """Reads at full speed until the bytes have come, and stops there."""
        text = b""
        end = time.monotonic() + seconds
        while mark not in text:
            if time.monotonic() > end:
                raise Failure(f"waited {seconds} s for {mark}; the last of {len(text)} bytes are {text[-200:]}")
            if select.select([self.master], [], [], 0.1)[0]:
                text += os.read(self.master, 65536)
        return text

    def start_call(self):
        if "glyphone" not in self.read(1):
            raise Failure("the screen was not drawn")
        os.write(self.master, b"\r")
        text = self.read(4)
        if len(re.findall("38;[25];", text)) < 200:
            raise Failure(f"no picture was drawn: {len(text)} characters")

    def is_full(self):
        """Whether the program could write nothing more at present."""
        number = struct.unpack("I", fcntl.ioctl(self.master, TIOCGPTN, b"\0" * 4))[0]
        slave = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
        try:
            return not select.select([], [slave], [], 0)[1]
        finally:
            os.close(slave)

    def exited(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = status
        return pid != 0

    def read_until_exit(self, seconds):
        text = self.read(0.3)
        wait_for("the program to end", self.exited, seconds)
        try:
            return text + self.read(0.3)
        finally:
            os.close(self.master)


def check_terminal_gone(demo):
    """The terminal goes away in a call: the program ends."""
    child = PlainPty(demo)
    child.start_call()
    os.close(child.master)
    wait_for("the program to end without its terminal", child.exited, 6)


def check_synchronized(demo):
    """What is typed is shown within one synchronized update, and the screen is taken before its margins are set."""
    child = PlainPty(demo)
    begin, end = "\x1b[?2026h", "\x1b[?2026l"
    taken = child.read_until(end)
    if not 0 <= taken.find("\x1b[?1049h") < taken.find("\x1b[r"):
        raise Failure(f"the margins are set on the shell's screen: {taken!r}")
    os.write(child.master, b"x")
    typed = child.read_until(end)
    if typed.count(begin) != 1 or not typed.startswith(begin) or "x" not in typed:
        raise Failure(f"not one synchronized update: {typed!r}")
    os.kill(child.pid, signal.SIGTERM)
    child.read_until_exit(6)


def check_terminal_stuck(demo):
    """Nobody reads the terminal any more while pictures want to be drawn: SIGTERM still ends the program."""
    child = PlainPty(demo)
    child.start_call()
    child.resize(300, 100)  # a picture larger than what the kernel keeps of what nobody reads
    wait_for("the terminal to take no more", child.is_full)
    os.kill(child.pid, signal.SIGTERM)
    wait_for("the program to end on a terminal that stands still", child.exited, 6)
    os.close(child.master)


def check_kitty_suspend(demo):
    """Ctrl-Z while an image is half written: its rest goes out, then it is taken away, then the shell gets its screen."""
    child = PlainPty(demo, "--render", "kitty")
    child.read_past(b"Enter calls bert")
    os.write(child.master, b"\r")
    text = child.read_past(b"\x1b_Ga=T")
    wait_for("the terminal to take no more", child.is_full)
    os.write(child.master, b"\x1a")
    text += child.read_past(b"\x1b[?1049l")
    text = text[:text.rindex(b"\x1b[?1049l")]
    for command in text.split(b"\x1b_G")[1:]:
        if not re.match(rb"[^\x1b]*\x1b\\", command):
            raise Failure(f"an image was cut off: {command[:50]}...{command[-50:]}")
    if not text.rfind(b"\x1b_Ga=T") < text.rfind(b"m=0") < text.rfind(b"\x1b_Ga=d"):
        raise Failure(f"the image was not taken away: {text[-200:]}")
    os.kill(child.pid, signal.SIGKILL)
    wait_for("the program to end", child.exited)
    os.close(child.master)


def check_kitty_stuck(demo):
    """Nobody reads the terminal any more: the half image is given up, and taken away with the last words."""
    child = PlainPty(demo, "--render", "kitty")
    child.read_past(b"Enter calls bert")
    os.write(child.master, b"\r")
    child.read_past(b"\x1b_Ga=T")
    wait_for("the terminal to take no more", child.is_full)
    os.kill(child.pid, signal.SIGTERM)
    wait_for("the program to end on a terminal that stands still", child.exited, 6)
    text = child.read(0.3)
    if not -1 < text.find("\x1b\\\x1b[?2026l") < text.find("\x1b_Ga=d"):
        raise Failure(f"the image was not taken away: {text[-300:]!r}")
    os.close(child.master)


IN_TMUX = {
    "call": check_call,
    "prompt": check_prompt,
    "mouse": check_mouse,
    "paste": check_paste,
    "hostile-text": check_hostile_text,
    "control-c": leave_by(lambda window: window.keys("C-c"), in_call=False),
    "control-c-in-call": leave_by(double_control_c, in_call=True),
    "sigint": leave_by(kill_with(signal.SIGINT), in_call=True),
    "sigterm": leave_by(kill_with(signal.SIGTERM), in_call=True),
    "sighup": leave_by(kill_with(signal.SIGHUP), in_call=True),
    "crash": leave_by(lambda window: window.play("crash"), in_call=True),
    "segfault": leave_by(kill_with(signal.SIGSEGV), in_call=True),
    "finish": leave_by(lambda window: window.play("finish"), in_call=True),
    "suspend": check_suspend,
    "stop-from-outside": check_stop_from_outside,
    "resizes": check_resizes,
}
PLAIN = {
    "synchronized": check_synchronized,
    "no-terminal": check_no_terminal,
    "terminal-gone": check_terminal_gone,
    "terminal-stuck": check_terminal_stuck,
    "kitty-suspend": check_kitty_suspend,
    "kitty-stuck": check_kitty_stuck,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    demo = os.path.join(os.path.abspath(arguments.bin), "ui-demo")
    failed = 0
    for name in arguments.names or [*IN_TMUX, *PLAIN]:
        try:
            if name in PLAIN:
                PLAIN[name](demo)
            else:
                window = Tmux(demo)
                try:
                    IN_TMUX[name](window)
                finally:
                    window.close()
            print(f"ok      {name}", flush=True)
        except (Failure, subprocess.TimeoutExpired) as failure:
            failed += 1
            print(f"FAILED  {name}: {failure}", flush=True)
    sys.exit(1 if failed else 0)


main()
