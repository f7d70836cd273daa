#!/usr/bin/env python3
"""Our ICE with its real driver against other implementations, real TURN servers and the kernel's NATs.

    ice.py [--bin DIR] [--scene NAME]... [--logs DIR] [--minutes 10]

Each scene builds its own networks out of network namespaces, so this takes root. Scenes:
"""

import argparse
import ipaddress
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "browser")]
from coturn import (PASSWORD, SECRET, USER, Capture, Certificate, Coturn, ShippedCoturn, Unit, is_tls, media_gap,  # noqa: E402
                    server, sockets, time_limited, wait_for)
from harness import Process  # noqa: E402
from lab import Internet  # noqa: E402
from peers import Call, Peer, Programs, Timeout  # noqa: E402

ROOT = HERE.parents[2]
OTHERS = ("aioice", "pion", "libnice")
CALLERS = ("webrtcbin", "aiortc", "pion-call")
CAN_RESTART = ("glyphone", "pion", "libnice")
TRANSPORTS = ("udp", "tcp", "tls")


class Scene:
    """A scene's networks, servers and peers, all of which end with it."""

    def __init__(self, suite, name):
        self.suite, self.name = suite, name
        self.folder = suite.logs / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.endings = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The namespaces have to go, whatever else fails.
        while self.endings:
            try:
                self.endings.pop()()
            except OSError as error:
                self.note(f"not ended: {error}")

    def internet(self, **options):
        internet = Internet(**options)
        self.endings.append(lambda: internet.__exit__())
        self.certificate = Certificate(self.folder, addresses=(internet.SERVER, internet.SERVER6))
        return internet

    def coturn(self, internet, *options, tls=True):
        turn = Coturn(internet.server, internet.server_addresses, self.folder, self.certificate if tls else None, options)
        self.endings.append(turn.stop)
        return turn

    def peer(self, kind, host, label):
        command = self.suite.programs.commands[kind]
        # Ours is told whom to trust.
        environment = [] if kind == "glyphone" else ["env", f"SSL_CERT_FILE={self.certificate.root}"]
        peer = Peer(kind, host.command([*environment, *command]), self.folder / f"{label}-{kind}.log")
        self.endings.append(peer.stop)
        return peer

    def process(self, host, label, command):
        """One of our programs on a host, or one that makes whole calls."""
        program, *arguments = command
        start = self.suite.programs.commands[program] if program in CALLERS else [self.suite.options.bin / program]
        process = Process(host.command([*start, *arguments]), log=self.folder / f"{label}.log")
        self.endings.append(process.stop)
        return process

    def chat(self, host, address, *options):
        """A glyphone-server that listens. Returns its URL."""
        self.process(host, "server", ["glyphone-server", "--host", address, "--port", "6503", *options])
        wait_for(lambda: ("tcp", "6503") in sockets(host), "the chat server to listen")
        return f"ws://{address}:6503"

    def bots(self, hosts, server_at, *options, seconds):
        """Two of ours in one chat: the first calls the second and hangs up after so long."""

        def bot(host, name, *more):
            return self.process(host, name, [
                "glyphone", "bot", "--server", server_at, "--camera", "test", "--microphone", "tone", "--speaker", "none",
                "--name", name, "--log", self.folder / f"{name}.txt", *options, *more])

        answering = bot(hosts[1], "answering", "--answer")
        return bot(hosts[0], "calling", "--call", "answering", "--seconds", seconds), answering

    def doctor(self, host, *options):
        """What `glyphone doctor network` says there. Returns its exit status and its text."""
        command = [self.suite.options.bin / "glyphone", "doctor", "network", "--tls-roots", self.certificate.root, *options]
        ran = subprocess.run(host.command(command), capture_output=True, text=True, timeout=60)
        (self.folder / "doctor.log").write_text(ran.stdout + ran.stderr)
        return ran.returncode, ran.stdout

    def call(self, one, other, label=""):
        """`one` and `other`: kind and host of each."""
        return Call(self.peer(*one, f"{label}1"), self.peer(*other, f"{label}2"))

    def options(self, transport=None, **more):
        # pion would wait 2 s for something better than a relay, and after a restart it is mute until then.
        options = {"roots": str(self.certificate.root), "patience": 0, **more}
        if transport:
            options.update(servers=[server(transport, Internet.SERVER)], policy="relay")
        return options

    def note(self, text):
        self.suite.note(f"  {self.name}: {text}")


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms"


def is_relayed(pair):
    return any(pair[side].startswith("relay") for side in ("local", "remote"))


def has_decoded(pictures):
    return lambda line: line.get("framesDecoded", 0) >= pictures


def check_exchange(call, lost=0, **options):
    """Datagrams both ways, of which at most `lost` may be missing at either side."""
    counts, results = call.exchange(**options)
    for peer, result in zip(call.peers, results):
        assert result["sent"] - result["back"] <= lost, f"{peer.kind}: {counts} echoes came back"
    return counts, results


