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
