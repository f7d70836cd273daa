#pragma once
#include <stdbool.h>
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

/// A colour of a screen.
struct glyphone_color {
  /// Luma in the low byte, the colour's number in the high one.
  uint16_t luma;
  /// U in the low byte, V in the high one.
  uint16_t chroma;
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
  /// By number.
  const struct glyphone_color *colors;
  /// The number of the nearest colour, or 255 where it is not known yet. The upper seven bits of u, v and y, those of u
  /// highest, make its place.
  const uint8_t *nearest;
  /// Finds the number of the nearest colour of a place.
  uint8_t (*find)(void *finder, size_t place);
  void *finder;
};

/// The samples of up to 256 colours, in halves; those of no colour are far from all others.
struct glyphone_halves {
  int16_t y[256], u[256], v[256];
};

/// The number of the colour that is nearest to one given in halves, of several the first; -1 where none is near.
/// - count: of colours; up to a multiple of 16 are looked at.
int glyphone_samples_nearest(const struct glyphone_halves *colors, int count, int y, int u, int v);

/// Pixels from one of them on, and the numbers of their colours.
struct glyphone_pixels {
  /// What is wanted; a sample of chroma is for two columns and two rows.
  const uint8_t *luma, *blue, *red;
  /// The number of the colour that the screen will show of each.
  uint8_t *numbers;
  ptrdiff_t stride, chroma_stride;
};

/// So many bands of six rows are painted at once, and so many columns of them are a tile.
enum { glyphone_bands = 16, glyphone_tile = 16 };
/// The colours of a column of a row of each of these bands, as ``glyphone_color`` has them.
struct glyphone_column {
  uint16_t luma[glyphone_bands], chroma[glyphone_bands];
};
/// A bit of what a band needs in a tile.
enum { glyphone_is_settling = 128 };

/// Paints pixels of up to sixteen bands where that is worth its bytes: with the nearest colour, or with that of a
/// neighbour in the same band that is painted, which takes fewer.
/// - pixels: where the bands begin. Tiles are read, and may be written, whole.
/// - colors: what the screen shows: for each tile, its columns of each row. A tile before the first may be read.
/// - painted: gets a byte for each column of a tile in which pixels are painted, with a bit for each such row, the
///   first lowest; bands are `stride` apart.
/// - needs: for each tile, a byte for each band: a bit for each row to be looked at, the first lowest, and
///   `glyphone_is_settling` where the price of what settles counts. Afterwards the rows with pixels that are painted.
/// - width: in columns.
/// - price: of a byte, in squared differences as above, at most 32767; half of it counts where most pixels of a row of
///   a tile are to be painted.
void glyphone_samples_paint_changes(const struct glyphone_pixels *pixels, struct glyphone_column *colors,
                                    uint8_t *painted, uint8_t *needs, int bands, int width, int price,
                                    int settling_price, const struct glyphone_palette *palette);

/// Paints all pixels of a rectangle: each with the nearest colour, or with that of the pixel to its left or, in the
/// same band of six rows, above it where the bytes that saves are worth the error.
/// - pixels: where the rectangle begins, in an even column; only the numbers of the colours that the screen will show
///   are written.
/// - is_odd: whether the first row is the second of two that share their chroma.
/// - price: of a byte, in squared differences as above.
void glyphone_samples_paint_whole(const struct glyphone_pixels *pixels, int is_odd, int width, int height,
                                  int price, const struct glyphone_palette *palette);

/// Gaps of up to this many columns are written as blanks rather than leaving the colour.
enum { glyphone_small_gap = 8 };

/// Passes over a band: more are never needed, for no stretch reaches a column that is farther than a small gap from
/// pixels of its colour, and a column has at most six colours.
enum { glyphone_passes = (6 * (glyphone_small_gap + 1) + 7) / 8 * 8 };

/// The numbers of the first and the last of the sixels of one colour that lie close together.
struct glyphone_stretch {
  uint32_t first, last;
};

/// A text of up to seven bytes is a word: the bytes, the first lowest, and in the highest byte how many they are. Of a
/// number of equal sixels: that of blanks, and what is to be added for each step of their six bits.
struct glyphone_run {
  uint64_t blank, step;
};

/// What is to be written of a band.
struct glyphone_sixels {
  /// Where the passes begin, and from number `glyphone_passes` on the sixels in order of their columns: room for six for
  /// each column.
  uint64_t *sixels;
  /// In order of their columns. Room for six for each column, and one more.
  struct glyphone_stretch *stretches;
  /// By count, up to the width.
  const struct glyphone_run *runs;
  /// The texts that choose each of 256 colours.
  const uint64_t *names;
  /// The colours that the terminal is to be told before: room for one more than there are.
  uint8_t *new_colors;
  uint32_t sixel_count, stretch_count, new_count;
};

/// Finds the sixels and stretches of the pixels of a band that are painted.
/// - numbers: of the colours, in rows `stride` apart; read up to a multiple of 32.
/// - painted: for each column a bit for each row with such a pixel, the first lowest.
/// - width: in columns, at most 4096.
void glyphone_sixels_collect(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride,
                             const uint8_t *painted, int width);

/// Finds those of all pixels of up to six rows of a band.
void glyphone_sixels_collect_all(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride, int width,
                                 int height);

/// Distributes the stretches over as few passes as will go, each of which goes from left to right, and finds the colours
/// that are new.
/// - is_new: by number; those that are found no longer are.
void glyphone_sixels_pack(struct glyphone_sixels *band, bool *is_new);

/// Writes the passes; returns the end of the text. Needs room for 19 bytes for each sixel and 32 more.
uint8_t *glyphone_sixels_write(const struct glyphone_sixels *band, uint8_t *text);

/// Has a row of luma follow another: eight samples at a time where any of them strays by more than the noise. Returns
/// whether any did.
/// - target: the row's beginning; `count` samples from `x` on follow `source`.
/// - flags: one for each 16 samples of the row, a pitch from one to the next; those of samples that follow become 1.
int glyphone_samples_follow_luma(const uint8_t *source, uint8_t *target, size_t x, size_t count, uint8_t noise,
                                 uint8_t *flags, ptrdiff_t pitch);

/// The same of a row of chroma. Two flags that lie side by side belong to each eight samples.
int glyphone_samples_follow_chroma(const uint8_t *source, uint8_t *target, size_t x, size_t count, uint8_t noise,
                                   uint8_t *flags, ptrdiff_t pitch);
