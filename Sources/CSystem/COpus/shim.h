#pragma once
#include <opus.h>

// opus_encoder_ctl is variadic, which Swift cannot call.
static inline int opus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value) {
  return opus_encoder_ctl(encoder, request, value);
}
