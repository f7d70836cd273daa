#include <stdbool.h>

#include "CSamples.h"
#include "bands.h"
#include "palette.h"
#include "vectors.h"

// In each lane is a pixel of another band: its luma and the number of its colour, or its U and V, or what it costs.
typedef VECTOR(uint16_t, BANDS) pairs;
typedef VECTOR(int16_t, BANDS) lanes;
typedef VECTOR(uint8_t, 2 * BANDS) samples;
typedef bool bits __attribute__((ext_vector_type(BANDS)));

// The colours of a column of a row of each band.
struct column {
  pairs luma, chroma;
};

#define EVERY(value) ((lanes){} + (int16_t)(value))
#define ANY(mask) (__builtin_reduce_or(mask) != 0)
#define CHOSEN(mask, a, b) (((a) & (pairs)(mask)) | ((b) & ~(pairs)(mask)))

#define APART(a, b) (LARGER((samples)(a), (samples)(b)) - SMALLER((samples)(a), (samples)(b)))
// The sums of the squares of two bytes each, at most 127.
#if defined(__x86_64__) && !defined(FOR_ANY_PROCESSOR)
// This is one instruction, as long as the compiler does not know that it could do without some of it.
typedef VECTOR(int8_t, 2 * BANDS) signs;
typedef VECTOR(int32_t, BANDS) sums;
#define EVEN(v) __builtin_shufflevector(v, v, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODD(v) __builtin_shufflevector(v, v, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define PRODUCTS(a, b) (__builtin_convertvector(a, sums) * __builtin_convertvector(b, sums))
#define SQUARES(result, bytes)                                                                                 \
  do {                                                                                                         \
    samples factors = bytes;                                                                                   \
    sums all = PRODUCTS(EVEN(factors), EVEN((signs)factors)) + PRODUCTS(ODD(factors), ODD((signs)factors));    \
    result = __builtin_convertvector(LARGER(SMALLER(all, (sums){} + INT16_MAX), (sums){} + INT16_MIN), lanes); \
  } while (0)
#else
#define SQUARES(result, bytes)                                                      \
  do {                                                                              \
    lanes low = (lanes)((pairs)(bytes) & 255), high = (lanes)((pairs)(bytes) >> 8); \
    result = low * low + high * high;                                               \
  } while (0)
#endif

// The numbers beside luma are left out.
#define DISTANCE(result, luma1, chroma1, luma2, chroma2)                                         \
  do {                                                                                           \
    lanes y = (lanes)SMALLER(APART(luma1, luma2), tile->farthest_luma), square = y * y, squares; \
    SQUARES(squares, SMALLER(APART(chroma1, chroma2), tile->farthest_chroma));                   \
    result = square * (glyphone_distance_luma_weight - glyphone_distance_chroma_weight) +        \
             (square + squares) * glyphone_distance_chroma_weight;                               \
  } while (0)

enum { COLUMNS = glyphone_tile };

// The chroma of two rows: what it adds to luma for red, green and blue, and about the least and the most luma that a
// screen can show with it.
struct chroma {
  pairs samples[COLUMNS / 2];
  lanes red[COLUMNS / 2], green[COLUMNS / 2], blue[COLUMNS / 2], least[COLUMNS / 2], most[COLUMNS / 2];
};

// What a byte costs, and up to what error there is nothing to be had from the nearest colour, as it is seldom exact.
struct price {
  lanes byte, limit;
};

// Some columns of each band.
struct tile {
  // The first one, and how many there are.
  int x, count;
  // What it shows, row by row.
  struct column *shown;
  // A bit for each row to be looked at, and one where it settles.
  numbers needs;
  // The whole one, and the half one.
  struct price price[2];
  // What is painted of each row: 0 for a painted pixel, INT16_MAX for any other, so that nothing costs less. Before the
  // columns comes the one to the left.
  lanes blocked[ROWS][COLUMNS + 1];
  // That of the last two rows that were looked at.
  struct chroma shared;
  int shared_row;
  // Where differences are no longer counted, so that a distance of three of them fits into 15 bits.
  samples farthest_luma, farthest_chroma;