# Scenes. Each is a function of the suite and returns jobs: a name and a function of a scene.

def peers(suite):
    """aioice, pion, libnice and ourselves in both roles: directly and through relays; restart from either side"""

    def job(one, other, transport):
        def run(scene):
            internet = scene.internet()
            if transport:
                scene.coturn(internet)
            call = scene.call((one, internet.site("a")), (other, internet.site("b")))
            began = call.start(scene.options(transport)).connected()
            counts, _ = check_exchange(call)
            pair = call.peers[0].last("pair")
            wanted = "relay" if transport else "host"
            assert pair["local"].startswith((wanted, "prflx")), f"the pair is {pair}"
            text = f"connected in {milliseconds(began[0])}, {', '.join(counts)} back, {pair['local']} - {pair['remote']}"
            if {one, other} <= set(CAN_RESTART):
                text += "".join(restarted(peer, call) for peer in call.peers)
            scene.note(text)

        return f"{one}-{other}-{transport or 'direct'}", run

    for kind in (*OTHERS, "glyphone"):
        for transport in (None, *TRANSPORTS):
            # libnice opens plain TCP where TLS was asked for (0.1.21), and coturn takes it: nothing to learn there.
            if (kind, transport) == ("libnice", "tls"):
                continue
            yield job("glyphone", kind, transport)
            if kind != "glyphone":
                yield job(kind, "glyphone", transport)


def restarted(peer, call):
    """Restarts ICE from `peer` in the midst of an exchange, which must lose nothing but what pion does: it forgets its pair
    and does not send until the next works, which takes it half a second on a busy machine."""
    lost = 25 if any(one.kind == "pion" for one in call.peers) else 0
    marks = [one.mark() for one in call.peers]
    for one in call.peers:
        one.tell(do="send", count=150, interval=20, size=100)
    time.sleep(1)
    peer.tell(do="restart")
    gaps = []
    for one, mark in zip(call.peers, marks):
        result = one.wait("the end of the exchange", lambda l: l["is"] == "echoed", mark, 20)
        assert result["sent"] - result["back"] <= lost, f"{result} while {peer.kind} restarted"
        one.wait("new credentials", lambda l: l["is"] == "credentials", mark)
        one.wait("the new pair", lambda l: l["is"] == "pair", mark)
        gaps.append(result["gap"])
    return f"; restart by {peer.kind}: longest gap {max(gaps)} ms"


def nat(suite):
    """the kernel's NATs on both sides (masquerade, masquerade random), with a STUN and a TURN server"""

    def job(one, other):
        def run(scene):
            internet = scene.internet()
            scene.coturn(internet)
            sites = internet.site("a", one), internet.site("b", other)
            call = scene.call(("glyphone", sites[0]), ("glyphone", sites[1]))
            servers = [{"url": f"stun:{internet.SERVER}:3478"}, server("udp", internet.SERVER)]
            began = call.start(scene.options(servers=servers)).connected()
            # A symmetric NAT takes a port that a port-restricted one has not been told to let in.
            wanted = "symmetric" in (one, other) and "none" not in (one, other)
            # A relay may come first and be left for a direct pair.
            call.peers[0].wait(f"a {'relayed' if wanted else 'direct'} pair",
                               lambda l: l["is"] == "pair" and is_relayed(l) == wanted)
            check_exchange(call)
            pair = call.peers[0].last("pair")
            assert is_relayed(pair) == wanted, f"it did not stay {'relayed' if wanted else 'direct'}: {pair}"
            scene.note(f"{milliseconds(began[0])}, {pair['local']} - {pair['remote']}")

        return f"nat-{one}-{other}", run

    for one in Internet.KINDS:
        for other in Internet.KINDS:
            yield job(one, other)


def firewall(suite):
    """no UDP gets through: a relay over TCP or TLS carries the call, or ICE-TCP where one of the two can be reached"""

    def job(transport):
        def run(scene):
            internet = scene.internet()
            scene.coturn(internet)
            sites = internet.site("a", "restricted"), internet.site("b", "restricted")
            for site in sites:
                site.nat.block_udp()
            servers = [{"url": f"stun:{internet.SERVER}:3478"}, server("udp", internet.SERVER),
                       server(transport, internet.SERVER)]
            call = scene.call(("glyphone", sites[0]), ("glyphone", sites[1]))
            began = call.start(scene.options(servers=servers)).connected(timeout=30)
            check_exchange(call)
            scene.note(f"{milliseconds(began[0])}, {call.peers[0].last('pair')['local']}")

        return f"firewall-{transport}", run

    yield job("tcp")
    yield job("tls")

    def without_server(scene):
        internet = scene.internet()
        sites = internet.site("a"), internet.site("b")
        internet.router.block_udp()
        call = scene.call(("glyphone", sites[0]), ("glyphone", sites[1]))
        began = call.start(scene.options(tcp=True)).connected(timeout=30)
        check_exchange(call)
        pair = call.peers[0].last("pair")
        assert pair["local"].endswith("tcp"), f"the pair is {pair}"
        scene.note(f"{milliseconds(began[0])}, {pair['local']} - {pair['remote']}")

    yield "firewall-ice-tcp", without_server


