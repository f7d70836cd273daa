"""Starts ICE peers, joins two of them, and says what came of it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent


class Timeout(AssertionError):
    """What was waited for did not come."""


class Peer:
    """A peer program (see peers/README.md) and the lines it wrote."""

    def __init__(self, kind, command, log):
        self.kind = kind
        self.lines = []
        self.other = None
        self.candidate_filter = lambda text: True
        self.changed = threading.Condition()
        self.started = threading.Event()
        self.log = open(log, "wb")
        self.child = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def tell(self, **command):
        try:
            self.child.stdin.write(json.dumps(command).encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # seen by whoever waits for an answer
        if command["do"] == "start":
            self.started.set()

    def _read(self):
        for text in self.child.stdout:
            self.log.write(text)
            self.log.flush()
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if self.other:
                self.pass_on(line)
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.lines.append({"is": "end", "at": time.monotonic()})
            self.changed.notify_all()

    def pass_on(self, line):
        """The signaling: what one says the other hears, at once and in order, but not before it has begun."""
        if line["is"] in ("credentials", "candidate"):
            self.other.started.wait(10)
        if line["is"] == "credentials":
            self.other.tell(do="credentials", ufrag=line["ufrag"], pwd=line["pwd"])
        elif line["is"] == "candidate" and self.candidate_filter(line["candidate"]):
            self.other.tell(do="candidate", candidate=line["candidate"], ufrag=line.get("ufrag", ""))

    def mark(self):
        with self.changed:
            return len(self.lines)

    def wait(self, what, condition, since=0, timeout=20):
        """The first line after `since` that fulfils `condition`."""
        deadline = time.monotonic() + timeout
        with self.changed:
            seen = since
            while True:
                for line in self.lines[seen:]:
                    if condition(line):
                        return line
                seen = len(self.lines)
                ended = self.lines and self.lines[-1]["is"] == "end"
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    raise Timeout(f"{self.kind}: {what} {'before it ended' if ended else f'in {timeout} s'}: not seen; "
                                  f"last lines: {self.lines[since:][-6:]}")
                self.changed.wait(left)

    def wait_state(self, *states, since=0, timeout=20):
        return self.wait(f"state {' or '.join(states)}", lambda l: l["is"] == "state" and l["state"] in states,
                         since, timeout)

    def connected(self, since=0, timeout=20):
        return self.wait_state("connected", "completed", since=since, timeout=timeout)

    def last(self, kind):
        with self.changed:
            return next((line for line in reversed(self.lines) if line["is"] == kind), None)

    def all(self, kind):
        with self.changed:
            return [line for line in self.lines if line["is"] == kind]

    def stop(self):
        self.tell(do="quit")
        try:
            self.child.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass
        self.reader.join(3)
        self.child.stdout.close()
        self.log.close()


class Programs:
    """Where the peer programs are, and how they are made."""

    def __init__(self, ours, build):
        self.build = pathlib.Path(build)
        self.build.mkdir(parents=True, exist_ok=True)
        self.commands = {"glyphone": [ours]}

    def prepare(self, kinds):
        for kind in kinds:
            if kind not in self.commands:
                self.commands[kind] = getattr(self, f"prepare_{kind.replace('-', '_')}")()

    def environment(self, name, *packages):
        """The Python of an environment that has these packages."""
        folder = self.build / name
        python, done = folder / "bin" / "python", folder / "done"
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
            done.touch()
        return python

    def prepare_aioice(self):
        return [self.environment("aioice", "aioice==0.13.0"), HERE / "peers" / "aioice_peer.py"]

    def prepare_aiortc(self):
        python = self.environment("aiortc", "aiortc==1.16.0", "numpy", "websockets")
        return [python, HERE / "peers" / "aiortc_peer.py"]

    def prepare_webrtcbin(self):
        # GStreamer's bindings belong to the Python of the system.
        return ["/usr/bin/python3", HERE / "peers" / "webrtcbin_peer.py"]

    def prepare_pion(self, folder="pion"):
        program = self.build.resolve() / f"{folder}-peer"
        subprocess.run([HERE / "peers" / "build-pion", folder, program], check=True)
        return [program]

    def prepare_pion_call(self):
        return self.prepare_pion("pion-call")

    def prepare_libnice(self):
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "nice", "json-glib-1.0"], check=True,
                               capture_output=True, text=True).stdout.split()
        subprocess.run(["cc", "-O1", "-o", self.build / "libnice-peer", HERE / "peers" / "libnice.c", *flags], check=True)
        return [self.build / "libnice-peer"]


class Call:
    """Two peers, joined: the first is controlling."""

    def __init__(self, one, other):
        self.peers = one, other
        one.other, other.other = other, one

    def start(self, *options):
        """`options`: one dictionary for both or one for each."""
        for peer, role, option in zip(self.peers, ("controlling", "controlled"), options * (3 - len(options))):
            peer.tell(do="start", role=role, **option)
        return self

    def connected(self, timeout=20):
        """How long it took, in seconds: from the start, and from the first candidate, until both were connected."""
        done = max(peer.connected(timeout=timeout)["at"] for peer in self.peers)
        first = min(line["at"] for peer in self.peers for line in peer.all("candidate"))
        start = min(line["at"] for peer in self.peers for line in peer.all("credentials"))
        return done - start, done - first

    def exchange(self, count=50, interval=20, size=100, timeout=15):
        """Datagrams both ways; every one has to come and its echo, too."""
        marks = [peer.mark() for peer in self.peers]
        for peer in self.peers:
            peer.tell(do="send", count=count, interval=interval, size=size)
        results = [peer.wait("the end of the exchange", lambda l: l["is"] == "echoed", mark,
                             timeout + count * interval / 1000) for peer, mark in zip(self.peers, marks)]
        return [f"{r['back']}/{r['sent']}" for r in results], results

    def stop(self):
        for peer in self.peers:
            peer.stop()
