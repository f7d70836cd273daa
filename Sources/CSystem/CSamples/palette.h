#pragma once
#include <stddef.h>

#include "CSamples.h"
#include "vectors.h"

// The number of no colour.
enum { NONE = 255 };

// Where in the table of nearest colours that of a colour is.
IN_PLACE size_t place_of(unsigned y, unsigned u, unsigned v) {
  return (size_t)(u >> 1) << 14 | (size_t)(v >> 1) << 7 | (size_t)(y >> 1);
}

IN_PLACE uint8_t nearest(const struct glyphone_palette *palette, size_t place) {
  uint8_t number = palette->nearest[place];
  return number != NONE ? number : palette->find(palette->finder, place);
}

IN_PLACE int exact_distance(struct glyphone_color one, struct glyphone_color other) {
  int y = (one.luma & 255) - (other.luma & 255), u = (one.chroma & 255) - (other.chroma & 255);
  int v = (one.chroma >> 8) - (other.chroma >> 8);
  return glyphone_distance_luma_weight * y * y + glyphone_distance_chroma_weight * (u * u + v * v);
}
