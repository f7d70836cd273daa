#include <string.h>

#include "CSamples.h"
#include "vectors.h"

// Where the next sixel and stretch go.
struct pen {
  struct glyphone_sixel *sixels;
  struct glyphone_latest *latest;
  struct glyphone_stretch *stretch;
  uint32_t number;
};

// Adds pixels to the stretch of their colour, or begins another. Which of the two it will be no processor foresees, so
// there is no branch: a sixel and a stretch are always written, and count where they are needed.
// - x: the column, counted on from the bands before.
IN_PLACE void add(struct pen *pen, uint8_t color, uint32_t bits, uint16_t column, int32_t x, uint16_t count) {
  struct glyphone_latest *latest = &pen->latest[color];
  int32_t gap = x - latest->stop;
  // All bits or none.
  uint32_t is_same = gap >> 31, is_near = (gap - glyphone_small_gap - 1) >> 31;
  uint32_t number = pen->number, last = latest->sixel, following = number << 6;
  // More bits of the last sixel, or the number of the one that follows.
  pen->sixels[last].link |= (following ^ ((following ^ bits) & is_same)) & is_near;
  pen->sixels[number] = (struct glyphone_sixel){column, count, bits};
  pen->number = number + 1 + is_same;
  *pen->stretch = (struct glyphone_stretch){number, column, color};
  pen->stretch += 1 + (int32_t)is_near;
  latest->stop = x + count;
  latest->sixel = number ^ ((number ^ last) & is_same);
}

IN_PLACE struct pen begin(struct glyphone_sixels *band, size_t width) {
  band->origin += (int32_t)width + glyphone_small_gap + 1;
  return (struct pen){band->sixels, band->latest, band->stretches + 1, 0};
}

IN_PLACE void end(struct glyphone_sixels *band, const struct pen *pen) {
  band->sixel_count = pen->number;
  band->stretch_count = (uint32_t)(pen->stretch - band->stretches) - 1;
}

enum { STEP = 32 };
typedef VECTOR(uint8_t, STEP) columns;

// Takes the pixels that are painted of some columns: those of one colour below each other together.
IN_PLACE void collect(struct pen *pen, const uint8_t *const *rows, const uint8_t *painted, int32_t first,
                      int32_t origin) {
  columns bits = *(const columns *)painted, above = *(const columns *)(rows[0] + first), is_like_above = {};
  for (int row = 1; row < 6; row++) {
    columns numbers = *(const columns *)(rows[row] + first);
    is_like_above |= (columns)(numbers == above) & (uint8_t)(1 << row);
    above = numbers;
  }
  is_like_above &= bits & bits << 1;
  bits &= ~is_like_above;
  const uint8_t *like_above = (const uint8_t *)&is_like_above;
  for (int eight = 0; eight < STEP; eight += 8) {
    uint64_t tops;
    memcpy(&tops, (const uint8_t *)&bits + eight, sizeof tops);
    for (; tops != 0; tops &= tops - 1) {
      int place = __builtin_ctzll(tops), row = place & 7, column = eight + (place >> 3);
      int below = __builtin_ctz(~(like_above[column] >> (row + 1)));
      int32_t x = first + column;
      add(pen, rows[row][x], ((2u << below) - 1) << row, x, origin + x, 1);
    }
  }
}

FOR_EACH_PROCESSOR
void glyphone_sixels_collect(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride,
                             const uint8_t *painted, size_t width) {
  struct pen pen = begin(band, width);
  const uint8_t *rows[8];
  for (int row = 0; row < 8; row++) rows[row] = numbers + row * stride;
  size_t first = 0;
  for (; first + STEP <= width; first += STEP) collect(&pen, rows, painted + first, first, band->origin);
  if (first < width) {
    uint8_t rest[STEP] = {0};
    memcpy(rest, painted + first, width - first);
    collect(&pen, rows, rest, first, band->origin);
  }
  end(band, &pen);
}

// Adds all pixels of some columns that are alike.
IN_PLACE void add_columns(struct pen *pen, const uint8_t *numbers, ptrdiff_t stride, int height, int32_t origin,
                          size_t column, size_t count) {
  const uint8_t *number = numbers + column;
  uint8_t color = *number;
  uint32_t bits = 1;
  for (int row = 1; row < height; row++) {
    number += stride;
    if (*number != color) {
      add(pen, color, bits, column, origin + (int32_t)column, count);
      color = *number;
      bits = 0;
    }
    bits |= 1u << row;
  }
  add(pen, color, bits, column, origin + (int32_t)column, count);
}

// A run ends where any row has another colour in the next column.
FOR_EACH_PROCESSOR
void glyphone_sixels_collect_all(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride, size_t width,
                                 int height) {
  struct pen pen = begin(band, width);
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
      add_columns(&pen, numbers, stride, height, band->origin, start, stop - start);
      start = stop;
    }
  }
  add_columns(&pen, numbers, stride, height, band->origin, start, width - start);
  end(band, &pen);
}