def families(suite):
    """IPv6 alone: directly, and through relays over UDP, TCP and TLS; one side IPv4 and the other IPv6, joined by a relay"""

    def job(kind, transport, of_one, of_other):
        def run(scene):
            internet = scene.internet(families=(4, 6))
            scene.coturn(internet)
            call = scene.call(("glyphone", internet.site("a", families=of_one)), (kind, internet.site("b", families=of_other)))
            options = []
            for families in (of_one, of_other):
                address = f"[{internet.SERVER6}]" if families == (6,) else internet.SERVER
                choice = {"servers": [server(transport, address)]} if transport else {}
                # Nobody can reach the other directly where they have no family in common.
                options.append(scene.options(**choice, policy="relay" if transport and of_one == of_other else "all"))
            began = call.start(*options).connected()
            check_exchange(call)
            pair = call.peers[0].last("pair")
            assert is_relayed(pair) == bool(transport), f"the pair is {pair}"
            scene.note(f"{milliseconds(began[0])}, {pair['local']} - {pair['remote']}")

        names = "-".join(str(*families) for families in (of_one, of_other))
        return f"families-{names}-{kind}-{transport or 'direct'}", run

    for transport in (None, *TRANSPORTS):
        yield job("glyphone", transport, (6,), (6,))
    # Neither knows IPv6 relays.
    for kind in ("aioice", "pion"):
        yield job(kind, None, (6,), (6,))
    for transport in TRANSPORTS:
        yield job("glyphone", transport, (4,), (6,))


def names(suite):
    """addresses hidden behind `.local` names: both sides on one link, and one that cannot resolve the other's"""

    def job(other, relation):
        def run(scene):
            internet = scene.internet()
            one = internet.site("a")
            two = internet.host("b")
            if relation == "link":
                internet.link(one, "10.1.1.1/24", two, "10.1.1.2/24")
            else:
                two = internet.site("c")
            call = scene.call(("glyphone", one), (other, two))
            call.start(scene.options(hides=True), scene.options(hides=relation == "link")).connected()
            check_exchange(call)
            told = [line["candidate"] for line in call.peers[0].all("candidate") if line["candidate"]]
            assert told and all(".local " in text for text in told), f"an address was told: {told}"
            scene.note(f"{len(told)} names told, {call.peers[1].last('pair')['remote']}")

        return f"names-{other}-{relation}", run

    yield job("glyphone", "link")
    yield job("glyphone", "unresolved")
    yield job("pion", "unresolved")


def roaming(suite):
    """the network changes in mid-call - an interface goes down, an address changes, a cable comes later - and it goes on"""

    def job(name, change, two_links, longest):
        def run(scene):
            internet = scene.internet()
            scene.coturn(internet)
            one, other = internet.site("a"), internet.site("b")
            if two_links:
                internet.second_link(one)
            call = scene.call(("glyphone", one), ("glyphone", other))
            servers = [{"url": f"stun:{internet.SERVER}:3478"}]
            call.start(scene.options(servers=servers)).connected()
            for peer in call.peers:
                peer.wait_state("completed")  # The pair is settled.
            address = call.peers[0].last("pair")["local"].split()[1].rpartition(":")[0]
            marks = [peer.mark() for peer in call.peers]
            for peer in call.peers:
                peer.tell(do="send", count=500, interval=20, size=200)
            time.sleep(2)
            began = time.monotonic()
            change(internet, one, one.interface_of(address), address)
            results = [peer.wait("the end of the exchange", lambda l: l["is"] == "echoed", mark, 30)
                       for peer, mark in zip(call.peers, marks)]
            gap = max(result["gap"] for result in results)
            states = [line["state"] for peer in call.peers for line in peer.lines if line["is"] == "state"]
            assert "failed" not in states, states
            assert gap <= longest, f"nothing came back for {gap} ms"
            restored = call.peers[0].last("pair")
            check_exchange(call)
            scene.note(f"longest gap {gap} ms (of it {milliseconds(restored['at'] - began)} until the new pair), then "
                       f"{restored['local']} - {restored['remote']}")

        return f"roaming-{name}", run

    def down(internet, host, interface, address):
        host.ip("link", "set", interface, "down")

    def readdress(internet, host, interface, address):
        near = address.rpartition(".")[0]
        host.ip("address", "delete", f"{address}/24", "dev", interface)
        host.ip("address", "add", f"{near}.77/24", "dev", interface)
        host.ip("route", "add", "default", "via", f"{near}.1")

    def replug(internet, host, interface, address):
        down(internet, host, interface, address)
        time.sleep(3)
        internet.second_link(host)

    yield job("down", down, True, 3000)
    yield job("address", readdress, False, 3000)
    yield job("replug", replug, False, 7000)


