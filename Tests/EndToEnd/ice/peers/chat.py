"""The chat under a peer that makes whole calls: it speaks the protocol of MDN's sample as its page does, and says what it
sees in lines of JSON (see README.md)."""

import argparse
import asyncio
import json
import sys
import time

import websockets


def tell(kind, **fields):
    print(json.dumps({"is": kind, "at": time.monotonic(), **fields}), flush=True)


class Figures:
    """What came from the other side. A picture of one grey, or sound that is silence, does not count."""

    def __init__(self):
        self.video = self.audio = 0

    def picture(self, luma):
        self.video += max(luma) - min(luma) > 40

    def sound(self, samples):
        self.audio += max(samples) > 100


class Chatter:
    """One user of the chat. `connect(options, send_candidate, figures)` makes its side of a call, which has `offer`,
    `answer`, `accept`, `candidate` and `close`."""

    def __init__(self, options, connect):
        self.options, self.connect = options, connect
        self.connection = self.target = None
        self.called = False
        self.figures = Figures()

    async def run(self):
        async with websockets.connect(self.options.server, subprotocols=["json"]) as self.socket:
            ticks = asyncio.ensure_future(self.tick())
            async for text in self.socket:
                await self.obey(json.loads(text))
            ticks.cancel()

    async def send(self, kind, **fields):
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def obey(self, message):
        kind = message["type"]
        if kind == "id":
            await self.send("username", name=self.options.name, id=message["id"], date=int(time.time() * 1000))
        elif kind == "userlist" and self.options.call in message["users"] and not self.called:
            self.called = True
            self.begin(self.options.call)
            await self.describe("video-offer", await self.connection.offer())
        elif kind == "video-offer":
            if not self.connection:
                self.begin(message["name"])
            await self.describe("video-answer", await self.connection.answer(message["sdp"]["sdp"]))
        elif kind == "hang-up" and self.connection:
            await self.end("them")
        elif kind == "video-answer" and self.connection:
            await self.connection.accept(message["sdp"]["sdp"])
        elif kind == "new-ice-candidate" and self.connection and message["candidate"]:
            await self.connection.candidate(message["candidate"])

    def begin(self, target):
        self.target = target
        self.figures = Figures()

        async def send_candidate(candidate, index):
            await self.send("new-ice-candidate", target=target,
                            candidate={"candidate": candidate, "sdpMid": None, "sdpMLineIndex": index})

        self.connection = self.connect(self.options, send_candidate, self.figures)

    async def describe(self, kind, sdp):
        role = "offer" if kind == "video-offer" else "answer"
        await self.send(kind, name=self.options.name, target=self.target, sdp={"type": role, "sdp": sdp})

    async def tick(self):
        """Reports what comes in; a caller leaves when it has seen enough."""
        while True:
            await asyncio.sleep(0.5)
            if not self.connection:
                continue
            tell("figures", video=self.figures.video, audio=self.figures.audio)
            if self.called and min(self.figures.video / 15, self.figures.audio / 25) > self.options.seconds:
                await self.send("hang-up", name=self.options.name, target=self.target)
                await self.end("us")

    async def end(self, by):
        await self.connection.close()
        self.connection = None
        tell("ended", by=by, video=self.figures.video, audio=self.figures.audio)


def main(connect):
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--call", help="whom to call as soon as it is there")
    parser.add_argument("--seconds", type=float, default=5, help="a caller hangs up after as much picture and sound")
    parser.add_argument("--stun", help="host:port")
    parser.add_argument("--turn", help="user:password@host:port")
    options = parser.parse_args()
    try:
        asyncio.run(Chatter(options, connect).run())
    except (OSError, websockets.WebSocketException) as error:
        sys.exit(f"the chat ended: {error}")
