#pragma once
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>
#include <vpx/vpx_image.h>

// The initialisers are macros and the controls variadic; neither reaches Swift.
static inline vpx_codec_err_t vp8_encoder_open(vpx_codec_ctx_t *context, const vpx_codec_enc_cfg_t *configuration) {
  return vpx_codec_enc_init(context, vpx_codec_vp8_cx(), configuration, 0);
}
static inline vpx_codec_err_t vp8_decoder_open(vpx_codec_ctx_t *context, const vpx_codec_dec_cfg_t *configuration) {
  return vpx_codec_dec_init(context, vpx_codec_vp8_dx(), configuration, 0);
}
static inline vpx_codec_err_t vp9_decoder_open(vpx_codec_ctx_t *context, const vpx_codec_dec_cfg_t *configuration) {
  return vpx_codec_dec_init(context, vpx_codec_vp9_dx(), configuration, 0);
}
static inline vpx_codec_err_t vp9_peek(const uint8_t *bytes, unsigned int count, vpx_codec_stream_info_t *information) {
  return vpx_codec_peek_stream_info(vpx_codec_vp9_dx(), bytes, count, information);
}
static inline vpx_codec_err_t vp8_control(vpx_codec_ctx_t *context, int control, int value) {
  return vpx_codec_control_(context, control, value);
}
static inline vpx_codec_err_t vp8_control_read(vpx_codec_ctx_t *context, int control, int *value) {
  return vpx_codec_control_(context, control, value);
}

// A packet's union of payloads, read as what a frame packet holds.
static inline const void *vpx_packet_bytes(const vpx_codec_cx_pkt_t *packet) { return packet->data.frame.buf; }
static inline size_t vpx_packet_size(const vpx_codec_cx_pkt_t *packet) { return packet->data.frame.sz; }
static inline int vpx_packet_is_key(const vpx_codec_cx_pkt_t *packet) {
  return (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
}