def program(suite):
    """glyphone-server hands out the STUN and TURN server of our systemd unit; two clients behind NATs call; one changes
    network in mid-call"""

    def job(kinds, loses_link):
        def run(scene):
            internet = scene.internet()
            scene.endings.append(ShippedCoturn(internet.server, scene.folder, scene.certificate, ROOT / "Resources").stop)
            (scene.folder / "secret").write_text(SECRET + "\n")
            address = internet.SERVER
            server_at = scene.chat(
                internet.server, address, "--ice-server", f"stun:{address}", "--ice-server", f"turn:{address}",
                "--turn-secret-file", scene.folder / "secret")
            hosts = internet.site("a", kinds[0]), internet.site("b", kinds[1])
            if loses_link:
                internet.second_link(hosts[0])
            capture = Capture(hosts[1], hosts[1].address, scene.folder / "media.pcap", "udp and inbound")
            calling, answering = scene.bots(hosts, server_at, seconds=18)
            for bot in (calling, answering):
                bot.wait_line("pictures of the other", has_decoded(60), timeout=40)
            if loses_link:
                hosts[0].ip("link", "set", hosts[0].interface_of("198.51.1.2"), "down")
            code = calling.exit_code(60)
            last = answering.wait_line("the end", lambda line: line.get("phase") == "ended")
            gap = media_gap(capture.stop())
            scene.note(f"ended with {code}; decoded {last.get('framesDecoded')} pictures, longest gap {milliseconds(gap)}")
            assert code == 0, f"glyphone bot ended with {code}"
            assert last["framesDecoded"] > 18 * 12, "the call did not go on"
            assert gap < 4, f"nothing came for {gap:.1f} s"

        return f"program-{'-'.join(kinds)}{'-roaming' if loses_link else ''}", run

    yield job(("restricted", "restricted"), False)
    yield job(("symmetric", "symmetric"), False)
    yield job(("none", "restricted"), True)


def calls(suite):
    """whole calls, with picture and sound, between `glyphone bot` and GStreamer's webrtcbin, aiortc and pion, either calling"""

    def job(kind, calls, nat):
        def run(scene):
            internet = scene.internet()
            scene.coturn(internet)
            address = internet.SERVER
            server_at = scene.chat(internet.server, address)
            ours, theirs = internet.site("a", nat), internet.site("b", nat)
            bot = scene.process(ours, "bot", [
                "glyphone", "bot", "--server", server_at, "--camera", "test", "--microphone", "tone", "--speaker", "none",
                "--ice-server", f"stun:{address}", "--ice-server", f"turn:{address} {USER} {PASSWORD}", "--name", "bot",
                "--log", scene.folder / "bot.txt", *(["--answer", "--calls", 1] if calls else ["--call", kind, "--seconds", 6])])
            peer = scene.process(theirs, kind, [
                kind, "--server", server_at, "--name", kind, "--stun", f"{address}:3478",
                "--turn", f"{USER}:{PASSWORD}@{address}:3478", *(["--call", "bot"] if calls else [])])
            code = bot.exit_code(60)
            ended = peer.wait_line("the end", lambda line: line["is"] == "ended", timeout=10)
            last = bot.wait_line("the end", lambda line: line["phase"] == "ended")
            scene.note(f"{kind} decoded {ended['video']} pictures and {ended['audio']} packets of sound, the bot "
                       f"{last['framesDecoded']} and {last['audioFramesDecoded']}; {last['path']}")
            assert code == 0, f"glyphone bot ended with {code}: {last}"
            assert ended["by"] == ("us" if calls else "them"), ended
            # Our tone is silent half of the time.
            assert ended["video"] > 60 and ended["audio"] > 100, f"{kind} got too little: {ended}"
            assert last["framesDecoded"] > 45 and last["audioFramesDecoded"] > 120, f"the bot got too little: {last}"
            # aiortc nominates the first pair that works.
            if not (kind == "aiortc" and calls and nat == "restricted"):
                assert ("relay" in last["path"]) == (nat == "symmetric"), f"the path is {last['path']}"

        return f"call-{kind}-{'calls' if calls else 'answers'}-{nat}", run

    for kind in CALLERS:
        for calls in (True, False):
            for nat in Internet.KINDS:
                yield job(kind, calls, nat)


