#include <stdbool.h>

#include "CSamples.h"
#include "palette.h"
#include "vectors.h"

typedef VECTOR(uint8_t, 16) samples;
typedef VECTOR(int8_t, 16) sample_mask;
typedef VECTOR(uint8_t, 8) few_samples;
typedef VECTOR(int16_t, 16) lanes;
typedef bool bits __attribute__((ext_vector_type(16)));

#define LARGER(a, b) __builtin_elementwise_max(a, b)
#define SMALLER(a, b) __builtin_elementwise_min(a, b)
#define AT(bytes) (*(samples *)(bytes))
#define WIDE(vector) __builtin_convertvector(vector, lanes)
// Each of eight samples twice.
#define DOUBLED(bytes)                                                                                                \
  __builtin_convertvector(__builtin_shufflevector(*(const few_samples *)(bytes), *(const few_samples *)(bytes), 0, 0, \
                                                  1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),                          \
                          lanes)
#define ANY(mask) (__builtin_reduce_or(mask) != 0)
#define CHOSEN(mask, a, b) (((a) & (mask)) | ((b) & ~(mask)))

// Differences are counted up to the farthest, so that a distance of three of them fits into 15 bits.
#define SQUARE(result, a, b)                                                             \
  do {                                                                                   \
    lanes apart = SMALLER(LARGER(a - b, b - a), (lanes){} + glyphone_distance_farthest); \
    result = apart * apart;                                                              \
  } while (0)
#define DISTANCE(result, y1, u1, v1, y2, u2, v2)                                                                 \
  do {                                                                                                           \
    lanes y_square, u_square, v_square;                                                                          \
    SQUARE(y_square, y1, y2);                                                                                    \
    SQUARE(u_square, u1, u2);                                                                                    \
    SQUARE(v_square, v1, v2);                                                                                    \
    result = y_square * glyphone_distance_luma_weight + (u_square + v_square) * glyphone_distance_chroma_weight; \
  } while (0)

// The lumas of black and white, which are the range of each channel.
enum { BLACK = 16, WHITE = 235 };
#define EXCESS(channel) (SMALLER(LARGER(channel, (lanes){} + BLACK), (lanes){} + WHITE) - channel)
// Colours that no screen can show become those that it shows in their place. Red, green and blue are in steps of luma;
// what is to be added to have each in its range is nothing where they are.
#define MAKE_DISPLAYABLE(is_changed)                                                                         \
  do {                                                                                                       \
    lanes red_channel = y + ((175 * (v - 128) + 64) >> 7), blue_channel = y + ((222 * (u - 128) + 64) >> 7); \
    lanes green_channel = y + ((64 - 43 * (u - 128) - 89 * (v - 128)) >> 7);                                 \
    lanes r = EXCESS(red_channel), g = EXCESS(green_channel), b = EXCESS(blue_channel);                      \
    is_changed = ANY(r | g | b);                                                                             \
    if (!is_changed) break;                                                                                  \
    lanes brightness = (38 * r + 75 * g + 15 * b + 64) >> 7;                                                 \
    y += brightness;                                                                                         \
    u += (74 * (b - brightness) + 64) >> 7;                                                                  \
    v += (93 * (r - brightness) + 64) >> 7;                                                                  \
  } while (0)

// Sixteen pixels of a row.
struct row {
  const uint8_t *luma, *blue, *red;
  uint8_t *shown, *next, *y, *u, *v;
};

// What they should be, and what each costs so far: its error, and the bytes it takes.
struct wanted {
  int16_t y[16], u[16], v[16], costs[16];
};

IN_PLACE int exact_distance(const struct wanted *wanted, int x, int y, int u, int v) {
  int dy = wanted->y[x] - y, du = wanted->u[x] - u, dv = wanted->v[x] - v;
  return glyphone_distance_luma_weight * dy * dy + glyphone_distance_chroma_weight * (du * du + dv * dv);
}

