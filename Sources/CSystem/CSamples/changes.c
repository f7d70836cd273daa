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

#define LARGER(a, b) __builtin_elementwise_max(a, b)
#define SMALLER(a, b) __builtin_elementwise_min(a, b)
#define EVERY(value) ((lanes){} + (int16_t)(value))
#define ANY(mask) (__builtin_reduce_or(mask) != 0)
#define CHOSEN(mask, a, b) (((a) & (pairs)(mask)) | ((b) & ~(pairs)(mask)))

#define APART(a, b) (LARGER((samples)(a), (samples)(b)) - SMALLER((samples)(a), (samples)(b)))
// The sums of the squares of two bytes each, at most 127.
#if defined(__x86_64__)
// This is one instruction, as long as the compiler does not know that it could do without some of it.
typedef VECTOR(int8_t, 2 * BANDS) signs;
typedef VECTOR(int32_t, BANDS) sums;
#define EVEN(v) __builtin_shufflevector(v, v, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODD(v) __builtin_shufflevector(v, v, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define PRODUCTS(a, b) (__builtin_convertvector(a, sums) * __builtin_convertvector(b, sums))
#define SQUARES(result, bytes)                                                                                  \
  do {                                                                                                          \
    samples factors = bytes;                                                                                    \
    sums all = PRODUCTS(EVEN(factors), EVEN((signs)factors)) + PRODUCTS(ODD(factors), ODD((signs)factors));     \
    result = __builtin_convertvector(LARGER(SMALLER(all, (sums){} + INT16_MAX), (sums){} + INT16_MIN), lanes);  \
  } while (0)
#else
#define SQUARES(result, bytes)                                                  \
  do {                                                                          \
    lanes low = (lanes)((pairs)(bytes) & 255), high = (lanes)((pairs)(bytes) >> 8); \
    result = low * low + high * high;                                           \
  } while (0)
#endif

// The numbers beside luma are left out.
#define DISTANCE(result, luma1, chroma1, luma2, chroma2)                                        \
  do {                                                                                          \
    lanes y = (lanes)SMALLER(APART(luma1, luma2), tile->farthest_luma), square = y * y, squares; \
    SQUARES(squares, SMALLER(APART(chroma1, chroma2), tile->farthest_chroma));                  \
    result = square * (glyphone_distance_luma_weight - glyphone_distance_chroma_weight) +       \
             (square + squares) * glyphone_distance_chroma_weight;                              \
  } while (0)

// Sixteen columns of a row of each band.
struct tile {
  // Where differences are no longer counted, so that a distance of three of them fits into 15 bits.
  samples farthest_luma, farthest_chroma;
  // What they should be.
  pairs luma[glyphone_tile], chroma[glyphone_tile];
  // The error of the colours they have so far, with the bytes that they take; 0 where nothing is to be painted.
  lanes costs[glyphone_tile];
  struct column own[glyphone_tile];
  // Bits of the pixels that are far from what they should be, and for these their nearest colours.
  uint16_t far[glyphone_tile];
  pairs nearest_luma[glyphone_tile], nearest_chroma[glyphone_tile];
};

// The chroma of two rows: what it adds to luma for red, green and blue, and the least and the most luma that a screen
// can show with it.
struct chroma {
  pairs samples[glyphone_tile / 2];
  lanes red[glyphone_tile / 2], green[glyphone_tile / 2], blue[glyphone_tile / 2];
  lanes least[glyphone_tile / 2], most[glyphone_tile / 2];
};

// The lumas of black and white, which are the range of each channel.
enum { BLACK = 16, WHITE = 235 };

IN_PLACE void load_chroma(struct chroma *chroma, const uint8_t *blue, const uint8_t *red, const ptrdiff_t *starts) {
  enum { COUNT = glyphone_tile / 2 };
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
    chroma->least[x] = BLACK - SMALLER(r, SMALLER(g, b));
    chroma->most[x] = WHITE - LARGER(r, LARGER(g, b));
  }
}

// What is to be added to a channel to have it in its range.
#define EXCESS(channel) (SMALLER(LARGER(channel, EVERY(BLACK)), EVERY(WHITE)) - (channel))

// Makes a colour that no screen can show the one that it shows in its place. Red, green and blue are in steps of luma.
IN_PLACE void make_displayable(struct tile *tile, int x, const struct chroma *chroma) {
  lanes y = (lanes)tile->luma[x], u = (lanes)(tile->chroma[x] & 255), v = (lanes)(tile->chroma[x] >> 8);
  lanes r = EXCESS(y + chroma->red[x / 2]), g = EXCESS(y + chroma->green[x / 2]);
  lanes b = EXCESS(y + chroma->blue[x / 2]);
  lanes brightness = (38 * r + 75 * g + 15 * b + 64) >> 7;
  tile->luma[x] = (pairs)(y + brightness);
  u += (74 * (b - brightness) + 64) >> 7;
  v += (93 * (r - brightness) + 64) >> 7;
  tile->chroma[x] = (pairs)(u | v << 8);
}

