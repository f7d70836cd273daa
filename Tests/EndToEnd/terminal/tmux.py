"""A person at a terminal: starts a program in tmux, types, and waits for what the screen shows."""

import itertools
import os
import re
import shlex
import subprocess
import time


class ScreenTimeout(AssertionError):
    """What was waited for did not appear on the screen."""


class Terminal:
    """One tmux session of its own server, so that tests never meet a person's tmux, nor one that is just ending."""

    numbers = itertools.count()

    def __init__(self, name, command, columns=100, rows=30, environment=None):
        self.name = name
        self.socket = f"glyphone-test-{os.getpid()}-{next(self.numbers)}"
        variables = {"COLORTERM": "truecolor", **(environment or {})}
        line = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
        # The shell stays, so that a test can look at the terminal after the program has gone.
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", name, "-x", str(columns), "-y", str(rows), "sh")
        self.tmux("set-option", "-g", "default-terminal", "tmux-256color")
        self.type(f"export {line}; clear; {command}; echo left-with-$?", "Enter")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.socket, *arguments], check=True, capture_output=True, text=True).stdout

    def type(self, *keys):
        """Keys by tmux's names; anything else is typed as it is."""
        self.tmux("send-keys", "-t", self.name, *keys)

    def write(self, text):
        self.tmux("send-keys", "-t", self.name, "-l", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", self.name, "-x", str(columns), "-y", str(rows))

    def screen(self, colours=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []), "-t", self.name)

    def wait(self, pattern, timeout=20, absent=False):
        """The screen once it shows (or no longer shows) the regular expression."""
        deadline = time.monotonic() + timeout
        while True:
            shown = self.screen()
            if bool(re.search(pattern, shown)) != absent:
                return shown
            if time.monotonic() > deadline:
                state = "still there" if absent else "missing"
                raise ScreenTimeout(f"{self.name}: /{pattern}/ {state} after {timeout} s on this screen:\n{shown}")
            time.sleep(0.1)  # polling interval of a screen, not a wait for something to be over

    def pids(self):
        """The processes started from the shell of the pane."""
        pane = self.tmux("list-panes", "-t", self.name, "-F", "#{pane_pid}").strip()
        found = subprocess.run(["pgrep", "-P", pane], capture_output=True, text=True).stdout.split()
        return [int(pid) for pid in found]

    def close(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True)
