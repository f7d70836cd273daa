#!/usr/bin/env python3
"""A browser calls our terminal client over other paths than the plain one: through a relay only, with the addresses of either
or both hidden behind `.local` names, over TCP where UDP is dropped, and with ICE restarted in mid-call by either side.

    paths.py [--bin DIR] [--browser chromium|firefox]... [--seconds 3] [--logs DIR]

`Tests/EndToEnd/run` starts this in a network namespace with an interface that has the address 10.77.0.1.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "ice")]
from calls import ROOT, Calls  # noqa: E402
from coturn import PASSWORD, USER, Coturn  # noqa: E402
from harness import Timeout  # noqa: E402

ADDRESS = "10.77.0.1"


class Here:
    """The namespace this runs in, as a host for coturn."""

    @staticmethod
    def command(arguments):
        return arguments


class Paths(Calls):
    def __init__(self, options, kind, name, **more):
        self.name = name
        super().__init__(options, kind, "1", **more)
        self.tag = f"{kind}-{name}"

    def call(self):
        """Calls the bot from the page, until each has seen the other for some seconds. Returns the place in the reports."""
        page, line = self.stage.mark(self.page), self.bot.mark()
        self.stage.tell(self.page, do="call", name="bot")
        self.seen = self.stage.wait(self.page, f"{self.options.seconds} s of picture and sound", self.seen_by_page, page)
        self.bot.wait_line("as much at the terminal", self.seen_by_terminal, line)
        return page

    def candidates(self, since, kind="candidate"):
        return [event for event in self.stage.reports[self.page][since:] if event["kind"] == kind]

    def told(self, since, kind):
        """How many host candidates a side told the other, and whether all had names for addresses."""
        hosts = [text for text in (event["candidate"] for event in self.candidates(since, kind)) if text and " typ host" in text]
        named = [text for text in hosts if ".local " in text]
        assert hosts and len(named) in (0, len(hosts)), f"some have names and some have not: {hosts}"
        return len(hosts), bool(named)

    def hang_up(self, page):
        self.stage.tell(self.page, do="hang-up")
        self.stage.wait(self.page, "the end of the call", lambda e: e["kind"] == "closed", page)

    def relay(self):
        page = self.call()
        pair = self.seen["pair"]
        assert pair["local"] == "relay", f"the page took {pair}"
        self.hang_up(page)
        return f"{pair['local']} - {pair['remote']}, decoded {self.seen['video']['framesDecoded']}"

    def names(self):
        page = self.call()
        sides = {"page": ("candidate", self.hides), "bot": ("remote-candidate", "--hide-addresses" in self.bot_options)}
        texts = []
        for side, (kind, hides) in sides.items():
            count, named = self.told(page, kind)
            assert named == hides, f"the {side} {'hides' if named else 'shows'} its addresses"
            texts.append(f"the {side} told {count} {'names' if named else 'addresses'}")
        pair = self.seen["pair"]
        self.hang_up(page)
        return f"{', '.join(texts)}; {pair['local']} - {pair['remote']}, decoded {self.seen['video']['framesDecoded']}"

    def tcp(self):
        """UDP is sent and does not arrive."""
        rules = "table inet block { chain in { type filter hook input priority 0; meta l4proto udp drop; }; }"
        subprocess.run(["nft", rules], check=True)
        try:
            page = self.call()
            pair = self.seen["pair"]
            assert pair["protocol"] == "tcp", f"the page took {pair}"
            self.hang_up(page)
        finally:
            subprocess.run(["nft", "delete table inet block"], check=True)
        return f"{pair['local']} - {pair['remote']} over {pair['protocol']}, decoded {self.seen['video']['framesDecoded']}"

    def restart(self):
        return self.goes_on(lambda: self.stage.tell(self.page, do="restart"))

    def roaming(self):
        """Another address comes up, so we restart; the page answers."""

        def address(what):
            subprocess.run(["ip", "address", what, "10.77.1.1/24", "dev", "inside"], check=True)

        try:
            return self.goes_on(lambda: address("add"))
        finally:
            address("delete")

    def goes_on(self, restart):
        """Restarts ICE in mid-call."""
        page = self.call()
        before = self.stage.mark(self.page)
        old = {event["fragment"] for event in self.candidates(page)}
        decoded = self.seen["video"]["framesDecoded"]
        restart()
        self.stage.wait(self.page, "new candidates",
                        lambda e: e["kind"] == "candidate" and e["fragment"] not in old, before)
        line = self.bot.mark()
        after = self.stage.wait(
            self.page, "pictures after the restart",
            lambda e: e["kind"] == "stats" and e["video"].get("framesDecoded", 0) > decoded + 30 * self.options.seconds, before)
        self.bot.wait_line("pictures at the terminal after it", self.seen_by_terminal, line)
        states = [event["state"] for event in self.stage.reports[self.page][before:] if event["kind"] == "ice"]
        assert not {"failed", "disconnected", "closed"} & set(states), f"states of the page: {states}"
        self.hang_up(page)
        return f"states {states}, decoded {decoded}, then {after['video']['framesDecoded']}, freezes {after['video'].get('freezeCount')}"


def relay_only(transport):
    server = {"urls": f"turn:{ADDRESS}:3478?transport={transport}", "username": USER, "credential": PASSWORD}
    return {"configuration": json.dumps({"iceServers": [server], "iceTransportPolicy": "relay"})}


SCENES = {
    "relay-udp": (Paths.relay, {"query": relay_only("udp")}),
    "relay-tcp": (Paths.relay, {"query": relay_only("tcp")}),
    "names-page": (Paths.names, {"query": {"media": "drawn"}, "hides": True}),
    "names-bot": (Paths.names, {"bot": ["--hide-addresses"]}),
    "names-both": (Paths.names, {"query": {"media": "drawn"}, "hides": True, "bot": ["--hide-addresses"]}),
    "tcp": (Paths.tcp, {}),
    "restart": (Paths.restart, {}),
    "roaming": (Paths.roaming, {}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--browser", action="append", choices=["chromium", "firefox"])
    parser.add_argument("--scene", action="append", choices=SCENES)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--port", type=int, default=6504)
    parser.add_argument("--logs", default=ROOT / ".build/end-to-end")
    options = parser.parse_args()
    pathlib.Path(options.logs).mkdir(parents=True, exist_ok=True)
    turn = Coturn(Here, [ADDRESS], options.logs)
    passed = failed = 0
    try:
        for kind in options.browser or ["chromium", "firefox"]:
            for name in options.scene or SCENES:
                scene, more = SCENES[name]
                try:
                    with Paths(options, kind, name, **more) as call:
                        print(f"  {kind} {name}: {scene(call)}", flush=True)
                        errors = call.stage.errors(call.page)
                        assert not errors, f"the page reported {errors}"
                    passed += 1
                except (Timeout, AssertionError, OSError):
                    print(f"  {kind} {name}: FAILED\n{traceback.format_exc(limit=-2)}", flush=True)
                    failed += 1
    finally:
        turn.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