IN_PLACE uint16_t bits_of(const int16_t *flags) {
  bits flagged = __builtin_convertvector(*(const lanes *)flags, bits);
  uint16_t word;
  __builtin_memcpy(&word, &flagged, sizeof word);
  return word;
}

IN_PLACE bool is_painted(struct row row, int x) { return row.next[x] != row.shown[x]; }

IN_PLACE void paint(struct row row, int x, uint8_t number, int y, int u, int v) {
  row.next[x] = number;
  // The same number, but the colour it has now.
  if (row.shown[x] == number) row.shown[x] = NONE;
  row.y[x] = y;
  row.u[x] = u;
  row.v[x] = v;
}

// Paints pixels with the nearest colour where that is worth the bytes of a run.
IN_PLACE bool paint_nearest(struct row row, uint16_t marks, struct wanted *wanted, int price,
                            const struct glyphone_palette *palette) {
  bool any = false;
  for (; marks != 0; marks &= marks - 1) {
    int x = __builtin_ctz(marks);
    uint8_t number = nearest(palette, place_of(wanted->y[x], wanted->u[x], wanted->v[x]));
    struct glyphone_color color = palette->colors[number];
    int cost = exact_distance(wanted, x, color.y, color.u, color.v) + price;
    int cost_so_far = wanted->costs[x];
    // It is perhaps larger than can be told.
    if (cost_so_far >= glyphone_distance_largest)
      cost_so_far = exact_distance(wanted, x, row.y[x], row.u[x], row.v[x]);
    if (cost >= cost_so_far) continue;
    wanted->costs[x] = SMALLER(cost, INT16_MAX);
    paint(row, x, number, color.y, color.u, color.v);
    any = true;
  }
  return any;
}

// Makes runs longer: paints pixels with the colours of those to their left. One that is painted so may be a better
// neighbour than it was.
IN_PLACE bool paint_like_left(struct row row, uint16_t marks, const struct wanted *wanted, int price) {
  bool any = false;
  while (marks != 0) {
    int x = __builtin_ctz(marks);
    marks &= marks - 1;
    if (exact_distance(wanted, x, row.y[x - 1], row.u[x - 1], row.v[x - 1]) + price >= wanted->costs[x]) continue;
    paint(row, x, row.next[x - 1], row.y[x - 1], row.u[x - 1], row.v[x - 1]);
    marks |= (uint16_t)(2u << x);
    any = true;
  }
  return any;
}

// Finds the pixels of which a neighbour is painted with a colour that costs less than they do so far.
#define COMPARE(offset, price)                                                                      \
  samples number = AT(row.next + (offset));                                                         \
  samples its_y = AT(row.y + (offset)), its_u = AT(row.u + (offset)), its_v = AT(row.v + (offset)); \
  lanes cost;                                                                                       \
  DISTANCE(cost, y, u, v, WIDE(its_y), WIDE(its_u), WIDE(its_v));                                   \
  cost = __builtin_elementwise_add_sat(cost, (lanes){} + (int16_t)(price));                         \
  lanes is_better = (cost < costs) & (cost < (lanes){} + glyphone_distance_largest) &               \
                    WIDE((sample_mask)(number != AT(row.shown + (offset))));
// Takes its colour for them.
#define TAKE(offset, price)                                             \
  do {                                                                  \
    COMPARE(offset, price)                                              \
    sample_mask mask = __builtin_convertvector(is_better, sample_mask); \
    costs = CHOSEN(is_better, cost, costs);                             \
    best = CHOSEN((samples)mask, number, best);                         \
    best_y = CHOSEN((samples)mask, its_y, best_y);                      \
    best_u = CHOSEN((samples)mask, its_u, best_u);                      \
    best_v = CHOSEN((samples)mask, its_v, best_v);                      \
    is_taken |= mask;                                                   \
  } while (0)