  // Of a row: what it should be.
  pairs luma[COLUMNS], chroma[COLUMNS];
  // The colours so far, and their errors with the bytes that they take; none where nothing is to be painted.
  struct column own[COLUMNS];
  lanes costs[COLUMNS];
  // The nearest colours of pixels that are far from what they should be.
  pairs nearest_luma[COLUMNS], nearest_chroma[COLUMNS];
};

// The lumas of black and white, which are the range of each channel.
enum { BLACK = 16, WHITE = 235 };

// A channel that is out of its range by no more than this is left there.
enum { UNSEEN = 4 };

IN_PLACE void load_chroma(struct chroma *chroma, const uint8_t *blue, const uint8_t *red, const ptrdiff_t *starts) {
  enum { COUNT = COLUMNS / 2 };
  numbers turned[BANDS];
  for (int band = 0; band < BANDS; band++) {
    memcpy(&turned[band], blue + starts[band], COUNT);
    memcpy((uint8_t *)&turned[band] + COUNT, red + starts[band], COUNT);
  }
  turn(turned);
  for (int x = 0; x < COUNT; x++) {
    lanes u = __builtin_convertvector(turned[x], lanes), v = __builtin_convertvector(turned[x + COUNT], lanes);
    lanes r = (175 * (v - 128) + 64) >> 7, b = (222 * (u - 128) + 64) >> 7;
    lanes g = (64 - 43 * (u - 128) - 89 * (v - 128)) >> 7;
    chroma->samples[x] = (pairs)(u | v << 8);
    chroma->red[x] = r;
    chroma->green[x] = g;
    chroma->blue[x] = b;
    chroma->least[x] = BLACK - UNSEEN - SMALLER(r, SMALLER(g, b));
    chroma->most[x] = WHITE + UNSEEN - LARGER(r, LARGER(g, b));
  }
}

// What is to be added to a channel to have it in its range.
#define EXCESS(channel) (SMALLER(LARGER(channel, EVERY(BLACK)), EVERY(WHITE)) - (channel))

// Makes a colour that no screen can show the one that it shows in its place. Red, green and blue are in steps of luma.
IN_PLACE void make_displayable(struct tile *tile, int x) {
  const struct chroma *chroma = &tile->shared;
  lanes y = (lanes)tile->luma[x], u = (lanes)(tile->chroma[x] & 255), v = (lanes)(tile->chroma[x] >> 8);
  lanes r = EXCESS(y + chroma->red[x / 2]), g = EXCESS(y + chroma->green[x / 2]);
  lanes b = EXCESS(y + chroma->blue[x / 2]);
  lanes brightness = (38 * r + 75 * g + 15 * b + 64) >> 7;
  tile->luma[x] = (pairs)(y + brightness);
  u += (74 * (b - brightness) + 64) >> 7;
  v += (93 * (r - brightness) + 64) >> 7;
  tile->chroma[x] = (pairs)(u | v << 8);
}

IN_PLACE void load_luma(struct tile *tile, const uint8_t *luma, const ptrdiff_t *starts) {
  enum { COUNT = 4 };
  const struct chroma *chroma = &tile->shared;
  numbers turned[BANDS];
  for (int band = 0; band < BANDS; band++) turned[band] = *(const numbers *)(luma + starts[band]);
  turn(turned);
  for (int first = 0; first < COLUMNS; first += COUNT) {
    lanes excess = {};
    for (int x = first; x < first + COUNT; x++) {
      lanes y = __builtin_convertvector(turned[x], lanes);
      tile->luma[x] = (pairs)y;
      tile->chroma[x] = chroma->samples[x / 2];
      excess = LARGER(excess, LARGER(chroma->least[x / 2] - y, y - chroma->most[x / 2]));
    }
    if (!ANY(excess)) continue;
    for (int x = first; x < first + COUNT; x++) make_displayable(tile, x);
  }
}

#define LIMIT(price) SMALLER((glyphone_bytes_of_run + 1) * (price), glyphone_distance_largest - 1)

