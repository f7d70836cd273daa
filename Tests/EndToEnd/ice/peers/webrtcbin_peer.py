"""GStreamer's webrtcbin in whole calls: see README.md. Needs the python3-gi of the system."""

import asyncio
import re
import struct

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

from chat import main, tell  # noqa: E402

SEND = {
    "video": "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! "
             "vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt={pt} picture-id-mode=15-bit ! "
             "application/x-rtp,media=video,encoding-name=VP8,payload={pt} ! queue",
    "audio": "audiotestsrc is-live=true ! audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=2 ! opusenc ! "
             "rtpopuspay pt={pt} ! application/x-rtp,media=audio,encoding-name=OPUS,payload={pt} ! queue",
}
RECEIVE = {
    "video": "queue ! rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=GRAY8",
    "audio": "queue ! rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE",
}
CODECS = {"video": "VP8", "audio": "opus"}


class Connection:
    def __init__(self, options, send_candidate, figures):
        self.loop = asyncio.get_running_loop()
        self.send_candidate, self.figures = send_candidate, figures
        self.pipeline = Gst.Pipeline.new()
        self.bin = Gst.ElementFactory.make("webrtcbin")
        self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        if options.stun:
            self.bin.set_property("stun-server", f"stun://{options.stun}")
        if options.turn:
            self.bin.set_property("turn-server", f"turn://{options.turn}")
        self.pipeline.add(self.bin)
        self.bin.connect("on-ice-candidate", self.found)
        self.bin.connect("pad-added", self.receive)
        self.bin.connect("notify::ice-connection-state", self.changed)
        self.sending = False

    # What webrtcbin says, on threads of its own.

    def found(self, _, index, candidate):
        asyncio.run_coroutine_threadsafe(self.send_candidate(candidate, index), self.loop)

    def changed(self, *_):
        tell("state", state=self.bin.get_property("ice-connection-state").value_nick)

    def receive(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_value("media")
        decoder = Gst.parse_bin_from_description(RECEIVE[kind] + " ! fakesink name=sink sync=false signal-handoffs=true", True)
        decoder.get_by_name("sink").connect("handoff", getattr(self, kind))
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def video(self, _, buffer, __):
        self.figures.picture(buffer.extract_dup(0, buffer.get_size())[::97])

    def audio(self, _, buffer, __):
        data = buffer.extract_dup(0, buffer.get_size())
        self.figures.sound(struct.unpack(f"<{len(data) // 2}h", data))

    # What the chat wants.

    def send(self, payloads):
        for kind, payload in payloads:
            source = Gst.parse_bin_from_description(SEND[kind].format(pt=payload), True)
            self.pipeline.add(source)
            source.link(self.bin)
        self.sending = True
        self.pipeline.set_state(Gst.State.PLAYING)

    async def ask(self, signal, *arguments):
        promise = Gst.Promise.new()
        self.bin.emit(signal, *arguments, promise)
        await self.loop.run_in_executor(None, promise.wait)
        return promise.get_reply()

    async def describe(self, kind):
        reply = await self.ask(f"create-{kind}", None)
        description = reply.get_value(kind)  # lives as long as the reply does
        await self.ask("set-local-description", description)
        return description.sdp.as_text()

    async def apply(self, kind, text):
        _, message = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind.upper()), message)
        await self.ask("set-remote-description", description)

    async def offer(self):
        self.send([("audio", 97), ("video", 96)])
        return await self.describe("offer")

    async def answer(self, offer):
        if not self.sending:
            kinds = re.findall(r"^m=(audio|video) ", offer, re.MULTILINE)
            self.send([(kind, re.search(rf"^a=rtpmap:(\d+) {CODECS[kind]}/", offer, re.MULTILINE)[1]) for kind in kinds])
        await self.apply("offer", offer)
        return await self.describe("answer")

    async def accept(self, answer):
        await self.apply("answer", answer)

    async def candidate(self, candidate):
        self.bin.emit("add-ice-candidate", candidate.get("sdpMLineIndex") or 0, candidate["candidate"])

    async def close(self):
        await self.loop.run_in_executor(None, self.pipeline.set_state, Gst.State.NULL)


Gst.init(None)
main(Connection)