// The nearest colour is seldom exact, so that below this there is nothing to be had from it.
#define LIMIT(price) \
  ((lanes){} + (int16_t)SMALLER((glyphone_bytes_of_run + 1) * (price), glyphone_distance_largest - 1))

// Where so many of sixteen pixels are far from what they should be, something else is seen there. That stays for longer
// than noise does, and its runs are long, so that a pixel takes fewer bytes.
enum { MANY = 12 };

IN_PLACE bool paint_row(struct row row, ptrdiff_t above, int count, bool has_left, int price,
                        const struct glyphone_palette *palette) {
  const lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const lanes is_inside = lane < (lanes){} + (int16_t)count;
  lanes y = WIDE(AT(row.luma)), u = DOUBLED(row.blue), v = DOUBLED(row.red);
  lanes shown_y = WIDE(AT(row.y)), shown_u = WIDE(AT(row.u)), shown_v = WIDE(AT(row.v)), costs;
  DISTANCE(costs, y, u, v, shown_y, shown_u, shown_v);
  costs &= is_inside;
  bool is_left_painted = has_left && is_painted(row, -1);
  bool is_above_painted = above > 0 && ANY(AT(row.next - above) ^ AT(row.shown - above));
  if (!ANY(costs > LIMIT(price)) && !is_left_painted && !is_above_painted) return false;

  bool is_changed;
  MAKE_DISPLAYABLE(is_changed);
  if (is_changed) {
    DISTANCE(costs, y, u, v, shown_y, shown_u, shown_v);
    costs &= is_inside;
  }

  lanes is_far = costs > LIMIT(price);
  if (__builtin_popcount(bits_of((int16_t *)&is_far)) >= MANY) price /= 2;
  const int price_of_pixel = SMALLER(price, INT16_MAX);
  bool any = false;
  if (is_above_painted) {
    samples best = AT(row.next), best_y = AT(row.y), best_u = AT(row.u), best_v = AT(row.v);
    sample_mask is_taken = {};
    TAKE(-above, 0);
    TAKE(-above - 1, price_of_pixel);
    TAKE(-above + 1, price_of_pixel);
    if (ANY(is_taken)) {
      any = true;
      AT(row.shown) |= (samples)is_taken & (samples)(best == AT(row.shown));
      AT(row.next) = best;
      AT(row.y) = best_y;
      AT(row.u) = best_u;
      AT(row.v) = best_v;
    }
  }
  struct wanted wanted;
  *(lanes *)wanted.y = y;
  *(lanes *)wanted.u = u;
  *(lanes *)wanted.v = v;
  *(lanes *)wanted.costs = costs;
  is_far = costs > LIMIT(price);
  if (ANY(is_far) &&
      paint_nearest(row, bits_of((int16_t *)&is_far), &wanted, glyphone_bytes_of_run * price, palette)) {
    any = true;
    costs = *(lanes *)wanted.costs;
  }
  if (any || is_left_painted) {
    COMPARE(-1, price_of_pixel)
    is_better &= lane >= (lanes){} + (int16_t)!has_left;
    if (ANY(is_better) && paint_like_left(row, bits_of((int16_t *)&is_better), &wanted, price)) any = true;
  }
  return any;
}

FOR_EACH_PROCESSOR
uint32_t glyphone_samples_paint(const struct glyphone_pixels *pixels, uint32_t rows, int count, int has_left, int price,
                                const struct glyphone_palette *palette) {
  uint32_t painted = 0;
  for (; rows != 0; rows &= rows - 1) {
    int number = __builtin_ctz(rows);
    ptrdiff_t place = number * pixels->stride, chroma = (number >> 1) * pixels->chroma_stride;
    struct row row = {pixels->luma + place, pixels->blue + chroma, pixels->red + chroma, pixels->shown + place,
                      pixels->next + place, pixels->y + place,     pixels->u + place,    pixels->v + place};
    if (paint_row(row, number > 0 ? pixels->stride : 0, count, has_left, price, palette)) painted |= 1u << number;
  }
  return painted;
}