// Where so many of sixteen pixels are far from what they should be, something else is seen there. That stays for longer
// than noise does, and its runs are long, so that a pixel takes fewer bytes.
enum { MANY = 12 };

IN_PLACE uint16_t bits_of(const lanes *mask) {
  bits flagged = __builtin_convertvector(*mask, bits);
  uint16_t word;
  memcpy(&word, &flagged, sizeof word);
  return word;
}

// Finds how far pixels are from what they should be, and what a byte costs then; returns whether any is far.
IN_PLACE bool compare(struct tile *tile, const struct column *shown, const lanes *is_active, struct price *price) {
  lanes far_pixels = {};
  *price = tile->price[0];
  for (int x = 0; x < tile->count; x++) {
    lanes cost;
    DISTANCE(cost, tile->luma[x], tile->chroma[x], shown[x].luma, shown[x].chroma);
    cost &= *is_active;
    // What is larger is perhaps larger than can be told.
    tile->costs[x] = SMALLER(cost, EVERY(glyphone_distance_largest));
    far_pixels -= cost > price->limit;
  }
  for (int x = tile->count; x < COLUMNS; x++) tile->costs[x] = (lanes){};
  if (!ANY(far_pixels)) return false;
  lanes is_half = far_pixels >= MANY;
  price->byte = (lanes)CHOSEN(is_half, (pairs)tile->price[1].byte, (pairs)price->byte);
  price->limit = (lanes)CHOSEN(is_half, (pairs)tile->price[1].limit, (pairs)price->limit);
  return true;
}

// Takes a colour where it costs less than the best one so far.
#define TAKE(color, cost, is_better)                          \
  do {                                                        \
    lanes is_taken = is_better;                               \
    best = (lanes)CHOSEN(is_taken, (pairs)cost, (pairs)best); \
    own.luma = CHOSEN(is_taken, color.luma, own.luma);        \
    own.chroma = CHOSEN(is_taken, color.chroma, own.chroma);  \
  } while (0)

// Columns of all rows of a tile: so far away is what the tile before it shows.
enum { SIZE = ROWS * COLUMNS };

// Paints with the colours of the row above.
// - blocked: of the pixels above.
IN_PLACE void paint_like_above(struct tile *tile, const struct column *shown, const lanes *blocked) {
  for (int x = 0; x < tile->count; x++) {
    struct column own = shown[x], above = shown[x - COLUMNS];
    lanes best = tile->costs[x], cost;
    // Below a pixel of its colour one takes not even the byte of a longer run.
    DISTANCE(cost, tile->luma[x], tile->chroma[x], above.luma, above.chroma);
    cost |= blocked[x];
    TAKE(above, cost, cost < best);
    tile->own[x] = own;
    tile->costs[x] = best;
  }
}

// Finds the nearest colours of the pixels that are far from what they should be.
IN_PLACE void find_nearest(struct tile *tile, const struct price *price, const struct glyphone_palette *palette) {
  const uint16_t *luma = (uint16_t *)tile->luma, *chroma = (uint16_t *)tile->chroma;
  uint16_t *nearest_luma = (uint16_t *)tile->nearest_luma, *nearest_chroma = (uint16_t *)tile->nearest_chroma;
  for (int x = 0; x < COLUMNS; x += 4) {
    // A word of the pixels of four columns.
    uint64_t far = 0;
    for (int column = 0; column < 4; column++) {
      lanes is_far = tile->costs[x + column] > price->limit;
      far |= (uint64_t)bits_of(&is_far) << column * BANDS;
    }
    for (; far != 0; far &= far - 1) {
      int place = x * BANDS + __builtin_ctzll(far);
      size_t slot = place_of(luma[place], chroma[place] & 255, chroma[place] >> 8);
      struct glyphone_color color = palette->colors[nearest(palette, slot)];
      nearest_luma[place] = color.luma;
      nearest_chroma[place] = color.chroma;
    }
  }
}