def turn(suite):
    """what a TURN server refuses is said in words; time-limited credentials; a full quota; another server in its place; an
    allocation is given back; TLS is TLS on the wire"""

    def refused(name, transport, words, tls=True, trusted=True, options=(), **change):
        def run(scene):
            internet = scene.internet()
            scene.coturn(internet, *options, tls=tls)
            choice = scene.options(transport)
            choice["servers"][0].update(change)
            if not trusted:
                del choice["roots"]
            scene.note(problem_of(scene.peer("glyphone", internet.site("a"), "1"), choice, words))

        return f"turn-{name}", run

    def problem_of(peer, options, words):
        peer.tell(do="start", role="controlling", **options)
        problem = peer.wait("a problem", lambda l: l["is"] == "problem", timeout=15)["text"]
        assert re.search(words, problem), f"the words are: {problem}"
        return problem

    address = Internet.SERVER
    not_accepted = "does not accept the user name or the password"
    yield refused("wrong-password", "udp", not_accepted, credential="wrong")
    yield refused("wrong-password-tls", "tls", not_accepted, credential="wrong")
    yield refused("unknown-authority", "tls", "certificate comes from an authority that is not trusted", trusted=False)
    yield refused("no-such-port", "tcp", "connection refused", url=f"turn:{address}:3479?transport=tcp")
    # Without a certificate coturn takes plain text only: it waits for more of it, or finds that what comes is none.
    yield refused("no-tls-there", "tls", "no connection in time|reset the connection", tls=False,
                  url=f"turns:{address}:3478?transport=tcp")
    by_secret = ("--use-auth-secret", f"--static-auth-secret={SECRET}")
    yield refused("time-limited-expired", "udp", not_accepted, options=by_secret, **time_limited(-60))
    yield refused("time-limited-forged", "udp", not_accepted, options=by_secret, **time_limited(3600, secret="south"))

    def relayed_by(address):
        return lambda line: line["is"] == "candidate" and f" {address} " in line["candidate"] and "typ relay" in line["candidate"]

    def through(name, transport, *options, **change):
        """A call that gets through."""

        def run(scene):
            internet = scene.internet()
            scene.coturn(internet, *options)
            choice = scene.options(transport)
            choice["servers"][0].update(change)
            call = scene.call(("glyphone", internet.site("a")), ("glyphone", internet.site("b")))
            call.start(choice).connected()
            check_exchange(call)
            scene.note(f"{call.peers[0].last('pair')['local']} as {choice['servers'][0]['username']}")

        return f"turn-{name}", run

    yield through("time-limited", "udp", *by_secret, **time_limited(3600))

    def quota(scene):
        internet = scene.internet()
        scene.coturn(internet, "--user-quota=1")
        first, second = (scene.peer("glyphone", internet.site(name), name) for name in "ab")
        first.tell(do="start", role="controlling", **scene.options("udp"))
        first.wait("an allocation", relayed_by(internet.SERVER))
        scene.note(problem_of(second, scene.options("udp"), "error 486"))

    yield "turn-quota", quota

    def alternate(transport):
        def run(scene):
            internet = scene.internet()
            other = internet.site("c")
            (scene.folder / "other").mkdir(exist_ok=True)
            # Of a server that is known by its address the certificate has to name that.
            scene.certificate = Certificate(scene.folder, addresses=(internet.SERVER, other.address))
            scene.endings.append(Coturn(other, [other.address], scene.folder / "other", scene.certificate).stop)
            port = 5349 if transport == "tls" else 3478
            scene.coturn(internet, f"--{'tls-' if transport == 'tls' else ''}alternate-server={other.address}:{port}")
            call = scene.call(("glyphone", internet.site("a")), ("glyphone", internet.site("b")))
            call.start(scene.options(transport)).connected()
            check_exchange(call)
            for peer in call.peers:
                peer.wait("a relay at the other server", relayed_by(other.address))
            scene.note(f"sent on to {call.peers[0].last('pair')['local']}")

        return f"turn-alternate-{transport}", run

    for transport in TRANSPORTS:
        yield alternate(transport)

    def given_back(transport):
        def run(scene):
            internet = scene.internet()
            coturn = scene.coturn(internet)
            peer = scene.peer("glyphone", internet.site("a"), "1")
            peer.tell(do="start", role="controlling", **scene.options(transport))
            peer.wait("an allocation", relayed_by(internet.SERVER))
            peer.tell(do="quit")
            wait_for(lambda: coturn.count("lifetime=0"), "the end of the allocation in coturn's log", 3)
            scene.note("deleted at once")

        return f"turn-given-back-{transport}", run

    for transport in TRANSPORTS:
        yield given_back(transport)

    def bytes_of_tls(scene):
        internet = scene.internet()
        scene.coturn(internet)
        capture = Capture(internet.server, internet.SERVER, scene.folder / "tls.pcap", "port 5349 or port 3478")
        call = scene.call(("glyphone", internet.site("a")), ("glyphone", internet.site("b")))
        call.start(scene.options("tls")).connected()
        check_exchange(call)
        payloads = capture.tcp_payloads()
        assert len(payloads) == 4, f"{len(payloads)} directions of TCP"
        for ports, data in payloads.items():
            assert 5349 in ports and is_tls(data), f"no TLS on {ports}: {data[:40].hex()}"
        scene.note("every TCP stream began with a TLS handshake and shows no STUN")

    yield "turn-tls-bytes", bytes_of_tls


