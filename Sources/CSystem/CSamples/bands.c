#include <stdbool.h>
#include <string.h>

#include "CSamples.h"
#include "bands.h"
#include "palette.h"
#include "vectors.h"

// In a word are a pixel's luma, the number of its colour, U, and V.
enum { COLUMNS = 64 };
typedef VECTOR(uint32_t, BANDS) pixels;
typedef VECTOR(int32_t, BANDS) lanes;
typedef VECTOR(uint8_t, BANDS * sizeof(uint32_t)) samples;

#define CHOSEN(mask, a, b) (((a) & (pixels)(mask)) | ((b) & ~(pixels)(mask)))
#define APART(a, b) ((pixels)(LARGER(a, b) - SMALLER(a, b)))
#define DISTANCE(result, a, b)                                                                          \
  do {                                                                                                  \
    pixels apart = APART((samples)(a), (samples)(b));                                                   \
    lanes y = (lanes)(apart & 255), u = (lanes)(apart >> 16 & 255), v = (lanes)(apart >> 24);           \
    result = y * y * glyphone_distance_luma_weight + (u * u + v * v) * glyphone_distance_chroma_weight; \
  } while (0)

// Some columns of a row of each band: what the pixels should be, and the colours that they get.
struct columns {
  uint32_t wanted[COLUMNS][BANDS], colors[COLUMNS][BANDS];
};

// Finds the nearest colours of one band's pixels, two and two, as they share their chroma.
IN_PLACE void find_nearest(struct columns *columns, int band, const uint8_t *luma, const uint8_t *blue,
                           const uint8_t *red, int count, const struct glyphone_palette *palette) {
  for (int pair = 0; pair < count; pair += 2) {
    unsigned u = blue[pair >> 1], v = red[pair >> 1];
    for (int x = pair; x < pair + 2; x++) {
      struct glyphone_color color = palette->colors[nearest(palette, place_of(luma[x], u, v))];
      columns->wanted[x][band] = luma[x] | u << 16 | v << 24;
      columns->colors[x][band] = color.luma | (uint32_t)color.chroma << 16;
    }
  }
}

// Gives pixels their neighbour's colour where the bytes that saves are worth the error.
// - above: the colours of the row above, unless this is the first; then those of this one.
// - left: the colours of the column to the left; then those of the last one.
IN_PLACE void join(const struct columns *columns, pixels *above, pixels *left, int count, bool is_first_row,
                   int price) {
  const lanes saved = (lanes){} + (glyphone_bytes_of_run - 1) * price;
  pixels before = *left;
  for (int x = 0; x < count; x++) {
    pixels wanted = *(const pixels *)columns->wanted[x], own = *(const pixels *)columns->colors[x];
    lanes is_run = (lanes)(own == before), of_left;
    DISTANCE(of_left, wanted, before);
    lanes is_like_left = is_run | (of_left <= saved);
    pixels color = CHOSEN(is_like_left, before, own);
    if (!is_first_row) {
      lanes best = (lanes)CHOSEN(is_like_left, (pixels)of_left, (pixels)saved), of_above;
      DISTANCE(of_above, wanted, above[x]);
      // Below a pixel of its colour it takes not even the byte of a longer run.
      color = CHOSEN((of_above - price < best) & ~is_run, above[x], color);
    }
    above[x] = before = color;
  }
  *left = before;
}

// Writes the numbers of sixteen columns of colours to the rows of their bands.
IN_PLACE void store(const pixels *colors, uint8_t *const *rows, int bands, size_t count) {
  numbers turned[BANDS];
  for (int x = 0; x < BANDS; x++) turned[x] = __builtin_convertvector(colors[x] >> 8 & 255, numbers);
  turn(turned);
  for (int band = 0; band < bands; band++) {
    if (count == BANDS) *(numbers *)rows[band] = turned[band];
    else memcpy(rows[band], &turned[band], count);
  }
}

// Paints up to 96 rows.
IN_PLACE void paint_bands(const struct glyphone_pixels *image, bool is_odd, int width, int height, int price,
                          const struct glyphone_palette *palette) {
  struct columns columns = {};
  pixels above[COLUMNS] = {}, left[ROWS];
  for (int start = 0; start < width; start += COLUMNS) {
    int count = width - start < COLUMNS ? width - start : COLUMNS;
    for (int row = 0; row < ROWS && row < height; row++) {
      uint8_t *next[BANDS];
      int bands = (height - row + ROWS - 1) / ROWS;
      for (int band = 0; band < bands; band++) {
        int y = band * ROWS + row;
        ptrdiff_t place = y * image->stride + start, chroma = ((y + is_odd) >> 1) * image->chroma_stride + (start >> 1);
        next[band] = image->numbers + place;
        find_nearest(&columns, band, image->luma + place, image->blue + chroma, image->red + chroma, count, palette);
      }
      if (start == 0) left[row] = *(pixels *)columns.colors[0];
      join(&columns, above, &left[row], count, row == 0, price);
      for (int x = 0; x < count; x += BANDS) {
        store(above + x, next, bands, count - x < BANDS ? count - x : BANDS);
        for (int band = 0; band < bands; band++) next[band] += BANDS;
      }
    }
  }
}

FOR_EACH_PROCESSOR
void glyphone_samples_paint_whole(const struct glyphone_pixels *image, int is_odd, int width, int height, int price,
                                  const struct glyphone_palette *palette) {
  enum { HEIGHT = BANDS * ROWS };
  struct glyphone_pixels part = *image;
  for (int top = 0; top < height; top += HEIGHT) {
    paint_bands(&part, is_odd, width, height - top < HEIGHT ? height - top : HEIGHT, price, palette);
    part.luma += HEIGHT * part.stride;
    part.numbers += HEIGHT * part.stride;
    part.blue += HEIGHT / 2 * part.chroma_stride;
    part.red += HEIGHT / 2 * part.chroma_stride;
  }
}