// Paints with the nearest colours of pixels that are far, or those of the pixels to the left; returns whether it paints
// any.
// - owns: the colours so far.
// - blocked: of the pixels; those before the first are known.
// - painted: the numbers of the colours.
IN_PLACE bool paint_along(const struct tile *tile, struct column *shown, const struct column *owns, lanes *blocked,
                          const struct price *price, numbers *painted) {
  const lanes run = SMALLER(price->byte, EVERY(INT16_MAX / glyphone_bytes_of_run)) * glyphone_bytes_of_run;
  pairs any = {};
  lanes is_blocked = blocked[-1];
  struct column left = shown[COLUMNS - 1 - SIZE];
  for (int x = 0; x < tile->count; x++) {
    pairs luma = tile->luma[x], chroma = tile->chroma[x];
    struct column own = owns[x], nearest = {tile->nearest_luma[x], tile->nearest_chroma[x]};
    lanes best = tile->costs[x], cost;
    DISTANCE(cost, luma, chroma, nearest.luma, nearest.chroma);
    cost = SMALLER(__builtin_elementwise_add_sat(cost, run), EVERY(glyphone_distance_largest - 1));
    TAKE(nearest, cost, (cost < best) & (best > price->limit));
    // What it costs then nobody asks.
    DISTANCE(cost, luma, chroma, left.luma, left.chroma);
    const lanes is_like_left = (cost | is_blocked) < best - price->byte;
    own.luma = CHOSEN(is_like_left, left.luma, own.luma);
    own.chroma = CHOSEN(is_like_left, left.chroma, own.chroma);
    pairs difference = (own.luma ^ shown[x].luma) | (own.chroma ^ shown[x].chroma);
    any |= difference;
    blocked[x] = is_blocked = (lanes)(difference == 0) & INT16_MAX;
    left = shown[x] = own;
    painted[x] = __builtin_convertvector(own.luma >> 8, numbers);
  }
  for (int x = tile->count; x < COLUMNS; x++) painted[x] = __builtin_convertvector(shown[x].luma >> 8, numbers);
  return ANY(any);
}

// The bands, of which there may be fewer.
struct bands {
  const struct glyphone_pixels *pixels;
  const struct glyphone_palette *palette;
  int count;
  // From the first of them to each.
  ptrdiff_t rows[BANDS], chroma[BANDS], painted[BANDS];
  // Of what changes, and of what has stood still; each the whole one and the half one.
  struct price prices[4];
};

IN_PLACE void store(const struct bands *bands, numbers *columns, uint8_t *rows, const ptrdiff_t *starts) {
  turn(columns);
  for (int band = 0; band < bands->count; band++) *(numbers *)(rows + starts[band]) = columns[band];
}

IN_PLACE void load(const struct bands *bands, struct tile *tile, int row) {
  const struct glyphone_pixels *pixels = bands->pixels;
  if (tile->shared_row != row / 2) {
    ptrdiff_t start = row / 2 * pixels->chroma_stride + tile->x / 2;
    load_chroma(&tile->shared, pixels->blue + start, pixels->red + start, bands->chroma);
    tile->shared_row = row / 2;
  }
  load_luma(tile, pixels->luma + row * pixels->stride + tile->x, bands->rows);
}

// Paints a row of a tile; returns whether it paints any of it.
// - is_above_painted: whether any of the row above is painted.
IN_PLACE bool paint_row(const struct bands *bands, struct tile *tile, int row, bool is_above_painted) {
  const lanes is_active = __builtin_convertvector((tile->needs >> row & 1) != 0, lanes);
  if (!ANY(is_active)) return false;
  lanes *blocked = tile->blocked[row] + 1;
  load(bands, tile, row);
  struct column *shown = tile->shown + row * COLUMNS;
  struct price price;
  if (!compare(tile, shown, &is_active, &price) && !is_above_painted && !ANY(blocked[-1] ^ INT16_MAX)) return false;
  if (is_above_painted) paint_like_above(tile, shown, tile->blocked[row - 1] + 1);
  find_nearest(tile, &price, bands->palette);
  numbers painted[COLUMNS];
  if (!paint_along(tile, shown, is_above_painted ? tile->own : shown, blocked, &price, painted)) return false;
  store(bands, painted, bands->pixels->numbers + row * bands->pixels->stride + tile->x, bands->rows);
  return true;
}

