"""aiortc in whole calls: see README.md."""

import asyncio
import fractions

import numpy
from aiortc import (AudioStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription,
                    VideoStreamTrack)
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame

from chat import main, tell


class Camera(VideoStreamTrack):
    """A bar that moves over a slope."""

    async def recv(self):
        time, base = await self.next_timestamp()
        picture = numpy.tile(numpy.arange(320, dtype=numpy.uint8)[None, :, None] // 2, (240, 1, 3))
        at = time // 3000 * 4 % 280
        picture[:, at:at + 40] = 230
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = time, base
        return frame


class Microphone(AudioStreamTrack):
    """A tone of 400 Hz."""

    TONE = (8000 * numpy.sin(numpy.arange(960) * 2 * numpy.pi / 120)).astype(numpy.int16)

    async def recv(self):
        timing = await super().recv()
        samples = timing.samples * 48000 // timing.sample_rate
        frame = AudioFrame.from_ndarray(self.TONE[None, :samples], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, timing.pts * 48000 // timing.sample_rate
        frame.time_base = fractions.Fraction(1, 48000)
        return frame


class Connection:
    def __init__(self, options, send_candidate, figures):
        servers = [RTCIceServer(f"stun:{options.stun}")] if options.stun else []
        if options.turn:
            credentials, _, address = options.turn.rpartition("@")
            name, _, password = credentials.partition(":")
            servers.append(RTCIceServer(f"turn:{address}", username=name, credential=password))
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self.figures = figures
        self.tasks = []
        self.peer.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self.receive(track))))
        self.peer.on("iceconnectionstatechange", lambda: tell("state", state=self.peer.iceConnectionState))

    async def receive(self, track):
        while True:
            frame = await track.recv()
            if track.kind == "video":
                self.figures.picture(frame.to_ndarray(format="gray")[::7, ::7].flatten().tolist())
            else:
                self.figures.sound(frame.to_ndarray().flatten().tolist())

    def send(self):
        if not self.peer.getSenders():
            self.peer.addTrack(Microphone())
            self.peer.addTrack(Camera())

    # It gathers before it describes itself, so there is no candidate to send.

    async def offer(self):
        self.send()
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def answer(self, offer):
        self.send()
        await self.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return self.peer.localDescription.sdp

    async def accept(self, answer):
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def candidate(self, message):
        text = message["candidate"]
        if not text:
            return await self.peer.addIceCandidate(None)
        candidate = candidate_from_sdp(text.removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = message.get("sdpMid"), message.get("sdpMLineIndex")
        await self.peer.addIceCandidate(candidate)

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await self.peer.close()


main(Connection)
