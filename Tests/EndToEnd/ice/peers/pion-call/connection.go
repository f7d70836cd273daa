package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/samplebuilder"
)

// What came from the other side. A picture of one grey, or sound that is silence, does not count.
type counters struct{ video, audio int64 }

func (c *counters) figures() (int64, int64) {
	return atomic.LoadInt64(&c.video), atomic.LoadInt64(&c.audio)
}

// Our side of a call.
type connection struct {
	counters
	peer  *webrtc.PeerConnection
	ended chan struct{}
	tasks sync.WaitGroup
	// Set when the other has asked for a picture that needs none before it.
	wantsKey int32
}

func connect(servers []webrtc.ICEServer) (*connection, error) {
	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{ICEServers: servers})
	if err != nil {
		return nil, err
	}
	c := &connection{peer: peer, ended: make(chan struct{})}
	peer.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) { tell("state", fields{"state": state.String()}) })
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			c.watch(track)
		} else {
			c.listen(track)
		}
	})
	if err := c.sendSound(); err != nil {
		return nil, err
	}
	return c, c.sendPictures()
}

func (c *connection) offer() (webrtc.SessionDescription, error) {
	description, err := c.peer.CreateOffer(nil)
	if err != nil {
		return description, err
	}
	return description, c.peer.SetLocalDescription(description)
}

func (c *connection) answer(offer webrtc.SessionDescription) (webrtc.SessionDescription, error) {
	if err := c.peer.SetRemoteDescription(offer); err != nil {
		return offer, err
	}
	description, err := c.peer.CreateAnswer(nil)
	if err != nil {
		return description, err
	}
	return description, c.peer.SetLocalDescription(description)
}

func (c *connection) close() {
	close(c.ended)
	problem(c.peer.Close())
	c.tasks.Wait()
}

// Sends what `make` makes at each interval until the call ends.
func (c *connection) send(track *webrtc.TrackLocalStaticSample, interval time.Duration, make func() []byte, done func()) error {
	sender, err := c.peer.AddTrack(track)
	if err != nil {
		return err
	}
	go func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				switch packet.(type) {
				case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
					atomic.StoreInt32(&c.wantsKey, 1)
				}
			}
		}
	}()
	c.tasks.Add(1)
	go func() {
		defer c.tasks.Done()
		defer done()
		ticks := time.NewTicker(interval)
		defer ticks.Stop()
		for {
			select {
			case <-c.ended:
				return
			case <-ticks.C:
				if data := make(); data != nil {
					track.WriteSample(media.Sample{Data: data, Duration: interval})
				}
			}
		}
	}()
	return nil
}

func (c *connection) sendPictures() error {
	camera, err := newCamera()
	if err != nil {
		return err
	}
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "pion")
	if err != nil {
		return err
	}
	return c.send(track, time.Second/pictureRate, func() []byte {
		return camera.picture(atomic.SwapInt32(&c.wantsKey, 0) == 1)
	}, camera.close)
}

func (c *connection) sendSound() error {
	microphone, err := newMicrophone()
	if err != nil {
		return err
	}
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "pion")
	if err != nil {
		return err
	}
	return c.send(track, 20*time.Millisecond, microphone.block, microphone.close)
}

// Takes pictures apart until the call ends.
func (c *connection) watch(track *webrtc.TrackRemote) {
	screen, err := newScreen()
	if problem(err) {
		return
	}
	defer screen.close()
	samples := samplebuilder.New(200, &codecs.VP8Packet{}, track.Codec().ClockRate)
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		samples.Push(packet)
		for sample := samples.Pop(); sample != nil; sample = samples.Pop() {
			contrast, err := screen.contrast(sample.Data)
			if err != nil {
				c.peer.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
			} else if contrast > 40 {
				atomic.AddInt64(&c.video, 1)
			}
		}
	}
}

func (c *connection) listen(track *webrtc.TrackRemote) {
	speaker, err := newSpeaker()
	if problem(err) {
		return
	}
	defer speaker.close()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if len(packet.Payload) == 0 {
			continue
		}
		if peak, err := speaker.peak(packet.Payload); !problem(err) && peak > 100 {
			atomic.AddInt64(&c.audio, 1)
		}
	}
}