def nonce(suite):
    """calls through relays over UDP, TCP and TLS while the server's nonces grow stale: nothing may be lost"""

    def job(transport):
        def run(scene):
            internet = scene.internet()
            coturn = scene.coturn(internet, "--stale-nonce=60", "--max-allocate-lifetime=180")
            call = scene.call(("glyphone", internet.site("a")), ("glyphone", internet.site("b")))
            call.start(scene.options(transport)).connected()
            seconds = suite.options.minutes * 60
            _, results = call.exchange(count=int(seconds * 25), interval=40, size=1000, timeout=60)
            texts = [f"{r['back']}/{r['sent']} back, longest gap {r['gap']} ms" for r in results]
            stale = coturn.count("Stale nonce")
            scene.note(f"{'; '.join(texts)}; {stale} stale nonces")
            assert all(r["back"] == r["sent"] for r in results), texts
            assert stale >= 2, f"{stale} stale nonces: nothing was tested"

        return f"nonce-{transport}", run

    for transport in TRANSPORTS:
        yield job(transport)


def doctor(suite):
    """what `glyphone doctor network` says of a coturn over UDP, TCP and TLS that works, of a wrong password, of a certificate
    from nobody known, and where no UDP gets through"""

    address = Internet.SERVER
    uris = {"udp": f"turn:{address}:3478", "tcp": f"turn:{address}:3478?transport=tcp", "tls": f"turns:{address}:5349"}

    def works(transport):
        return f"  ok  {uris[transport]}: relays at {address}:"

    def job(name, status, said, unsaid=(), transports=TRANSPORTS, password=PASSWORD, **conditions):
        def run(scene):
            internet = scene.internet()
            scene.coturn(internet)
            site = internet.site("a", "restricted")
            if conditions.get("blocked"):
                site.nat.block_udp()
            url = scene.chat(internet.server, address)
            options = ["--server", url, "--ice-server", f"stun:{address}"]
            for transport in transports:
                options += ["--ice-server", f"{uris[transport]} {USER} {password}"]
            if conditions.get("stranger"):
                options += ["--tls-roots", Certificate(scene.folder, label="other").root]
            ended, text = scene.doctor(site, *options)
            check_words(text, said, unsaid)
            assert ended == status, f"the exit status is {ended}; it said: {text}"
            scene.note(f"{len(said)} remarks as they should be, exit status {ended}")

        return f"doctor-{name}", run

    through = "  ok    through it and back, "
    advice = "see above for why, and check its log, password, certificate and firewall"
    yield job("works", 0, [*map(works, TRANSPORTS), *[through] * 3, f"stun:{address}:3478 ({address}): you are 198.51.1.2:",
                           "there is a NAT", "where no direct way is found, the relay is taken"], ["!!"])
    refused = "it does not accept the user name or the password"
    yield job("wrong-password", 0, [
        *(f"  !!  {uris[transport]}: {address}:{5349 if transport == 'tls' else 3478}: {refused}" for transport in TRANSPORTS),
        "there is no relay that works", f"does not relay: {', '.join(uris.values())}; {advice}"], [through], password="wrong")
    yield job("unknown-authority", 0, [
        works("udp"), through, f"  !!  {uris['tls']}: {address}:5349: its certificate comes from an authority that is not "
        "trusted here", f"does not relay: {uris['tls']}; {advice}"], [works("tls")], ("udp", "tls"), stranger=True)
    silent = f"  !!    stun:{address}:3478 ({address}): no answer"
    yield job("no-udp", 0, [silent, f"  !!  {uris['udp']}: {address}:3478: no answer", works("tcp"), works("tls"),
                            *[through] * 2, "UDP does not get out: every call takes the relay"],
              [works("udp"), "does not relay"], blocked=True)
    yield job("no-way", 1, [silent, f"{uris['tcp']}: works, and is not configured",
                            "UDP does not get out: let UDP out to port 3478, or name a turns: server on port 443"],
              [works("udp")], ("udp",), blocked=True)

    def alone(scene):
        internet = scene.internet()
        ended, text = scene.doctor(internet.site("a"), "--server", f"ws://{address}:6503")
        check_words(text, [f"  !!  ws://{address}:6503: cannot reach", "check --server, and that it runs"])
        assert ended == 1, f"the exit status is {ended}"
        scene.note("named the chat server that does not run, exit status 1")

    yield "doctor-no-chat", alone


