#!/usr/bin/env python3
"""Two people at terminals chat, ring, decline, answer, see each other, hang up, and live through what goes wrong.

    calls.py [--bin DIR] [--port PORT]
"""

import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tmux import Terminal  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
BLOCKS = r"[\u2580-\u259f]"


class Scene:
    """A server and two clients."""

    def __init__(self, options):
        self.options = options
        self.server = None
        self.terminals = {}
        self.start_server()

    def start_server(self):
        self.server = subprocess.Popen(
            [self.options.bin / "glyphone-server", "--host", "127.0.0.1", "--port", str(self.options.port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_server()

    def wait_for_server(self, timeout=10):
        deadline = time.monotonic() + timeout
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.options.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, "the server does not listen"
                time.sleep(0.05)  # polling interval

    def start(self, name, *arguments, **more):
        log = self.options.logs / f"terminal-{name}.log"
        command = " ".join([
            str(self.options.bin / "glyphone"), "--server", f"ws://127.0.0.1:{self.options.port}", "--name", name,
            "--camera", "test", "--microphone", "tone", "--speaker", "none", "--loopback", "--log", str(log), *arguments])
        terminal = Terminal(name, command, **more)
        self.terminals[name] = terminal
        terminal.wait(rf"glyphone  {name}\b.*● ")  # online, and not what the shell shows of the command
        return terminal

    def close(self):
        for terminal in self.terminals.values():
            terminal.close()
        self.server.kill()
        self.server.wait()


def command(terminal, text):
    terminal.write(text)
    terminal.type("Enter")


def picture_cells(terminal):
    return len(re.findall(BLOCKS, terminal.screen()))


def wait_for_moving_picture(terminal, timeout=20):
    """Both a picture and a change in it."""
    deadline = time.monotonic() + timeout
    terminal.wait(BLOCKS, timeout)
    first = terminal.screen(colours=True)
    while terminal.screen(colours=True) == first or picture_cells(terminal) < 100:
        assert time.monotonic() < deadline, f"{terminal.name}: no moving picture:\n{terminal.screen()}"
        time.sleep(0.2)


def chat(scene, alice, bob):
    command(alice, "good morning, bob")
    bob.wait("good morning, bob")
    command(bob, "grüß dich 日本 👋")
    alice.wait("grüß dich 日本")


def decline(scene, alice, bob):
    command(alice, "/call bob")
    bob.wait(r"alice is calling\. Would you like to answer\?")
    alice.wait(r"(?i)ringing")
    bob.type("n")
    alice.wait(r"(?i)declined")
    bob.wait(r"Would you like to answer", absent=True)


def answer_and_hang_up(scene, alice, bob):
    bob.write("half a sentence")
    command(alice, "/call bob")
    bob.wait(r"alice is calling\. Would you like to answer\?")
    time.sleep(1)  # a person's pause: keys within half a second of typing still belong to the sentence
    bob.type("y")
    wait_for_moving_picture(alice)
    wait_for_moving_picture(bob)
    bob.wait("half a sentence")
    bob.type("C-u")
    alice.wait(r"\b\d+:\d\d\b")
    command(bob, "can you read this?")
    alice.wait("can you read this")
    for columns, rows in ((60, 20), (140, 45), (100, 30)):
        alice.resize(columns, rows)
        wait_for_moving_picture(alice)
    command(alice, "/hangup")
    bob.wait(BLOCKS, absent=True)
    alice.wait(BLOCKS, absent=True)


def busy(scene, alice, bob):
    carol = scene.start("carol")
    command(alice, "/call bob")
    bob.wait("Would you like to answer")
    bob.type("y")
    wait_for_moving_picture(bob)
    command(carol, "/call bob")
    carol.wait(r"(?i)busy")
    bob.wait(r"(?i)missed call.*carol")
    wait_for_moving_picture(bob)
    command(bob, "/hangup")
    alice.wait(BLOCKS, absent=True)
    command(carol, "/quit")
    carol.wait("left-with-0")


def server_dies(scene, alice, bob):
    """The call goes on, and both come back under their names."""
    command(bob, "/call alice")
    alice.wait("Would you like to answer")
    alice.type("y")
    wait_for_moving_picture(alice)
    scene.server.kill()
    scene.server.wait()
    bob.wait(r"(?i)offline|reconnect|retry|connection to the server")
    wait_for_moving_picture(alice)
    scene.start_server()
    bob.wait(r"(?i)online|connected", timeout=40)
    alice.wait(r"(?i)online|connected", timeout=40)
    wait_for_moving_picture(bob)
    command(alice, "/hangup")
    bob.wait(BLOCKS, absent=True)
    chat_again = f"back at {int(time.time())}"
    command(alice, chat_again)
    bob.wait(chat_again, timeout=40)


def peer_is_killed(scene, alice, bob):
    """kill -9 of one: the other notices, everything is released, and a new call works."""
    command(alice, "/call bob")
    bob.wait("Would you like to answer")
    bob.type("y")
    wait_for_moving_picture(alice)
    for pid in bob.pids():
        os.kill(pid, signal.SIGKILL)
    alice.wait(BLOCKS, absent=True, timeout=50)
    bob.close()
    bob = scene.start("bob")
    command(alice, "/call bob")
    bob.wait("Would you like to answer")
    bob.type("y")
    wait_for_moving_picture(alice)
    command(alice, "/hangup")
    alice.wait(BLOCKS, absent=True)


def interrupt_restores_terminal(scene, alice, bob):
    """Ctrl-C in a call leaves a terminal in which a person can type."""
    bob = scene.terminals["bob"]
    command(alice, "/call bob")
    bob.wait("Would you like to answer")
    bob.type("y")
    wait_for_moving_picture(alice)
    for pid in alice.pids():
        os.kill(pid, signal.SIGINT)
    alice.wait(r"left-with-\d+")
    alice.type("C-u")
    command(alice, "stty -a | grep -o ' echo ' && echo terminal-is-$((40 + 2))")
    alice.wait("terminal-is-42")
    bob.wait(BLOCKS, absent=True)


STEPS = [chat, decline, answer_and_hang_up, busy, server_dies, peer_is_killed, interrupt_restores_terminal]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--port", type=int, default=6513)
    parser.add_argument("--logs", type=pathlib.Path, default=ROOT / ".build/end-to-end")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(step.__name__ for step in STEPS))
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    scene = Scene(options)
    passed = failed = 0
    try:
        alice, bob = scene.start("alice"), scene.start("bob")
        for step in STEPS:
            if options.steps and step.__name__ not in options.steps:
                continue
            try:
                step(scene, alice, bob)
                print(f"  {step.__name__}: ok", flush=True)
                passed += 1
            except (AssertionError, OSError, subprocess.SubprocessError):
                print(f"  {step.__name__}: FAILED", flush=True)
                traceback.print_exc()
                failed += 1
                break
    finally:
        scene.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
