#include <string.h>

#include "CSamples.h"
#include "bands.h"
#include "sixel.h"
#include "vectors.h"

enum { COLORS = 256 };

// The last sixel of a colour with the column after it, and its stretch.
struct latest {
  int32_t end;
  uint32_t sixel, stretch, unused;
};

// Where the next sixel and stretch go.
struct pen {
  uint64_t *sixels;
  struct glyphone_stretch *stretches;
  struct latest *latest;
  uint32_t sixel, stretch;
};

// Adds a sixel to the stretch of its colour, or begins another. Which of the two it will be no processor foresees, so
// there is no branch: a stretch is always begun, and counts where it is needed.
IN_PLACE void add(struct pen *pen, int32_t column, int32_t count, uint32_t rows, uint32_t color) {
  struct latest *latest = &pen->latest[color];
  // All bits or none.
  uint32_t is_near = (uint32_t)((column - latest->end - glyphone_small_gap - 1) >> 31);
  uint32_t sixel = pen->sixel++, stretch = pen->stretch ^ ((pen->stretch ^ latest->stretch) & is_near);
  pen->sixels[latest->sixel] |= (uint64_t)(sixel & is_near) << NEXT;
  pen->sixels[sixel] = SIXEL(column, count, rows, color);
  pen->stretches[pen->stretch].first = sixel;
  pen->stretches[stretch].last = sixel;
  pen->stretch += 1 + is_near;
  latest->end = column + count;
  latest->sixel = sixel;
  latest->stretch = stretch;
}

IN_PLACE struct pen begin(const struct glyphone_sixels *band, struct latest *latest) {
  for (int color = 0; color < COLORS; color++) latest[color] = (struct latest){INT32_MIN / 2, 0, 0, 0};
  // Before the first sixel are those where the passes begin.
  memset(band->sixels, 0, glyphone_passes * sizeof *band->sixels);
  return (struct pen){band->sixels, band->stretches, latest, glyphone_passes, 0};
}

IN_PLACE void end(struct glyphone_sixels *band, const struct pen *pen) {
  band->sixel_count = pen->sixel - glyphone_passes;
  band->stretch_count = pen->stretch;
}

enum { STEP = 32 };
typedef VECTOR(uint8_t, STEP) columns;

// Adds the pixels that are painted of some columns: those of one colour in a column together.
IN_PLACE void collect(struct pen *pen, const uint8_t *numbers, ptrdiff_t stride, const uint8_t *painted,
                      int32_t first) {
  const columns bits = *(const columns *)painted;
  if (!__builtin_reduce_or(bits)) return;
  // Of the pixels of each row the colours, and the rows in which their column is painted with them from there on down.
  columns colors[ROWS], alike[ROWS], is_repeated = {};
#pragma unroll
  for (int row = 0; row < ROWS; row++) colors[row] = *(const columns *)(numbers + row * stride);
#pragma unroll
  for (int row = 0; row < ROWS; row++) {
    columns below = {};
#pragma unroll
    for (int other = row + 1; other < ROWS; other++)
      below |= (columns)(colors[row] == colors[other]) & (uint8_t)(1 << other);
    below &= (columns)((bits & (uint8_t)(1 << row)) != 0);
    is_repeated |= below;
    alike[row] = (below | (uint8_t)(1 << row)) & bits;
  }
  const columns tops = bits & ~is_repeated;
  for (int eight = 0; eight < STEP; eight += 8) {
    uint64_t left;
    memcpy(&left, (const uint8_t *)&tops + eight, sizeof left);
    for (; left != 0; left &= left - 1) {
      int top = __builtin_ctzll(left), column = eight + (top >> 3), pixel = (top & 7) * STEP + column;
      add(pen, first + column, 1, ((const uint8_t *)alike)[pixel], ((const uint8_t *)colors)[pixel]);
    }
  }
}

FOR_EACH_PROCESSOR
void glyphone_sixels_collect(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride,
                             const uint8_t *painted, int width) {
  struct latest latest[COLORS];
  struct pen pen = begin(band, latest);
  int first = 0;
  for (; first + STEP <= width; first += STEP) collect(&pen, numbers + first, stride, painted + first, first);
  if (first < width) {
    uint8_t rest[STEP] = {0};
    memcpy(rest, painted + first, (size_t)(width - first));
    collect(&pen, numbers + first, stride, rest, first);
  }
  end(band, &pen);
}

// Adds all pixels of some columns that are alike.
IN_PLACE void add_columns(struct pen *pen, const uint8_t *numbers, ptrdiff_t stride, int height, int column,
                          int count) {
  for (uint32_t left = (1u << height) - 1, rows; left != 0; left &= ~rows) {
    uint8_t color = numbers[__builtin_ctz(left) * stride + column];
    rows = 0;
    for (int row = 0; row < height; row++) rows |= (uint32_t)(numbers[row * stride + column] == color) << row;
    add(pen, column, count, rows, color);
  }
}

// A run ends where any row has another colour in the next column.
FOR_EACH_PROCESSOR
void glyphone_sixels_collect_all(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride, int width,
                                 int height) {
  struct latest latest[COLORS];
  struct pen pen = begin(band, latest);
  const uint64_t high_bits = 0x8080808080808080;
  int start = 0;
  for (int first = 0; first < width; first += 8) {
    uint64_t difference = 0;
    for (int row = 0; row < height; row++) {
      uint64_t these, next;
      memcpy(&these, numbers + row * stride + first, sizeof these);
      memcpy(&next, numbers + row * stride + first + 1, sizeof next);
      difference |= these ^ next;
    }
    // The high bit of every byte that is not 0.
    uint64_t ends = (((difference & ~high_bits) + ~high_bits) | difference) & high_bits;
    for (; ends != 0; ends &= ends - 1) {
      int stop = first + (__builtin_ctzll(ends) >> 3) + 1;
      if (stop >= width) break;
      add_columns(&pen, numbers, stride, height, start, stop - start);
      start = stop;
    }
  }
  add_columns(&pen, numbers, stride, height, start, width - start);
  end(band, &pen);
}
