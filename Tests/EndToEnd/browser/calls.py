#!/usr/bin/env python3
"""A browser and our terminal client chat, ring, see and hear each other: both ways, hang-up from either side, again and again.

    calls.py [--bin DIR] [--browser chromium|firefox]... [--calls 10] [--seconds 5] [--logs DIR]

Browsers gather no host candidates where there is only a loopback interface: `Tests/EndToEnd/run` starts this in a network
namespace with a second one.
"""

import argparse
import pathlib
import sys
import time
import traceback
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import Browser, Process, Stage, Timeout  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Calls:
    def __init__(self, options, kind, rounds, query=None, hides=False, bot=()):
        self.options, self.kind, self.rounds = options, kind, rounds
        self.logs = pathlib.Path(options.logs)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.stage = Stage()
        self.page = f"{kind}-page"[:12]
        self.tag = f"{kind}-{rounds}"
        self.server = Process([options.bin / "glyphone-server", "--host", "127.0.0.1", "--port", options.port],
                              log=self.logs / f"{self.tag}-server.log")
        self.url = f"ws://127.0.0.1:{options.port}"
        self.query, self.hides, self.bot_options = query or {}, hides, bot
        self.bot = None
        self.browser = None

    def start_bot(self, *arguments, name="bot"):
        return Process([self.options.bin / "glyphone", "bot", "--server", self.url, "--name", name, "--camera", "test",
                        "--microphone", "tone", "--speaker", "none",
                        "--log", self.logs / f"{self.tag}-{name}.log", *arguments],
                       log=self.logs / f"{self.tag}-{name}.stderr")

    def __enter__(self):
        try:
            self.assemble()
        except BaseException:
            self.__exit__()
            raise
        return self

    def assemble(self):
        """The server, the bot and the browser in one chat."""
        self.bot = self.start_bot("--answer", *self.bot_options)
        address = f"http://127.0.0.1:{self.stage.port}/page.html?" + urllib.parse.urlencode(
            {"name": self.page, "server": self.url, "rounds": self.rounds, **self.query})
        self.browser = Browser(self.kind, address, log=self.logs / f"{self.tag}.browser", hides=self.hides)
        self.stage.wait(self.page, "seeing the bot in the user list",
                        lambda e: e["kind"] == "users" and "bot" in e["users"], timeout=90)

    def __exit__(self, *_):
        for process in (self.browser, self.bot, self.server):
            if process:
                process.stop()

    # What each side must have decoded of the other before a call counts.
    def seen_by_page(self, event):
        video, audio = event.get("video", {}), event.get("audio", {})
        return (event["kind"] == "stats" and video.get("framesDecoded", 0) >= 20 * self.options.seconds
                and audio.get("totalSamplesDuration", 0) >= self.options.seconds - 1
                and audio.get("totalAudioEnergy", 0) > 0)

    def seen_by_terminal(self, line):
        return (line.get("framesDecoded", 0) >= 12 * self.options.seconds
                and line.get("audioFramesDecoded", 0) >= 45 * self.options.seconds)

    def call_from_page(self, number):
        page, line = self.stage.mark(self.page), self.bot.mark()
        began = time.monotonic()
        self.stage.tell(self.page, do="call", name="bot")
        first = self.stage.wait(self.page, "the first decoded frame",
                                lambda e: e["kind"] == "stats" and e["video"].get("framesDecoded", 0) > 0, page)
        seen = self.stage.wait(self.page, f"{self.options.seconds} s of picture and sound", self.seen_by_page, page)
        heard = self.bot.wait_line(f"{self.options.seconds} s of picture and sound at the terminal",
                                   self.seen_by_terminal, line)
        self.check_hang_up(number, page)
        self.note(f"call {number} from the page", began, first, seen, heard)

    def check_hang_up(self, number, page):
        """Even calls are ended by the page (its hang-up names nobody), odd ones by the bot."""
        line = self.bot.mark()
        if number % 2 == 0:
            self.stage.tell(self.page, do="hang-up")
        else:
            self.stage.tell(self.page, do="chat", text="bot: hang up")
        self.stage.wait(self.page, "the end of the call", lambda e: e["kind"] == "closed", page)
        self.bot.wait_line("the end of the call at the terminal", lambda l: l.get("phase") == "idle", line)

    def call_from_terminal(self, calls):
        page = self.stage.mark(self.page)
        began = time.monotonic()
        bot = self.start_bot("--call", self.page, "--seconds", self.options.seconds + 2, "--calls", calls, name="caller")
        try:
            for number in range(calls):
                line = bot.mark()
                first = self.stage.wait(self.page, "the first decoded frame",
                                        lambda e: e["kind"] == "stats" and e["video"].get("framesDecoded", 0) > 0, page)
                seen = self.stage.wait(self.page, "picture and sound", self.seen_by_page, page)
                self.stage.wait(self.page, "the hang-up", lambda e: e["kind"] == "closed", page)
                heard = bot.wait_line("the last figures", lambda l: l.get("phase") == "ended", line)
                self.note(f"call {number} from the terminal", began, first, seen, heard)
                page, began = self.stage.mark(self.page), time.monotonic()
            code = bot.exit_code(30)
            assert code == 0, f"glyphone bot --call ended with {code}: a call carried no media both ways"
        finally:
            bot.stop()

    def note(self, what, began, first, seen, heard):
        video = seen["video"]
        print(f"  {self.tag} {what}: first frame {first['time'] - began:.2f} s, page decoded "
              f"{video['framesDecoded']} at {video.get('frameWidth')}x{video.get('frameHeight')}, concealed "
              f"{seen['audio'].get('concealedSamples')}, terminal decoded {heard.get('framesDecoded')} at "
              f"{heard.get('receivedSize')}, sends {heard.get('sentKilobitsPerSecond')}, gets "
              f"{heard.get('receivedKilobitsPerSecond')} kbit/s, page's estimate {seen.get('pair')}", flush=True)

    def check_leaks(self, used):
        """What is in use between calls stays the same. Memory may vary by less than one call has in codecs and pictures."""
        half = len(used) // 2
        early, late = used[:half] or used, used[half:]
        print(f"  {self.tag} bot after the first call {used[0]}, after the last {used[-1]}", flush=True)
        for what, slack in (("descriptors", 0), ("threads", 1), ("kib", 30_000)):
            before, after = (max(one[what] for one in part) for part in (early, late))
            assert after <= before + slack, f"{what} leak: at most {before} in the first calls, {after} in the later ones"

    def run(self):
        used = []
        for number in range(self.options.calls):
            self.call_from_page(number)
            used.append(self.bot.settled_resources())
        self.check_leaks(used)
        self.call_from_terminal(self.options.calls)
        errors = self.stage.errors(self.page)
        assert not errors, f"the page reported {errors}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--browser", action="append", choices=["chromium", "firefox"])
    parser.add_argument("--rounds", action="append", choices=["1", "2"],
                        help="whether the page as callee reuses the offered m-sections (1) or sends a second offer, as MDN's (2)")
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--port", type=int, default=6503)
    parser.add_argument("--logs", default=ROOT / ".build/end-to-end")
    options = parser.parse_args()
    passed = failed = 0
    for kind in options.browser or ["chromium", "firefox"]:
        for rounds in options.rounds or ["2", "1"]:
            print(f"{kind}, {rounds} round(s)", flush=True)
            try:
                with Calls(options, kind, rounds) as calls:
                    calls.run()
                passed += 1
            except (Timeout, AssertionError, OSError):
                traceback.print_exc()
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