// Notes which pixels of a tile are painted, as bits of rows; returns those of each band.
IN_PLACE numbers note(const struct bands *bands, const struct tile *tile, uint8_t *painted) {
  numbers columns[COLUMNS], any = {};
  for (int x = 0; x < COLUMNS; x++) {
    lanes rows = {};
    for (int row = 0; row < ROWS; row++) rows |= ~tile->blocked[row][x + 1] & EVERY(1 << row);
    columns[x] = __builtin_convertvector(rows, numbers);
    any |= columns[x];
  }
  store(bands, columns, painted + tile->x, bands->painted);
  return any;
}

IN_PLACE numbers paint_tile(const struct bands *bands, struct tile *tile, uint8_t *painted) {
  const lanes is_settling = __builtin_convertvector((tile->needs & glyphone_is_settling) != 0, lanes);
  for (int half = 0; half < 2; half++) {
    const struct price *change = &bands->prices[half], *settling = &bands->prices[half + 2];
    tile->price[half].byte = (lanes)CHOSEN(is_settling, (pairs)settling->byte, (pairs)change->byte);
    tile->price[half].limit = (lanes)CHOSEN(is_settling, (pairs)settling->limit, (pairs)change->limit);
  }
  tile->shared_row = -1;
  bool is_any_painted = false, is_above_painted = false;
  for (int row = 0; row < ROWS; row++) {
    is_above_painted |= row > 0 && ANY(tile->blocked[row - 1][0] ^ INT16_MAX);
    is_above_painted = paint_row(bands, tile, row, is_above_painted);
    is_any_painted |= is_above_painted;
  }
  return is_any_painted ? note(bands, tile, painted) : (numbers){};
}

IN_PLACE struct bands bands_of(const struct glyphone_pixels *pixels, int count, int price, int settling_price,
                               const struct glyphone_palette *palette) {
  struct bands bands = {.pixels = pixels, .palette = palette, .count = count};
  for (int band = 0; band < count; band++) {
    bands.rows[band] = band * ROWS * pixels->stride;
    bands.chroma[band] = band * (ROWS / 2) * pixels->chroma_stride;
    bands.painted[band] = band * pixels->stride;
  }
  for (int kind = 0; kind < 4; kind++) {
    int byte = (kind < 2 ? price : settling_price) >> (kind & 1);
    bands.prices[kind] = (struct price){EVERY(byte), EVERY(LIMIT(byte))};
  }
  return bands;
}

FOR_EACH_PROCESSOR
void glyphone_samples_paint_changes(const struct glyphone_pixels *pixels, struct glyphone_column *colors,
                                    uint8_t *painted, uint8_t *needs, int count, int width, int price,
                                    int settling_price, const struct glyphone_palette *palette) {
  struct bands bands = bands_of(pixels, count, price, settling_price, palette);
  // What the compiler does not know (see SQUARES).
  volatile uint8_t farthest = glyphone_distance_farthest;
  struct tile tile = {.farthest_chroma = (samples){} + farthest};
  tile.farthest_luma = (samples)((pairs)tile.farthest_chroma & 255);
  for (int x = 0; x < width; x += COLUMNS, needs += BANDS) {
    // The last column is the one to the left now.
    for (int row = 0; row < ROWS; row++) {
      tile.blocked[row][0] = x > 0 ? tile.blocked[row][COLUMNS] : EVERY(INT16_MAX);
      for (int column = 1; column <= COLUMNS; column++) tile.blocked[row][column] = EVERY(INT16_MAX);
    }
    tile.needs = *(numbers *)needs;
    if (!ANY(tile.needs)) continue;
    tile.x = x;
    tile.count = SMALLER(width - x, (int)COLUMNS);
    tile.shown = (struct column *)colors + x / COLUMNS * SIZE;
    *(numbers *)needs = paint_tile(&bands, &tile, painted);
  }
}
