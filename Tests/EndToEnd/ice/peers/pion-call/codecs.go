package main

/*
#cgo pkg-config: vpx opus
#include <opus.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

// The library's own are macros.
static int open_encoder(vpx_codec_ctx_t *codec, int width, int height, int rate) {
  vpx_codec_enc_cfg_t config;
  if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0)) return 1;
  config.g_w = width;
  config.g_h = height;
  config.g_timebase.num = 1;
  config.g_timebase.den = rate;
  config.g_lag_in_frames = 0;
  config.rc_target_bitrate = 300;
  return vpx_codec_enc_init(codec, vpx_codec_vp8_cx(), &config, 0);
}

static int open_decoder(vpx_codec_ctx_t *codec) { return vpx_codec_dec_init(codec, vpx_codec_vp8_dx(), NULL, 0); }

static const void *encoded(vpx_codec_ctx_t *codec, size_t *size) {
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet = vpx_codec_get_cx_data(codec, &iterator);
  if (!packet || packet->kind != VPX_CODEC_CX_FRAME_PKT) return NULL;
  *size = packet->data.frame.sz;
  return packet->data.frame.buf;
}

static vpx_image_t *decoded(vpx_codec_ctx_t *codec) {
  vpx_codec_iter_t iterator = NULL;
  return vpx_codec_get_frame(codec, &iterator);
}
*/
import "C"

import (
	"errors"
	"math"
	"unsafe"
)

const (
	width, height, pictureRate = 320, 240, 15
	blockSamples               = 960 // 20 ms
)

// A bar that moves over a slope.
type camera struct {
	codec  C.vpx_codec_ctx_t
	image  *C.vpx_image_t
	number int
}

func newCamera() (*camera, error) {
	c := &camera{image: C.vpx_img_alloc(nil, C.VPX_IMG_FMT_I420, width, height, 1)}
	if C.open_encoder(&c.codec, width, height, pictureRate) != 0 {
		return nil, errors.New("no VP8 encoder")
	}
	for plane := 1; plane < 3; plane++ {
		C.memset(unsafe.Pointer(c.image.planes[plane]), 128, C.size_t(c.image.stride[plane])*height/2)
	}
	return c, nil
}

func (c *camera) picture(isKey bool) []byte {
	stride := int(c.image.stride[0])
	luma := unsafe.Slice((*byte)(unsafe.Pointer(c.image.planes[0])), stride*height)
	bar := c.number * 6 % (width - 40)
	for at := range luma {
		if x := at % stride; x >= bar && x < bar+40 {
			luma[at] = 230
		} else {
			luma[at] = byte(16 + x/3)
		}
	}
	var flags C.vpx_enc_frame_flags_t
	if isKey {
		flags = C.VPX_EFLAG_FORCE_KF
	}
	if C.vpx_codec_encode(&c.codec, c.image, C.vpx_codec_pts_t(c.number), 1, flags, C.VPX_DL_REALTIME) != 0 {
		return nil
	}
	c.number++
	var size C.size_t
	data := C.encoded(&c.codec, &size)
	if data == nil {
		return nil
	}
	return C.GoBytes(data, C.int(size))
}

func (c *camera) close() {
	C.vpx_codec_destroy(&c.codec)
	C.vpx_img_free(c.image)
}

type screen struct{ codec C.vpx_codec_ctx_t }

func newScreen() (*screen, error) {
	s := &screen{}
	if C.open_decoder(&s.codec) != 0 {
		return nil, errors.New("no VP8 decoder")
	}
	return s, nil
}

// How far the brightness of a picture goes, from the darkest to the lightest.
func (s *screen) contrast(data []byte) (int, error) {
	if C.vpx_codec_decode(&s.codec, (*C.uint8_t)(unsafe.Pointer(&data[0])), C.uint(len(data)), nil, 0) != 0 {
		return 0, errors.New("not a picture that follows")
	}
	image := C.decoded(&s.codec)
	if image == nil {
		return 0, nil
	}
	low, high := byte(255), byte(0)
	for y := 0; y < int(image.d_h); y += 7 {
		row := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(image.planes[0]), y*int(image.stride[0]))), int(image.d_w))
		for x := 0; x < len(row); x += 7 {
			if row[x] < low {
				low = row[x]
			}
			if row[x] > high {
				high = row[x]
			}
		}
	}
	return int(high) - int(low), nil
}

func (s *screen) close() { C.vpx_codec_destroy(&s.codec) }

// A tone of 400 Hz.
type microphone struct {
	codec *C.OpusEncoder
	tone  [blockSamples]C.opus_int16
}

func newMicrophone() (*microphone, error) {
	var code C.int
	m := &microphone{codec: C.opus_encoder_create(48000, 1, C.OPUS_APPLICATION_VOIP, &code)}
	for at := range m.tone {
		m.tone[at] = C.opus_int16(8000 * math.Sin(float64(at)*2*math.Pi/120))
	}
	if code != C.OPUS_OK {
		return nil, errors.New("no Opus encoder")
	}
	return m, nil
}

func (m *microphone) block() []byte {
	var data [400]byte
	size := C.opus_encode(m.codec, &m.tone[0], blockSamples, (*C.uchar)(&data[0]), C.opus_int32(len(data)))
	if size < 1 {
		return nil
	}
	return data[:size]
}

func (m *microphone) close() { C.opus_encoder_destroy(m.codec) }

type speaker struct{ codec *C.OpusDecoder }

func newSpeaker() (*speaker, error) {
	var code C.int
	s := &speaker{codec: C.opus_decoder_create(48000, 1, &code)}
	if code != C.OPUS_OK {
		return nil, errors.New("no Opus decoder")
	}
	return s, nil
}

// The highest sample of a packet.
func (s *speaker) peak(data []byte) (int, error) {
	var samples [5760]C.opus_int16
	count := C.opus_decode(s.codec, (*C.uchar)(&data[0]), C.opus_int32(len(data)), &samples[0], C.int(len(samples)), 0)
	if count < 0 {
		return 0, errors.New("not a packet of sound")
	}
	peak := 0
	for _, sample := range samples[:count] {
		if int(sample) > peak {
			peak = int(sample)
		}
	}
	return peak, nil
}

func (s *speaker) close() { C.opus_decoder_destroy(s.codec) }
