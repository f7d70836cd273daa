#pragma once
#include <stddef.h>
#include <stdint.h>

// Loops over samples for which it matters how wide the processor's vectors are. They are in C because there a function
// can be compiled for several processors, of which the loader takes the best that the machine has.

/// The weighted mean of `count` (1 or more) rows, `pitch` bytes apart.
/// - weights: one for each row; they add up to 256.
/// - width: rows may be read, and `target` written, up to a multiple of 32.
void glyphone_samples_mean(const uint8_t *rows, ptrdiff_t pitch, const uint16_t *weights, int count, uint8_t *target,
                           size_t width);

/// Turns eight rows, `pitch` bytes apart: byte `row` of word `x` becomes sample `x` of that row.
/// - width: rows may be read, and `columns` written, up to a multiple of 32.
void glyphone_samples_turn(const uint8_t *rows, size_t pitch, uint64_t *columns, size_t width);

/// The weighted means of boxes of columns, each word of which is a column of eight rows: one word for each box.
/// - firsts: the first column of each of `count` boxes.
/// - weights: `taps` for each box, one for each column from the first on, eight times each; those of a box add up to
///   256. Columns of no weight are read, too.
void glyphone_samples_boxes(const uint64_t *columns, const int32_t *firsts, const uint16_t *weights, int taps,
                            uint64_t *means, size_t count);

/// Adds up the tiles of cells, each of 8 words of luma and 4 of chroma, and tells which sums are others than the last
/// ones.
/// - sums: the last sums, one for each of `count` tiles; they are replaced.
void glyphone_samples_follow(const uint64_t *luma, const uint64_t *chroma, uint64_t *sums, uint8_t *is_changed,
                             size_t count);

/// What a tile looks like, coarsely: 16 means of 2x2 samples of luma, and of chroma those of the upper and the lower
/// half, U before V.
struct glyphone_outline {
  uint8_t luma[16];
  uint8_t chroma[4];
};

/// A unit of chroma error counts as this many of luma error: it spreads over eight of the sixteen luma samples, but
/// the eye is less keen on it.
enum { glyphone_chroma_weight = 3 };

/// Of some tiles, keeps those whose error is more than a threshold; returns how many.
/// - drawn: what each tile of the row looks like on the screen.
/// - halves: whether the means of luma are those of the upper and of the lower half.
/// - weight: of the squared difference of outlines, to make it an error.
/// - tiles: `count` numbers; those of the tiles that are kept come first afterwards.
/// - errors: the least that the error of each tile is to be; those of the tiles that are kept come first afterwards.
/// - outlines: room for `count`; those of the tiles that are kept are written to its beginning.
size_t glyphone_samples_select(const uint64_t *luma, const uint64_t *chroma, const struct glyphone_outline *drawn,
                               int halves, float weight, float threshold, int32_t *tiles, float *errors,
                               struct glyphone_outline *outlines, size_t count);

/// Sums of luma of eight tiles side by side: a tile in each lane.
struct glyphone_batch {
  /// Along the eight rows of the left half, from the top, then of the right half.
  uint16_t rows[16][8];
  /// Down the eight columns.
  uint16_t columns[8][8];
  /// Of all 64 samples.
  uint16_t total[8];
};

/// Takes the tiles of eight cells of a row.
/// - dots: whether rows are summed only over the two columns in the middle of each half, where braille dots are.
void glyphone_batch_load(const uint64_t *luma, const int32_t *cells, int dots, struct glyphone_batch *batch);

/// For each lane the highest of (sum x weight - total x other weight)^2, its lowest five bits replaced by the number
/// of the sum.
/// - sums: eight lanes each, `count` (at most 32) of them.
/// - weights: a pair for each sum.
void glyphone_batch_best(const uint16_t *sums, const uint16_t *totals, const float *weights, int count, float *best);

/// A colour as sixel painting counts it, and its samples and number in a word: luma lowest, then U, V, the number.
struct glyphone_color {
  int32_t y, u, v;
  uint32_t word;
};

/// What squared differences count in a distance, and up to where differences are counted.
enum {
  glyphone_distance_luma_weight = 5,
  glyphone_distance_chroma_weight = 4,
  glyphone_distance_farthest = 50,
  glyphone_distance_largest =
      glyphone_distance_chroma_weight * glyphone_distance_farthest * glyphone_distance_farthest
};

/// Bytes of a pixel that begins a run of sixels: to get there, to choose the colour, and itself. One that makes a run
/// longer takes one, one below a pixel of its colour takes none.
enum { glyphone_bytes_of_run = 6 };

/// The colours of a screen.
struct glyphone_palette {
  const struct glyphone_color *colors;
  /// The number of the nearest colour, or 255 where it is not known yet. The upper seven bits of u, v and y, those of u
  /// highest, make its place.
  const uint8_t *nearest;
  /// Finds the number of the nearest colour of a place.
  uint8_t (*find)(void *finder, size_t place);
  void *finder;
};

/// Up to sixteen columns of six rows of pixels, from the first of them on.
struct glyphone_pixels {
  /// What is wanted; a sample of chroma is for two columns and two rows.
  const uint8_t *luma, *blue, *red;
  /// The numbers of the colour that the screen shows, 255 where that is not known, and of the one that it will show.
  /// The pixels where these are two are painted.
  uint8_t *shown, *next;
  /// The colour that it will show.
  uint8_t *y, *u, *v;
  ptrdiff_t stride, chroma_stride;
};

/// Paints pixels where that is worth its bytes: with the nearest colour, or with that of a neighbour that is painted,
/// which takes fewer. Of every row, and of the one above, sixteen pixels and those beside them may be read.
/// - rows: a bit for each row to be looked at, the first lowest.
/// - count: columns, 1 to 16.
/// - has_left: whether there are pixels to the left.
/// - price: of a byte, in squared differences as above; half of it counts where most pixels are to be painted.
/// - Returns: a bit for each row with pixels that were painted.
uint32_t glyphone_samples_paint(const struct glyphone_pixels *pixels, uint32_t rows, int count, int has_left, int price,
                                const struct glyphone_palette *palette);

/// Paints all pixels of a rectangle: each with the nearest colour, or with that of the pixel to its left or, in the same
/// band of six rows, above it where the bytes that saves are worth the error.
/// - pixels: where the rectangle begins, in an even column; only the numbers of the colours that the screen will show
///   are written.
/// - is_odd: whether the first row is the second of two that share their chroma.
/// - price: of a byte, in squared differences as above.
void glyphone_samples_paint_whole(const struct glyphone_pixels *pixels, int is_odd, int width, int height,
                                  int price, const struct glyphone_palette *palette);