def check_words(text, said, unsaid=()):
    """Everything said, as often as it is listed."""
    for words in said:
        assert text.count(words) >= said.count(words), f"it does not say {words!r}: {text}"
    for words in unsaid:
        assert words not in text, f"it says {words!r}: {text}"


def shipped(suite):
    """coturn.conf and coturn-pages.conf as the systemd units start them: who gets a relay, and to whom; and the units"""

    address, resources = Internet.SERVER, ROOT / "Resources"
    # Relays meet at the server's own address here, and the lab's is one of those for documentation, which are denied.
    meeting = [f"allowed-peer-ip={address}"]

    def start(scene, which, internet, more=()):
        pages = {"unit": "glyphone-turn-pages", "configuration": "coturn-pages.conf"} if which == "pages" else {}
        certificate = None if pages else scene.certificate
        scene.endings.append(ShippedCoturn(internet.server, scene.folder, certificate, resources, more=more, **pages).stop)

    def permissions(scene, host, *arguments):
        """The answers of the server, or what it says to the login."""
        ran = subprocess.run(host.command([sys.executable, HERE / "permissions.py", address, *arguments]),
                             capture_output=True, text=True, timeout=30)
        return json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr.strip()

    def login(scene):
        """MDN's, which only the coturn for pages takes."""
        internet = scene.internet()
        start(scene, "pages", internet, meeting)
        uris = [f"turn:{address}", f"turn:{address}?transport=tcp"]
        logins = [word for uri in uris for word in ("--ice-server", f"{uri} webrtc turnserver")]
        ended, text = scene.doctor(internet.site("a"), "--server", scene.chat(internet.server, address), *logins)
        check_words(text, [f"relays at {address}:", "through it and back"] * 2, ["!!"])
        assert ended == 0, f"the exit status is {ended}"
        scene.note("webrtc/turnserver relays over UDP and TCP")

    yield "shipped-pages-login", login

    def handed_out(scene):
        internet = scene.internet()
        start(scene, "turn", internet, meeting)
        unit = Unit(resources / "systemd/glyphone-server.service", scene.folder, commented=True,
                    **{"/usr/local/bin": str(suite.options.bin), "turn.example.org": address})
        scene.process(internet.server, "server", unit.command())
        wait_for(lambda: ("tcp", "6503") in sockets(internet.server), "the chat server to listen")
        site = internet.site("a")
        ended, text = scene.doctor(site, "--server", f"ws://{address}:6503")
        ways = [f"turn:{address}:3478", f"turn:{address}:3478?transport=tcp", f"turns:{address}:5349"]
        check_words(text, ["it hands out 4 STUN and TURN servers", *(f"  ok  {way}: relays at {address}:" for way in ways),
                           *["through it and back"] * 3], ["!!"])
        assert ended == 0, f"the exit status is {ended}"
        answer = permissions(scene, site, "webrtc", "turnserver", "192.0.2.1")
        assert "401" in answer, f"a fixed login is answered {answer}"
        scene.note("what the chat server hands out relays over UDP, TCP and TLS; a fixed login is refused")

    yield "shipped-turn-handed-out", handed_out

    def denied(which):
        def run(scene):
            internet = scene.internet(families=(4, 6))
            start(scene, which, internet)
            text = (resources / f"coturn{'-pages' if which == 'pages' else ''}.conf").read_text()
            values = dict(re.findall(r"^([a-z-]+)=(\d+)$", text, re.MULTILINE))
            total, one, all_together = (int(values[name]) for name in ("total-quota", "max-bps", "bps-capacity"))
            assert total * one <= all_together, f"fewer than {total} allocations fit into {all_together} bytes a second"
            ranges = re.findall(r"^denied-peer-ip=(.*)", text, re.MULTILINE)
            denied = [peer for ends in ranges for peer in ends.split("-")] + ["::", "224.0.0.1", "ff02::1", address]
            public = ["198.51.2.2", "2001:db8:2::2"]
            login = {"username": "webrtc", "credential": "turnserver"} if which == "pages" else time_limited(3600)
            codes = permissions(scene, internet.site("a"), login["username"], login["credential"], *denied, *public)
            wanted = {str(ipaddress.ip_address(peer)): 0 if peer in public else 403 for peer in denied + public}
            assert codes == wanted, f"not as it should be: {codes if isinstance(codes, str) else set(codes.items()) ^ set(wanted.items())}"
            scene.note(f"{len(denied)} peers at the ends of {len(ranges)} networks refused, {len(public)} others not")

        return f"shipped-{which}-denied", run

    yield denied("turn")
    yield denied("pages")

    def units(scene):
        if not shutil.which("systemd-analyze"):
            return scene.note("there is no systemd-analyze here")
        for file in (resources / "systemd").glob("*.service"):
            for commented in (False, True):
                unit = Unit(file, scene.folder, commented, **{"/usr/local/bin": str(suite.options.bin)})
                copy = scene.folder / file.name
                copy.write_text(unit.text)
                ran = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
                assert ran.returncode == 0 and not ran.stderr, f"{file.name}: {ran.stderr}"
        scene.note("systemd-analyze finds nothing in the units")

    yield "shipped-units", units


