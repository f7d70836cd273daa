#include <string.h>

#include "CSamples.h"
#include "vectors.h"

// Adds pixels to the stretch of their colour, or begins another. Which of the two it will be no processor foresees, so
// there is no branch: a sixel and a stretch are always written, and count where they are needed.
IN_PLACE void add(struct glyphone_sixels *band, uint8_t color, uint32_t bits, size_t column, size_t count) {
  struct glyphone_latest *latest = &band->latest[color], last = *latest;
  int32_t x = band->origin + (int32_t)column, gap = x - last.stop;
  // All bits or none.
  uint32_t is_same = gap >> 31, is_far = (glyphone_small_gap - gap) >> 31;
  uint32_t number = band->sixel_count;
  // More bits of the last sixel, or the number of the one that follows.
  band->sixels[last.sixel].link |= (bits & is_same) | (number << 6 & ~is_same & ~is_far);
  band->sixels[number] = (struct glyphone_sixel){column, count, bits};
  band->sixel_count = number + 1 + is_same;
  band->stretches[band->stretch_count + 1] = (struct glyphone_stretch){number, column, color};
  band->stretch_count -= is_far;
  *latest = (struct glyphone_latest){x + (int32_t)count, (number & ~is_same) | (last.sixel & is_same)};
}

// Begins a band.
IN_PLACE struct glyphone_sixels begin(const struct glyphone_sixels *last, size_t width) {
  struct glyphone_sixels band = *last;
  band.sixel_count = band.stretch_count = 0;
  band.origin += (int32_t)width + glyphone_small_gap + 1;
  return band;
}

FOR_EACH_PROCESSOR
void glyphone_sixels_collect(struct glyphone_sixels *last, const uint8_t *numbers, ptrdiff_t stride,
                             const uint8_t *painted, size_t width) {
  // A copy, of which the compiler knows that no number is a part of it.
  struct glyphone_sixels band = begin(last, width);
  // Most columns have none, so eight are looked at at a time.
  for (size_t first = 0; first < width; first += 8) {
    uint64_t bits = 0;
    memcpy(&bits, painted + first, sizeof bits);
    if (width - first < 8) bits &= (1ull << 8 * (width - first)) - 1;
    for (; bits != 0; bits &= bits - 1) {
      int place = __builtin_ctzll(bits), row = place & 7;
      size_t x = first + (place >> 3);
      add(&band, numbers[row * stride + (ptrdiff_t)x], 1 << row, x, 1);
    }
  }
  *last = band;
}

// Adds all pixels of some columns that are alike.
IN_PLACE void add_columns(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride, int height,
                          size_t column, size_t count) {
  const uint8_t *number = numbers + column;
  uint8_t color = *number;
  uint32_t bits = 1;
  for (int row = 1; row < height; row++) {
    number += stride;
    if (*number != color) {
      add(band, color, bits, column, count);
      color = *number;
      bits = 0;
    }
    bits |= 1u << row;
  }
  add(band, color, bits, column, count);
}

// A run ends where any row has another colour in the next column.
FOR_EACH_PROCESSOR
void glyphone_sixels_collect_all(struct glyphone_sixels *last, const uint8_t *numbers, ptrdiff_t stride, size_t width,
                                 int height) {
  struct glyphone_sixels band = begin(last, width);
  const uint64_t high_bits = 0x8080808080808080;
  size_t start = 0;
  for (size_t first = 0; first < width; first += 8) {
    uint64_t difference = 0;
    for (int row = 0; row < height; row++) {
      uint64_t these, next;
      memcpy(&these, numbers + row * stride + (ptrdiff_t)first, sizeof these);
      memcpy(&next, numbers + row * stride + (ptrdiff_t)first + 1, sizeof next);
      difference |= these ^ next;
    }
    // The high bit of every byte that is not 0.
    uint64_t ends = (((difference & ~high_bits) + ~high_bits) | difference) & high_bits;
    for (; ends != 0; ends &= ends - 1) {
      size_t stop = first + (__builtin_ctzll(ends) >> 3) + 1;
      if (stop >= width) break;
      add_columns(&band, numbers, stride, height, start, stop - start);
      start = stop;
    }
  }
  add_columns(&band, numbers, stride, height, start, width - start);
  *last = band;
}
