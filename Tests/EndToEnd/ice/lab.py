"""Networks for tests, made of network namespaces: hosts, NATs, links with a delay. Takes root."""

import ctypes
import fcntl
import heapq
import itertools
import os
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


class Lab:
    """The namespaces of one test; all end with it."""

    numbers = itertools.count(1)

    def __init__(self):
        self.prefix = f"ice{os.getpid()}.{next(self.numbers)}"
        self.names = []
        self.delays = []
        self.links = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for delay in self.delays:
            delay.stop()
        for name in self.names:
            # A process that was left behind would keep the namespace alive.
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
            for pid in pids:
                os.kill(int(pid), 9)
            run("ip", "netns", "delete", name)

    def host(self, name):
        host = Host(self, name)
        self.names.append(host.netns)
        return host

    def link(self, one, one_address, other, other_address, delay=None):
        """Joins two hosts, with a delay (in seconds, each way) or without one.

        Returns the names of the interfaces. Addresses have a prefix length: 10.0.0.1/24.
        """
        self.links += 1
        names = f"{other.name}{self.links}", f"{one.name}{self.links}"  # at `one`, at `other`
        if delay:
            self.delays.append(DelayLink(one, names[0], other, names[1], delay))
        else:
            run("ip", "-n", one.netns, "link", "add", "name", names[0], "type", "veth", "peer", "name", names[1],
                "netns", other.netns)
        for host, interface, address in zip((one, other), names, (one_address, other_address)):
            host.ip("address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))
            host.ip("link", "set", interface, "up")
        return names


class Host:
    def __init__(self, lab, name):
        self.name, self.netns = name, f"{lab.prefix}-{name}"
        run("ip", "netns", "add", self.netns)
        # An interface that has just come up would look for a second for others with its addresses.
        self.run("sh", "-c", "for of in all default; do echo 0 > /proc/sys/net/ipv6/conf/$of/accept_dad; done")
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments):
        run("ip", "-n", self.netns, *arguments)

    def command(self, arguments):
        """The command that runs another on this host."""
        return ["ip", "netns", "exec", self.netns, *arguments]

    def run(self, *arguments):
        run(*self.command(arguments))

    def route(self, via):
        self.ip("route", "add", "default", "via", via)

    def interface_of(self, address):
        """The name of the interface that has this address."""
        lines = subprocess.run(["ip", "-n", self.netns, "-o", "address"], capture_output=True, text=True).stdout
        return next(line.split()[1] for line in lines.splitlines() if f" {address}/" in line)

    def forward(self):
        self.run("sh", "-c", "for name in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$name; done")

    def masquerade(self, outside, random=False):
        """A NAT towards `outside`. The kernel's keeps ports and lets in only whom was written to (port-restricted);
        `random` takes another port for each destination (symmetric). What nobody asked for is dropped, as home routers do."""
        self.forward()
        self.nft(f"""
            table ip nat {{
                chain out {{ type nat hook postrouting priority srcnat; 
                    oifname "{outside}" masquerade {"random" if random else ""}; }}
            }}
            table ip guard {{
                chain in {{ type filter hook input priority filter; iifname "{outside}" ct state new drop; }}
                chain through {{ type filter hook forward priority filter; iifname "{outside}" ct state new drop; }}
            }}""")

    def block_udp(self):
        self.nft("""
            table inet block {
                chain through { type filter hook forward priority filter - 1; meta l4proto udp drop; }
            }""")

    def nft(self, rules):
        subprocess.run(self.command(["nft", "-f", "-"]), input=rules.encode(), check=True)