def killed(suite):
    """coturn is killed in the midst of a call of two `glyphone bot`s that may use nothing else, and started again: at once, or
    when both have noticed"""

    def job(transport, when):
        def run(scene):
            internet = scene.internet()
            coturn = scene.coturn(internet)
            address = internet.SERVER
            # What the server relays goes from one of its ports to another, in UDP whatever its clients use.
            capture = Capture(internet.server, "127.0.0.1", scene.folder / "media.pcap", "udp portrange 50000-50999")
            bots = scene.bots(
                (internet.site("a", "restricted"), internet.site("b", "restricted")), scene.chat(internet.server, address),
                "--ice-policy", "relay", "--tls-roots", scene.certificate.root,
                "--ice-server", f"{server(transport, address)['url']} {USER} {PASSWORD}", seconds=60)
            for bot in bots:
                bot.wait_line("pictures of the other", has_decoded(60), timeout=40)
            marks = [bot.mark() for bot in bots]
            coturn.kill()
            if when == "noticed":
                for bot, mark in zip(bots, marks):
                    bot.wait_line("that nothing comes", lambda line: line["phase"] == "interrupted", mark)
            coturn.start_again()
            before = [bot.lines[-1]["framesDecoded"] for bot in bots]
            for bot, mark, pictures in zip(bots, marks, before):
                bot.wait_line("pictures after it", lambda line, least=pictures + 60: has_decoded(least)(line), mark, 40)
            gap = media_gap(capture.stop())
            phases = {line["phase"] for bot, mark in zip(bots, marks) for line in bot.lines[mark:]}
            scene.note(f"pictures paused for {gap:.2f} s; the bots were {', '.join(sorted(phases))}")
            assert phases <= {"active", "interrupted"}, phases

        return f"killed-{transport}-{when}", run

    for transport, when in (("udp", "at-once"), ("udp", "noticed"), ("tcp", "at-once"), ("tls", "noticed")):
        yield job(transport, when)


SCENES = {scene.__name__: scene for scene in (
    peers, nat, firewall, families, names, roaming, program, calls, turn, doctor, shipped, killed, nonce)}
__doc__ += "".join(f"\n    {name:9} {scene.__doc__}" for name, scene in SCENES.items())


class Suite:
    def __init__(self, options):
        self.options = options
        self.logs = pathlib.Path(options.logs)
        self.programs = Programs(options.bin / "ice-probe", options.build)
        self.programs.prepare(OTHERS + CALLERS)

    def note(self, text):
        print(text, flush=True)

    def run_job(self, name, job):
        try:
            with Scene(self, name) as scene:
                job(scene)
            return None
        except Exception as error:
            self.note(f"  {name}: FAILED: {error}")
            if not isinstance(error, AssertionError):
                self.note(traceback.format_exc(limit=-2))
            self.show_logs(self.logs / name)
            return name

    def show_logs(self, folder, lines=45, width=200):
        """The ends of the debug logs of our programs: whoever reads what a CI printed has no other way to them."""
        for log in sorted(folder.glob("*.txt")):
            dated = [line for line in log.read_text(errors="replace").splitlines() if line[:1].isdigit()]
            self.note("\n".join([f"  {log.name}:", *(f"    {line[:width]}" for line in dated[-lines:])]))

    def run(self):
        jobs = [job for name in self.options.scene or SCENES for job in SCENES[name](self)]
        jobs = [job for job in jobs if self.options.only in job[0]]
        if not jobs:
            sys.exit(f"no job of these scenes has {self.options.only!r} in its name")
        # The long ones first; most of the time of a scene is waiting.
        jobs.sort(key=lambda job: not job[0].startswith("nonce"))
        with ThreadPoolExecutor(self.options.parallel) as pool:
            failed = [name for name in pool.map(lambda job: self.run_job(*job), jobs) if name]
        print(f"{len(jobs) - len(failed)} passed, {len(failed)} failed" + "".join(f"\n  {name}" for name in failed))
        return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release", help="where our programs are")
    parser.add_argument("--scene", action="append", choices=SCENES)
    parser.add_argument("--only", default="", help="only jobs whose name contains this")
    parser.add_argument("--minutes", type=float, default=10, help="how long the calls with stale nonces last")
    parser.add_argument("--parallel", type=int, default=6)
    parser.add_argument("--logs", default=ROOT / ".build/end-to-end/ice")
    parser.add_argument("--build", default=ROOT / ".build/ice-peers", help="where peer programs are made")
    return Suite(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
