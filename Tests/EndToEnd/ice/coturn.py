"""A coturn of our own on a host of the lab, and a way to look at the bytes that go to it."""

import base64
import hmac
import os
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import time

USER, PASSWORD, REALM, SECRET = "glyph", "phone-pass", "glyphone.test", "north"


class Certificate:
    """An authority of our own and a server's certificate for `name` and `addresses`."""

    def __init__(self, folder, name="turn.glyphone.test", addresses=("127.0.0.1",), label="turn"):
        folder = pathlib.Path(folder)
        self.root, self.chain, self.key = (folder / f"{label}-{part}.pem" for part in ("root", "chain", "key"))
        root_key, request = folder / f"{label}-root-key.pem", folder / f"{label}-request.pem"
        extensions = folder / f"{label}.ext"
        extensions.write_text(",".join([f"subjectAltName=DNS:{name}", *(f"IP:{address}" for address in addresses)]) + "\n")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", f"/CN={label} test authority", "-keyout", root_key, "-out", self.root)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", self.key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", root_key, "-CAcreateserial", "-days", "2",
                     "-extfile", extensions, "-out", self.chain)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Coturn:
    """`turnserver` on one address: 3478 over UDP and TCP, 5349 over TLS."""

    def __init__(self, host, addresses, folder, certificate=None, options=()):
        folder = pathlib.Path(folder)
        self.log = folder / "coturn.log"
        self.log.unlink(missing_ok=True)
        command = ["turnserver", "-n", "--no-cli", "--fingerprint", f"--realm={REALM}", "--listening-port=3478",
                   "--tls-listening-port=5349", "--min-port=50000", "--max-port=50999", "--verbose", "--no-multicast-peers",
                   "--no-rfc5780", f"--log-file={self.log}", "--simple-log", f"--userdb={folder / 'turndb'}",
                   f"--pidfile={folder / 'turnserver.pid'}", *options]
        if not any("auth" in option for option in options):
            command += ["--lt-cred-mech", f"--user={USER}:{PASSWORD}"]
        for address in addresses:
            command += [f"--listening-ip={address}", f"--relay-ip={address}"]
        command += [f"--cert={certificate.chain}", f"--pkey={certificate.key}"] if certificate else ["--no-tls", "--no-dtls"]
        self.start(host, command, tls=bool(certificate))

    def start(self, host, command, tls, **options):
        self.start_again = lambda: self.start(host, command, tls, **options)
        self.child = subprocess.Popen(
            host.command(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        wanted = {("udp", "3478"), ("tcp", "3478"), *([("tcp", "5349")] if tls else [])}
        wait_for(lambda: wanted <= sockets(host), "coturn to listen")

    def kill(self):
        """It tells nobody."""
        self.child.kill()
        self.child.wait()

    def count(self, text):
        return self.log.read_text(errors="replace").count(text)

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Unit:
    """One of our systemd units and what it starts, with nothing changed but where things are.

    `commented`: with the lines that stand there for whoever wants them.
    """

    def __init__(self, file, folder, commented=False, **places):
        etc, run = folder / "etc", folder / "run"
        for place in (etc, run):
            place.mkdir(exist_ok=True)
        self.places = {"/etc/glyphone": str(etc), **places}
        self.variables = {"CREDENTIALS_DIRECTORY": str(etc), "RUNTIME_DIRECTORY": str(run)}
        self.text = file.read_text()
        if commented:
            self.text = re.sub(r"^#(?=[A-Z]\w*=|  )", "", self.text, flags=re.MULTILINE)
        self.text = self.here(self.text)

    def here(self, text):
        for place, ours in self.places.items():
            text = text.replace(place, ours)
        return text

    def command(self, name="ExecStart"):
        """The last such line that is not empty, in words; none if there is none."""
        lines = self.text.replace("\\\n", " ").splitlines()
        command = [value for key, _, value in (line.partition("=") for line in lines) if key == name and value]
        if not command:
            return []
        for variable, value in self.variables.items():
            command[-1] = command[-1].replace(f"${{{variable}}}", value)
        return shlex.split(command[-1])


class ShippedCoturn(Coturn):
    """What one of our units starts, with its configuration; `resources` is where both are. Nothing but paths is changed.

    `more`: lines of configuration that only this network asks for.
    """

    def __init__(self, host, folder, certificate, resources, unit="glyphone-turn", configuration="coturn.conf", more=()):
        unit = Unit(resources / f"systemd/{unit}.service", folder)
        etc = folder / "etc"
        (etc / configuration).write_text("\n".join([unit.here((resources / configuration).read_text()), *more, ""]))
        (etc / "turn-secret").write_text(SECRET + "\n")
        if certificate:
            shutil.copy(certificate.chain, etc / "turn-certificate.pem")
            shutil.copy(certificate.key, etc / "turn-key.pem")
        environment = {**os.environ, **unit.variables}
        before = unit.command("ExecStartPre")
        if before:
            subprocess.run(before, env=environment, check=True)
        self.start(host, unit.command(), tls=bool(certificate), env=environment)


def sockets(host):
    """Protocol and port of the sockets that listen on a host."""
    lines = subprocess.run(host.command(["ss", "-Hlunt"]), capture_output=True, text=True).stdout.splitlines()
    return {(line.split()[0], line.split()[4].rpartition(":")[2]) for line in lines}


def server(transport, address, **credentials):
    """What a peer is told of it."""
    uri = {"udp": f"turn:{address}:3478?transport=udp", "tcp": f"turn:{address}:3478?transport=tcp",
           "tls": f"turns:{address}:5349?transport=tcp"}[transport]
    return {"url": uri, "username": USER, "credential": PASSWORD, **credentials}


def time_limited(seconds, secret=SECRET):
    """Credentials that hold for so long, as a coturn that has the secret knows them (draft-uberti-behave-turn-rest)."""
    name = f"{int(time.time()) + seconds}:{USER}"
    password = base64.b64encode(hmac.digest(secret.encode(), name.encode(), "sha1")).decode()
    return {"username": name, "credential": password}


class Capture:
    """What goes over the interface of a host that has `address` while it runs."""

    END = b"the end of the capture"

    def __init__(self, host, address, file, filter):
        self.host, self.file = host, pathlib.Path(file)
        self.file.unlink(missing_ok=True)
        # Of the packet that ends it nobody takes notice.
        self.nobody = address if address.startswith("127.") else "192.0.2.1"
        command = ["tcpdump", "-i", host.interface_of(address), "--immediate-mode", "-U", "-s", "0", "-w", str(self.file),
                   f"({filter}) or udp dst port 9"]
        self.child = subprocess.Popen(host.command(command), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        next(line for line in self.child.stderr if b"listening on" in line)

    def stop(self):
        # What went before this packet is in the file when it is.
        self.host.run("bash", "-c", f"printf '{self.END.decode()}' > /dev/udp/{self.nobody}/9")
        wait_for(lambda: self.END in self.file.read_bytes(), "tcpdump to write what it saw")
        self.child.terminate()
        self.child.wait()
        self.child.stderr.close()
        return self.file.read_bytes()

    def tcp_payloads(self):
        """The first bytes of each direction of each connection, by (source, destination) port."""
        return first_payloads(self.stop())


def packets(capture):
    """The IP packets of a pcap file over Ethernet, Linux cooked or raw: time in seconds, protocol, and what IP carries."""
    order = "<" if capture[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    link = struct.unpack_from(order + "I", capture, 20)[0]
    header = {1: 14, 113: 16, 276: 20}.get(link, 0)
    offset = 24
    while offset + 16 <= len(capture):
        seconds, microseconds, length = struct.unpack_from(order + "III", capture, offset)
        packet = capture[offset + 16 + header:offset + 16 + length]
        offset += 16 + length
        if packet and packet[0] >> 4 == 4:
            yield seconds + microseconds / 1e6, packet[9], packet[(packet[0] & 15) * 4:struct.unpack_from(">H", packet, 2)[0]]
        elif packet and packet[0] >> 4 == 6:
            yield seconds + microseconds / 1e6, packet[6], packet[40:40 + struct.unpack_from(">H", packet, 4)[0]]


def first_payloads(capture):
    """The beginning of each TCP direction, by source and destination port."""
    payloads = {}
    for _, protocol, segment in packets(capture):
        if protocol != 6:
            continue
        ports = struct.unpack_from(">HH", segment)
        known, data = payloads.get(ports, b""), segment[(segment[12] >> 4) * 4:]
        if data and len(known) < 4096:
            payloads[ports] = known + data
    return payloads


def media_gap(capture):
    """The longest time between two packets of media (SRTP in UDP, also inside of ChannelData), in seconds."""
    times = []
    for time, protocol, datagram in packets(capture):
        payload = datagram[8:]
        if protocol == 17 and payload and 0x40 <= payload[0] <= 0x4F:
            payload = payload[4:]
        if protocol == 17 and payload and payload[0] >> 6 == 2:
            times.append(time)
    return max((after - before for before, after in zip(times, times[1:])), default=float("inf"))


def is_tls(data):
    """Whether a stream begins with a TLS handshake record (RFC 8446 section 5.1) and shows no STUN."""
    return data[:2] == b"\x16\x03" and b"\x21\x12\xa4\x42" not in data[:600]


def wait_for(condition, what, timeout=15):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.05)
