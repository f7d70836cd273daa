#include "CSamples.h"
#include "vectors.h"

// The scores are to be the same on every processor.
#pragma STDC FP_CONTRACT OFF

enum { LANES = 8 };
typedef VECTOR(uint16_t, LANES) lanes;
typedef VECTOR(uint16_t, 2 * LANES) twins;
typedef VECTOR(uint32_t, LANES) pairs;
typedef VECTOR(uint64_t, LANES / 2) fours;
typedef VECTOR(float, LANES) floats;
typedef VECTOR(int32_t, LANES) numbers;

#define LOWER(a) __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7)
#define UPPER(a) __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15)
#define JOINED(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
// The first quarters of two vectors, then their second ones; and so on.
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SECOND(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

// In each half of two vectors, the lower (k = 0) or upper lanes in turn, by one, two, and four.
#define ONES(a, b, k) \
  __builtin_shufflevector(a, b, k, k + 16, k + 1, k + 17, k + 2, k + 18, k + 3, k + 19, k + 8, k + 24, k + 9, k + 25, \
                          k + 10, k + 26, k + 11, k + 27)
#define TWOS(a, b, k) \
  ((twins)__builtin_shufflevector((pairs)a, (pairs)b, k, k + 8, k + 1, k + 9, k + 4, k + 12, k + 5, k + 13))
#define FOURS(a, b, k) ((twins)__builtin_shufflevector((fours)a, (fours)b, k, k + 4, k + 2, k + 6))

// Lane i of vector j becomes lane j of vector i, in the halves of the vectors apart.
#define TURN(v)                                                                                       \
  do {                                                                                                \
    twins a[8], b[8];                                                                                 \
    for (int i = 0; i < 8; i += 2) a[i] = ONES(v[i], v[i + 1], 0), a[i + 1] = ONES(v[i], v[i + 1], 4); \
    for (int i = 0; i < 8; i += 4) {                                                                  \
      b[i] = TWOS(a[i], a[i + 2], 0), b[i + 1] = TWOS(a[i], a[i + 2], 2);                             \
      b[i + 2] = TWOS(a[i + 1], a[i + 3], 0), b[i + 3] = TWOS(a[i + 1], a[i + 3], 2);                 \
    }                                                                                                 \
    for (int i = 0; i < 4; i++) v[2 * i] = FOURS(b[i], b[i + 4], 0), v[2 * i + 1] = FOURS(b[i], b[i + 4], 1); \
  } while (0)

IN_PLACE void load(const uint64_t *luma, const int32_t *cells, int dots, struct glyphone_batch *batch) {
  twins left[LANES], right[LANES], halves[LANES];
  for (int lane = 0; lane < LANES; lane++) {
    const twins *tile = (const twins *)(luma + 8 * cells[lane]);
    // Four columns in each vector; even rows in the low bytes, odd in the high.
    twins even[] = {tile[0] & 0xFF, tile[1] & 0xFF}, odd[] = {tile[0] >> 8, tile[1] >> 8};
    left[lane] = even[0] + odd[0];
    right[lane] = even[1] + odd[1];
    lanes sums[2];
    for (int parity = 0; parity < 2; parity++) {
      twins *columns = parity ? odd : even;
      lanes a = LOWER(columns[0]), b = UPPER(columns[0]), c = LOWER(columns[1]), d = UPPER(columns[1]);
      if (dots) {
        sums[parity] = SECOND(a, c) + FIRST(b, d);
      } else {
        lanes whole = a + b, other = c + d;
        sums[parity] = FIRST(whole, other) + SECOND(whole, other);
      }
    }
    halves[lane] = JOINED(sums[0], sums[1]);
  }
  TURN(left);
  TURN(right);
  TURN(halves);
  lanes *columns = (lanes *)batch->columns, *rows = (lanes *)batch->rows, total = {0};
  for (int side = 0; side < 2; side++) {
    twins *sums = side ? right : left;
    twins first = sums[0] + sums[1] + sums[2] + sums[3], second = sums[4] + sums[5] + sums[6] + sums[7];
    columns[4 * side] = LOWER(first), columns[4 * side + 1] = LOWER(second);
    columns[4 * side + 2] = UPPER(first), columns[4 * side + 3] = UPPER(second);
    total += LOWER(first) + LOWER(second) + UPPER(first) + UPPER(second);
  }
  *(lanes *)batch->total = total;
  for (int row = 0; row < 8; row++) rows[2 * row] = LOWER(halves[row]), rows[2 * row + 1] = UPPER(halves[row]);
}

FOR_EACH_PROCESSOR
void glyphone_batch_load(const uint64_t *luma, const int32_t *cells, int dots, struct glyphone_batch *batch) {
  if (dots)
    load(luma, cells, 1, batch);
  else
    load(luma, cells, 0, batch);
}

FOR_EACH_PROCESSOR
void glyphone_batch_best(const uint16_t *sums, const uint16_t *totals, const float *weights, int count, float *best) {
  floats total = __builtin_convertvector(*(const lanes *)totals, floats);
  // What is not negative is in the same order when it is taken for a whole number.
  numbers highest = {0};
  for (int cut = 0; cut < count; cut++) {
    floats sum = __builtin_convertvector(*(const lanes *)(sums + LANES * cut), floats);
    floats difference = sum * weights[2 * cut] - total * weights[2 * cut + 1];
    highest = __builtin_elementwise_max(highest, ((numbers)(difference * difference) & ~31) | cut);
  }
  *(floats *)best = (floats)highest;
}
