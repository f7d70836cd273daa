#pragma once
#include <zlib.h>

// deflateInit2 is a macro, which Swift cannot call.
static inline int deflate_begin(z_stream *stream, int level, int strategy) {
  return deflateInit2(stream, level, Z_DEFLATED, 15, 9, strategy);
}
