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

/// Sixteen pixels of a row, as a screen should show them.
struct glyphone_marks {
  uint8_t luma[16];
  uint8_t blue[16];
  uint8_t red[16];
  /// From what it shows; `glyphone_mark_largest` and more for larger ones.
  int16_t distances[16];
};

/// What squared differences count in a distance, and up to where differences are counted.
enum {
  glyphone_mark_luma_weight = 5,
  glyphone_mark_chroma_weight = 4,
  glyphone_mark_farthest = 50,
  glyphone_mark_largest = glyphone_mark_chroma_weight * glyphone_mark_farthest * glyphone_mark_farthest
};

/// Finds the pixels of sixteen whose distance from what a screen shows is more than a limit; returns a bit for each,
/// the first lowest. If there is one, `marks` is written, with colours that the screen can show in place of those it
/// can't.
/// - blue, red: a sample for two pixels.
/// - shown_luma, shown_blue, shown_red: what the screen shows, a sample for each pixel.
/// - limit: less than `glyphone_mark_largest`.
uint32_t glyphone_samples_mark(const uint8_t *luma, const uint8_t *blue, const uint8_t *red,
                               const uint8_t *shown_luma, const uint8_t *shown_blue, const uint8_t *shown_red,
                               int limit, struct glyphone_marks *marks);
