#!/usr/bin/env python3
"""How long ICE takes to connect: ours beside aioice, pion and libnice, each with itself, in the same networks.

    times.py [--bin DIR] [--repeat 7] [--round-trips 0,50,200] [--paths direct,relay] [--peers 'NAME;...']

Prints medians in milliseconds, from the first candidate told to the moment both sides are connected. pion is also measured
without its waits for a better pair (0.5 s for server-reflexive pairs, 1 s for peer-reflexive ones, 2 s for relayed ones).
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from coturn import Certificate, Coturn, server  # noqa: E402
from lab import Internet  # noqa: E402
from peers import Call, Peer, Programs, Timeout  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
KINDS = {"glyphone": ("glyphone", {}), "aioice": ("aioice", {}), "pion": ("pion", {}),
         "pion, no waits": ("pion", {"patience": 0}), "libnice": ("libnice", {})}
PATHS = {"direct": {}, "relay": {"servers": [server("udp", Internet.SERVER)], "policy": "relay"}}


def measure(programs, kind, hosts, options, folder):
    name, more = KINDS[kind]
    peers = [Peer(name, host.command(programs.commands[name]), folder / f"{name}-{number}.log")
             for number, host in enumerate(hosts)]
    call = Call(*peers)
    try:
        # A process that has just begun is not what is measured.
        for peer in peers:
            peer.wait("the beginning", lambda line: line["is"] == "ready", timeout=10)
        return call.start({**options, **more}).connected(timeout=30)
    finally:
        call.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--round-trips", default="0,50,200")
    parser.add_argument("--paths", default=",".join(PATHS))
    parser.add_argument("--peers", type=lambda text: text.split(";"), default=list(KINDS),
                        help="some of: " + "; ".join(KINDS))
    parser.add_argument("--build", default=ROOT / ".build/ice-peers")
    options = parser.parse_args()
    programs = Programs(options.bin / "ice-probe", options.build)
    programs.prepare({KINDS[kind][0] for kind in options.peers} - {"glyphone"})
    print("| round trip | path | " + " | ".join(options.peers) + " |\n" + "| --- " * (len(options.peers) + 2) + "|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for milliseconds in map(int, options.round_trips.split(",")):
            # Four times through a site's link: there and back between two sites.
            delay = milliseconds / 4000
            with Internet() as internet:
                turn = Coturn(internet.server, internet.server_addresses, folder,
                              Certificate(folder, addresses=internet.server_addresses))
                hosts = internet.site("a", delay=delay), internet.site("b", delay=delay)
                for path in options.paths.split(","):
                    # In turn, so that what else the machine does meets all alike.
                    times = {kind: [] for kind in options.peers}
                    for _ in range(options.repeat):
                        for kind in options.peers:
                            try:
                                times[kind].append(measure(programs, kind, hosts, PATHS[path], folder))
                            except Timeout as problem:
                                print(f"{kind}: {problem}", file=sys.stderr)
                    cells = [text(times[kind]) for kind in options.peers]
                    print(f"| {milliseconds} ms | {path} | " + " | ".join(cells) + " |", flush=True)
                turn.stop()


def text(times):
    """The median, and in brackets that from the start, which has the gathering in it."""
    if not times:
        return "-"
    start, first = (statistics.median(column) * 1000 for column in zip(*times))
    return f"{first:.3g} ({start:.3g})"


if __name__ == "__main__":
    sys.exit(main())