IN_PLACE void load(struct tile *tile, const struct chroma *chroma, const uint8_t *luma, const ptrdiff_t *starts) {
  enum { COUNT = 4 };
  numbers turned[BANDS];
  for (int band = 0; band < BANDS; band++) turned[band] = *(const numbers *)(luma + starts[band]);
  turn(turned);
  for (int first = 0; first < glyphone_tile; first += COUNT) {
    lanes excess = {};
    for (int x = first; x < first + COUNT; x++) {
      lanes y = __builtin_convertvector(turned[x], lanes);
      tile->luma[x] = (pairs)y;
      tile->chroma[x] = chroma->samples[x / 2];
      excess = LARGER(excess, LARGER(chroma->least[x / 2] - y, y - chroma->most[x / 2]));
    }
    if (!ANY(excess)) continue;
    for (int x = first; x < first + COUNT; x++) make_displayable(tile, x, chroma);
  }
}

// What a byte costs, and up to what error there is nothing to be had from the nearest colour, as it is seldom exact.
struct price {
  lanes byte, limit;
};

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

// Finds the pixels that are far from what they should be.
// - price: the whole one, and the half one; afterwards the first is the one that counts.
IN_PLACE bool compare(struct tile *tile, const struct column *shown, int count, const lanes *is_active,
                      struct price *price) {
  lanes far_pixels = {};
  memset(tile->far, 0, sizeof tile->far);
  for (int x = 0; x < count; x++) {
    lanes cost;
    DISTANCE(cost, tile->luma[x], tile->chroma[x], shown[x].luma, shown[x].chroma);
    cost &= *is_active;
    // What is larger is perhaps larger than can be told.
    tile->costs[x] = SMALLER(cost, EVERY(glyphone_distance_largest));
    lanes is_far = cost > price->limit;
    far_pixels -= is_far;
    tile->far[x] = bits_of(&is_far);
  }
  if (!ANY(far_pixels)) return false;
  lanes is_half = far_pixels >= MANY;
  if (ANY(is_half)) {
    price[0].byte = (lanes)CHOSEN(is_half, (pairs)price[1].byte, (pairs)price[0].byte);
    price[0].limit = (lanes)CHOSEN(is_half, (pairs)price[1].limit, (pairs)price[0].limit);
    for (int x = 0; x < count; x++) {
      lanes is_far = tile->costs[x] > price->limit;
      tile->far[x] = bits_of(&is_far);
    }
  }
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
// - blocked: INT16_MAX where the neighbour that has the colour is not painted.
#define TAKE_NEIGHBOUR(color, blocked, price)                             \
  do {                                                                    \
    lanes cost;                                                           \
    DISTANCE(cost, luma, chroma, color.luma, color.chroma);               \
    cost = __builtin_elementwise_add_sat(cost, price) | (blocked);        \
    TAKE(color, cost, cost < best);                                       \
  } while (0)

// Paints with the colours of the row above, and finds what is far then.
// - corner: the pixel above and to the left of the first.
// - blocked: for the pixels above, and the ones beside: 0 where it is painted, INT16_MAX elsewhere.
IN_PLACE void paint_like_above(struct tile *tile, const struct column *shown, const struct column *corner,
                               const lanes *blocked, int count, const struct price *price) {
  struct column before = *corner, above = shown[-glyphone_tile];
  for (int x = 0; x < count; x++) {
    pairs luma = tile->luma[x], chroma = tile->chroma[x];
    struct column own = shown[x], next = shown[x + 1 - glyphone_tile];
    lanes best = tile->costs[x];
    lanes cost_above, cost_before, cost_next;
    DISTANCE(cost_above, luma, chroma, above.luma, above.chroma);
    DISTANCE(cost_before, luma, chroma, before.luma, before.chroma);
    DISTANCE(cost_next, luma, chroma, next.luma, next.chroma);
    cost_above |= blocked[x];
    cost_before = __builtin_elementwise_add_sat(cost_before, price->byte) | blocked[x - 1];
    cost_next = __builtin_elementwise_add_sat(cost_next, price->byte) | blocked[x + 1];
    TAKE(above, cost_above, cost_above < best);
    lanes is_next = cost_next < cost_before;
    struct column beside = {CHOSEN(is_next, next.luma, before.luma), CHOSEN(is_next, next.chroma, before.chroma)};
    lanes cost_beside = SMALLER(cost_next, cost_before);
    TAKE(beside, cost_beside, cost_beside < best);
    tile->own[x] = own;
    tile->costs[x] = best;
    lanes is_far = best > price->limit;
    tile->far[x] = bits_of(&is_far);
    before = above;
    above = next;
  }
}

// Finds the nearest colours of the pixels that are far from what they should be.
IN_PLACE void find_nearest(struct tile *tile, const struct glyphone_palette *palette) {
  const uint16_t *luma = (uint16_t *)tile->luma, *chroma = (uint16_t *)tile->chroma;
  uint16_t *nearest_luma = (uint16_t *)tile->nearest_luma, *nearest_chroma = (uint16_t *)tile->nearest_chroma;
  for (int x = 0; x < glyphone_tile; x += 4) {
    // A word of the pixels of four columns.
    uint64_t far;
    memcpy(&far, &tile->far[x], sizeof far);
    for (; far != 0; far &= far - 1) {
      int place = x * BANDS + __builtin_ctzll(far);
      unsigned u = chroma[place] & 255, v = chroma[place] >> 8;
      struct glyphone_color color = palette->colors[nearest(palette, place_of(luma[place], u, v))];
      nearest_luma[place] = color.luma;
      nearest_chroma[place] = color.chroma;
    }
  }
}

// Paints a row of each band with the nearest colours of pixels that are far, or those of the pixels to the left.
// - blocked: for the columns, and the one to their left: 0 where a pixel is painted, INT16_MAX elsewhere.
// - beside: the pixel to the left of the first.
IN_PLACE bool paint_row(const struct tile *tile, struct column *shown, const struct column *owns,
                        const struct column *beside, lanes *blocked, int count, const struct price *price,
                        numbers *painted) {
  const lanes run = SMALLER(price->byte, EVERY(INT16_MAX / glyphone_bytes_of_run)) * glyphone_bytes_of_run;
  pairs any = {};
  lanes is_blocked = blocked[-1];
  struct column left = *beside;
  for (int x = 0; x < count; x++) {
    pairs luma = tile->luma[x], chroma = tile->chroma[x];
    struct column own = owns[x], nearest = {tile->nearest_luma[x], tile->nearest_chroma[x]};
    lanes best = tile->costs[x], cost;
    DISTANCE(cost, luma, chroma, nearest.luma, nearest.chroma);
    cost = SMALLER(__builtin_elementwise_add_sat(cost, run), EVERY(glyphone_distance_largest - 1));
    TAKE(nearest, cost, (cost < best) & (best > price->limit));
    // What it would cost then nobody asks.
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
  return ANY(any);
}

// In columns of a row of each band.
enum { SIZE = ROWS * glyphone_tile };

// Sixteen columns of sixteen bands.
struct place {
  const uint8_t *luma, *blue, *red;
  uint8_t *numbers, *painted;
  struct column *shown;
};

// What is painted of the rows of a tile, and of the column to its left; the last column is no tile's yet.
struct blocked {
  lanes rows[ROWS][glyphone_tile + 2];
};

IN_PLACE void block(lanes *row) {
  for (int x = 1; x < glyphone_tile + 2; x++) row[x] = EVERY(INT16_MAX);
}

IN_PLACE void store(numbers *columns, uint8_t *rows, const ptrdiff_t *starts, int bands) {
  turn(columns);
  for (int band = 0; band < bands; band++) *(numbers *)(rows + starts[band]) = columns[band];
}

// Notes which pixels are painted, as bits of rows.
IN_PLACE numbers note(const struct blocked *blocked, uint8_t *painted, const ptrdiff_t *starts, int bands) {
  numbers columns[glyphone_tile], any = {};
  for (int x = 0; x < glyphone_tile; x++) {
    lanes rows = {};
    for (int row = 0; row < ROWS; row++) rows |= ~blocked->rows[row][x + 1] & EVERY(1 << row);
    columns[x] = __builtin_convertvector(rows, numbers);
    any |= columns[x];
  }
  store(columns, painted, starts, bands);
  return any;
}

struct starts {
  ptrdiff_t rows[BANDS], chroma[BANDS], painted[BANDS];
};

IN_PLACE numbers paint_tile(struct tile *tile, struct place place, const struct glyphone_pixels *pixels, const struct starts *starts,
                            numbers needs, struct blocked *blocked, int bands, int count, const struct price *prices,
                            const struct glyphone_palette *palette) {
  // The one of what has stood still comes after the other.
  const lanes is_settling = __builtin_convertvector((needs & glyphone_is_settling) != 0, lanes);
  struct price price[2];
  for (int half = 0; half < 2; half++) {
    price[half].byte = (lanes)CHOSEN(is_settling, (pairs)prices[half + 2].byte, (pairs)prices[half].byte);
    price[half].limit = (lanes)CHOSEN(is_settling, (pairs)prices[half + 2].limit, (pairs)prices[half].limit);
  }
  struct chroma chroma;
  bool is_any_painted = false, is_above_painted = false;
  int chroma_row = -1;
  for (int row = 0; row < ROWS; row++) {
    lanes *own = blocked->rows[row], *above = row > 0 ? blocked->rows[row - 1] : NULL;
    if (row > 0 && !is_above_painted && ANY(above[0] ^ INT16_MAX)) is_above_painted = true;
    const lanes is_active = __builtin_convertvector((needs >> row & 1) != 0, lanes);
    block(own);
    bool is_painted = false;
    if (ANY(is_active)) {
      if (chroma_row != row / 2) {
        chroma_row = row / 2;
        ptrdiff_t start = chroma_row * pixels->chroma_stride;
        load_chroma(&chroma, place.blue + start, place.red + start, starts->chroma);
      }
      load(tile, &chroma, place.luma + row * pixels->stride, starts->rows);
      // The last column of the tile before is as far from the tile as a tile is large.
      struct column *shown = place.shown + row * glyphone_tile, *beside = shown + glyphone_tile - 1 - SIZE;
      struct price row_price[2] = {price[0], price[1]};
      bool is_far = compare(tile, shown, count, &is_active, row_price);
      if (is_far || is_above_painted || ANY(own[0] ^ INT16_MAX)) {
        if (is_above_painted)
          paint_like_above(tile, shown, beside - glyphone_tile, above + 1, count, row_price);
        find_nearest(tile, palette);
        numbers columns[glyphone_tile];
        for (int x = count; x < glyphone_tile; x++) columns[x] = __builtin_convertvector(shown[x].luma >> 8, numbers);
        is_painted = paint_row(tile, shown, is_above_painted ? tile->own : shown, beside, own + 1, count, row_price,
                               columns);
        if (is_painted) store(columns, place.numbers + row * pixels->stride, starts->rows, bands);
      }
    }
    is_any_painted |= is_painted;
    is_above_painted = is_painted;
  }
  numbers any = {};
  if (is_any_painted) any = note(blocked, place.painted, starts->painted, bands);
  for (int row = 0; row < ROWS; row++) blocked->rows[row][0] = blocked->rows[row][glyphone_tile];
  return any;
}

FOR_EACH_PROCESSOR
void glyphone_samples_paint_changes(const struct glyphone_pixels *pixels, struct glyphone_column *colors,
                                    uint8_t *painted, uint8_t *needs, int bands, int width, int price,
                                    int settling_price, const struct glyphone_palette *palette) {
  struct starts starts = {};
  for (int band = 0; band < bands; band++) {
    starts.rows[band] = band * ROWS * pixels->stride;
    starts.chroma[band] = band * (ROWS / 2) * pixels->chroma_stride;
    starts.painted[band] = band * pixels->stride;
  }
  struct price prices[4];
  for (int kind = 0; kind < 4; kind++) {
    int byte = (kind < 2 ? price : settling_price) >> (kind & 1);
    prices[kind].byte = EVERY(byte);
    prices[kind].limit = EVERY(LIMIT(byte));
  }
  // What the compiler does not know (see SQUARES).
  volatile uint8_t farthest = glyphone_distance_farthest;
  struct tile tile = {.farthest_chroma = (samples){} + farthest};
  tile.farthest_luma = (samples)((pairs)tile.farthest_chroma & 255);
  struct blocked blocked;
  for (int row = 0; row < ROWS; row++) blocked.rows[row][0] = EVERY(INT16_MAX);
  for (int x = 0; x < width; x += glyphone_tile, needs += BANDS) {
    if (!ANY(*(numbers *)needs)) {
      for (int row = 0; row < ROWS; row++) blocked.rows[row][0] = EVERY(INT16_MAX);
      continue;
    }
    struct place place = {pixels->luma + x,    pixels->blue + x / 2, pixels->red + x / 2, pixels->numbers + x,
                          painted + x, (struct column *)colors + x / glyphone_tile * SIZE};
    *(numbers *)needs = paint_tile(&tile, place, pixels, &starts, *(numbers *)needs, &blocked, bands,
                                   width - x < glyphone_tile ? width - x : glyphone_tile, prices, palette);
  }
}