class Internet(Lab):
    """A server and any number of sites around one router. A site's host has an address of its own, of either family or of
    both, or is behind a NAT."""

    KINDS = ("none", "restricted", "symmetric")
    SERVER, SERVER6 = "203.0.113.2", "2001:db8:113::2"

    def __init__(self, server_delay=None, families=(4,)):
        super().__init__()
        self.router = self.host("net")
        self.router.forward()
        self.server = self.host("srv")
        self.server_addresses = [{4: self.SERVER, 6: self.SERVER6}[family] for family in families]
        self.join(self.server, {4: "203.0.113.", 6: "2001:db8:113::"}, families, server_delay)
        self.sites = 0

    def join(self, host, networks, families, delay):
        """Links a host to the router: it has the second address of each network, the router the first."""
        first, *more = [(family, networks[family], {4: 24, 6: 64}[family]) for family in families]
        family, network, length = first
        interfaces = self.link(host, f"{network}2/{length}", self.router, f"{network}1/{length}", delay)
        for _, network, length in more:
            for end, number, interface in ((host, 2, interfaces[0]), (self.router, 1, interfaces[1])):
                end.ip("address", "add", f"{network}{number}/{length}", "dev", interface, "nodad")
        for family, network, _ in (first, *more):
            host.ip(f"-{family}", "route", "add", "default", "via", f"{network}1")

    def site(self, name, kind="none", delay=None, families=(4,)):
        self.sites += 1
        host = self.host(name)
        networks = {4: f"198.51.{self.sites}.", 6: f"2001:db8:{self.sites}::"}
        if kind == "none":
            self.join(host, networks, families, delay)
            host.address = f"{networks[families[0]]}2"
            return host
        public, near = f"{networks[4]}2", f"{networks[4]}1"
        nat = host.nat = self.host(f"{name}n")
        outside, _ = self.link(nat, f"{public}/24", self.router, f"{near}/24", delay)
        nat.route(near)
        nat.masquerade(outside, random=kind == "symmetric")
        host.address = "192.168.1.2"
        self.link(host, f"{host.address}/24", nat, "192.168.1.1/24")
        host.route("192.168.1.1")
        return host

    def second_link(self, host):
        """Another way from a host to the world, of less preference. Returns its interface."""
        self.sites += 1
        public, near = f"198.51.{self.sites}.2", f"198.51.{self.sites}.1"
        interface, _ = self.link(host, f"{public}/24", self.router, f"{near}/24")
        host.ip("route", "add", "default", "via", near, "metric", "200")
        return interface


class DelayLink:
    """Two tun devices in two namespaces and a thread that carries packets from one to the other, late."""

    def __init__(self, one, one_interface, other, other_interface, delay):
        self.delay = delay
        self.ends = [self.open(one, one_interface), self.open(other, other_interface)]
        self.wake = os.pipe()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    @staticmethod
    def open(host, interface):
        """A tun device belongs to the namespace that the thread which makes it is in."""
        result = []

        def make():
            with open(f"/run/netns/{host.netns}", "rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                    return result.append(OSError(ctypes.get_errno(), "setns"))
            descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", interface.encode(), IFF_TUN | IFF_NO_PI))
            result.append(descriptor)

        maker = threading.Thread(target=make)
        maker.start()
        maker.join()
        if not result or isinstance(result[0], OSError):
            raise result[0] if result else OSError("no tun device")
        return result[0]

    def carry(self):
        waiting, number = [], 0
        poll = select.poll()
        for descriptor in (*self.ends, self.wake[0]):
            poll.register(descriptor, select.POLLIN)
        while True:
            timeout = (waiting[0][0] - time.monotonic()) * 1000 if waiting else None
            for descriptor, _ in poll.poll(max(timeout, 0) if timeout is not None else None):
                if descriptor == self.wake[0]:
                    return
                while True:
                    try:
                        packet = os.read(descriptor, 2048)
                    except (BlockingIOError, OSError):
                        break
                    number += 1
                    to = self.ends[1] if descriptor == self.ends[0] else self.ends[0]
                    heapq.heappush(waiting, (time.monotonic() + self.delay, number, to, packet))
            while waiting and waiting[0][0] <= time.monotonic() + 0.0002:
                _, _, to, packet = heapq.heappop(waiting)
                try:
                    os.write(to, packet)
                except OSError:
                    pass  # the interface is down

    def stop(self):
        os.write(self.wake[1], b".")
        self.thread.join()
        for descriptor in (*self.ends, *self.wake):
            os.close(descriptor)
