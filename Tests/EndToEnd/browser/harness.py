"""Serves the test page, hands it commands, collects its reports, and starts what takes part: browsers and our programs."""

import http.server
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent


class Timeout(AssertionError):
    """What was waited for did not come."""


class Stage:
    """The HTTP server behind the pages: one per run."""

    def __init__(self):
        self.reports = {}
        self.commands = {}
        self.changed = threading.Condition()
        stage = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def reply(self, body, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                url = urllib.parse.urlparse(self.path)
                if url.path == "/command":
                    name = urllib.parse.parse_qs(url.query)["name"][0]
                    self.reply(json.dumps(stage.next_command(name)).encode(), "application/json")
                elif url.path == "/page.html":
                    self.reply((HERE / "page.html").read_bytes(), "text/html")
                else:
                    self.reply(b"", "text/plain")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stage.report(json.loads(body))
                self.reply(b"{}", "application/json")

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, address):
                pass  # a browser that is stopped breaks its connections

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next_command(self, name):
        try:
            return self.commands.setdefault(name, queue.Queue()).get(timeout=20)
        except queue.Empty:
            return {"do": "nothing"}

    def report(self, event):
        event["time"] = time.monotonic()
        with self.changed:
            self.reports.setdefault(event["from"], []).append(event)
            self.changed.notify_all()

    def tell(self, page, **command):
        self.commands.setdefault(page, queue.Queue()).put(command)

    def mark(self, name):
        """The place in a page's reports from which a later `wait` looks."""
        with self.changed:
            return len(self.reports.get(name, []))

    def wait(self, name, what, condition, since=0, timeout=30):
        """The first report of `name` after `since` that fulfils `condition`."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for event in self.reports.get(name, [])[since:]:
                    if condition(event):
                        return event
                left = deadline - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    if time.monotonic() >= deadline:
                        last = [e for e in self.reports.get(name, [])[since:] if e["kind"] != "stats"][-12:]
                        stats = [e for e in self.reports.get(name, [])[since:] if e["kind"] == "stats"][-1:]
                        raise Timeout(f"{name}: {what} did not happen in {timeout} s; last reports: {last} {stats}")

    def errors(self, name):
        return [event for event in self.reports.get(name, []) if event["kind"] == "error"]


class Process:
    """A child in its own process group whose lines of JSON on standard output are collected."""

    def __init__(self, arguments, log=None, environment=None):
        self.lines = []
        self.changed = threading.Condition()
        self.log = open(log, "wb") if log else subprocess.DEVNULL
        self.child = subprocess.Popen(
            [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.log, start_new_session=True, env=environment)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            with self.changed:
                self.lines.append(value)
                self.changed.notify_all()

    def mark(self):
        with self.changed:
            return len(self.lines)

    def wait_line(self, what, condition, since=0, timeout=30):
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for line in self.lines[since:]:
                    if condition(line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout(f"{what} did not happen in {timeout} s; last lines: {self.lines[-3:]}")
                self.changed.wait(left)

    def settled_resources(self):
        """What is in use once sockets and threads of a call that has just ended are gone: the least within a second."""
        samples = []
        for _ in range(5):
            samples.append(self.resources())
            time.sleep(0.2)
        return {what: min(sample[what] for sample in samples) for what in samples[0]}

    def resources(self):
        """Open descriptors, threads and resident KiB."""
        root = pathlib.Path("/proc") / str(self.child.pid)
        status = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines() if ":" in line)
        return {"descriptors": len(os.listdir(root / "fd")), "threads": int(status["Threads"]),
                "kib": int(status["VmRSS"].split()[0])}

    def exit_code(self, timeout):
        return self.child.wait(timeout)

    def stop(self):
        if self.child.poll() is None:
            try:
                os.killpg(self.child.pid, signal.SIGTERM)
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()


FIREFOX_PREFERENCES = {
    "media.navigator.streams.fake": True, "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "browser.shell.checkDefaultBrowser": False, "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False, "browser.startup.homepage_override.mstone": "ignore",
    "toolkit.telemetry.reportingpolicy.firstRun": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "media.gmp-manager.updateEnabled": False,
}


class Browser:
    """A headless browser with fake devices on the test page under a name of its own."""

    def __init__(self, kind, url, log=None, hides=False):
        """`hides`: shows `.local` names in place of its addresses, as browsers do for a page without camera and microphone."""
        self.profile = tempfile.mkdtemp(prefix=f"{kind}-")
        environment = dict(os.environ, HOME=self.profile)
        if kind == "chromium":
            arguments = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                         "--use-fake-device-for-media-stream", *([] if hides else ["--use-fake-ui-for-media-stream"]),
                         "--autoplay-policy=no-user-gesture-required", "--disable-background-networking",
                         "--disable-component-update", f"--user-data-dir={self.profile}", url]
        else:
            wanted = {**FIREFOX_PREFERENCES, "media.peerconnection.ice.obfuscate_host_addresses": hides}
            preferences = "".join(f'user_pref("{name}", {json.dumps(value)});\n' for name, value in wanted.items())
            pathlib.Path(self.profile, "user.js").write_text(preferences)
            arguments = ["firefox-esr", "--headless", "--no-remote", "--profile", self.profile, url]
        self.process = Process(arguments, log=log, environment=environment)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.profile, ignore_errors=True)
