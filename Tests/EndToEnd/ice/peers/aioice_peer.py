"""An aioice agent on lines of JSON: see README.md."""

import asyncio
import json
import sys
import time

import aioice


def tell(kind, **fields):
    print(json.dumps({"is": kind, "at": time.monotonic(), **fields}), flush=True)


class Peer:
    def __init__(self):
        self.connection = None
        self.echoes = None
        self.received = 0
        self.back = set()
        self.last_back = self.gap = self.gap_at = 0.0
        self.tasks = set()

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            tell("problem", text=repr(task.exception()))

    async def start(self, role, servers=(), policy="all", **_):
        options = {"use_ipv6": True}
        for server in servers:
            scheme, rest = server["url"].split(":", 1)
            address, _, query = rest.partition("?")
            host, port = address.rsplit(":", 1)
            if scheme == "stun":
                options["stun_server"] = (host, int(port))
            else:
                options.update(
                    turn_server=(host, int(port)), turn_username=server["username"], turn_password=server["credential"],
                    turn_ssl=scheme == "turns",
                    turn_transport="tcp" if scheme == "turns" or query == "transport=tcp" else "udp")
        policies = {"all": aioice.TransportPolicy.ALL, "relay": aioice.TransportPolicy.RELAY}
        self.connection = aioice.Connection(
            ice_controlling=role == "controlling", transport_policy=policies[policy], **options)
        tell("credentials", ufrag=self.connection.local_username, pwd=self.connection.local_password)
        self.spawn(self.gather())

    async def gather(self):
        await self.connection.gather_candidates()
        for candidate in self.connection.local_candidates:
            tell("candidate", candidate="candidate:" + candidate.to_sdp(), ufrag=self.connection.local_username)
        tell("candidate", candidate="", ufrag=self.connection.local_username)
        self.gathered.set()

    async def credentials(self, ufrag, pwd, **_):
        if self.connection.remote_username:
            return tell("cannot", do="restart")
        self.connection.remote_username, self.connection.remote_password = ufrag, pwd
        self.spawn(self.connect())

    async def candidate(self, candidate, **_):
        try:
            await self.connection.add_remote_candidate(
                aioice.Candidate.from_sdp(candidate.removeprefix("candidate:")) if candidate else None)
        except ValueError as error:
            tell("problem", text=str(error))

    async def connect(self):
        await self.gathered.wait()
        tell("state", state="checking")
        try:
            await self.connection.connect()
        except ConnectionError as error:
            tell("problem", text=str(error))
            return tell("state", state="failed")
        tell("state", state="connected")
        pair = self.connection._nominated[1]
        local, remote = pair.local_candidate, pair.remote_candidate
        tell("pair", local=f"{local.type} {local.host}:{local.port} udp",
             remote=f"{remote.type} {remote.host}:{remote.port} udp")
        await self.receive()

    async def receive(self):
        while True:
            try:
                data = await self.connection.recv()
            except ConnectionError:
                return tell("state", state="failed")
            if data[0] == 0x80:
                self.received += 1
                await self.connection.send(b"\x81" + data[1:])
            elif data[0] == 0x81:
                now = time.monotonic()
                if self.last_back and now - self.last_back > self.gap:
                    self.gap, self.gap_at = now - self.last_back, now
                self.last_back = now
                self.back.add(data[4:8])

    async def send(self, count, interval, size=100, **_):
        self.spawn(self.stream(count, interval / 1000, size))

    async def stream(self, count, interval, size):
        self.back.clear()
        self.gap = self.gap_at = 0.0
        began = self.last_back = time.monotonic()
        for number in range(count):
            try:
                await self.connection.send((b"\x80\0\0\0" + number.to_bytes(4, "big")).ljust(size, b"\0"))
            except ConnectionError:
                pass
            await asyncio.sleep(max(0, began + (number + 1) * interval - time.monotonic()))
        await asyncio.sleep(1)
        tell("echoed", sent=count, back=len(self.back), received=self.received, gap=round(self.gap * 1000),
             gapAt=self.gap_at)

    async def restart(self, **_):
        tell("cannot", do="restart")

    async def run(self):
        self.gathered = asyncio.Event()
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        tell("ready")
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] == "quit":
                break
            await getattr(self, command.pop("do"))(**command)
        if self.connection:
            await self.connection.close()


asyncio.run(Peer().run())
