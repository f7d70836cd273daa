#include "CSamples.h"

#include <string.h>

#include "vectors.h"

enum { STEP = 32 };
typedef VECTOR(uint8_t, STEP) samples;
typedef VECTOR(uint16_t, STEP) sums;
typedef VECTOR(uint16_t, STEP / 2) pairs;
typedef VECTOR(uint32_t, STEP / 4) fours;
typedef VECTOR(uint8_t, STEP / 2) half;

// With a count that the compiler knows the loop over the rows is none, and the weights stay in registers.
IN_PLACE void mean(const uint8_t *rows, ptrdiff_t pitch, const uint16_t *weights, int count, uint8_t *restrict target,
                   size_t width) {
  for (size_t x = 0; x < width; x += STEP) {
    sums sum = {0};
    for (int row = 0; row < count; row++)
      sum += __builtin_convertvector(*(const samples *)(rows + row * pitch + x), sums) * weights[row];
    *(samples *)(target + x) = __builtin_convertvector((sum + 128) >> 8, samples);
  }
}

FOR_EACH_PROCESSOR
void glyphone_samples_mean(const uint8_t *rows, ptrdiff_t pitch, const uint16_t *weights, int count,
                           uint8_t *restrict target, size_t width) {
  switch (count) {
  case 1: memcpy(target, rows, width); break;
  case 2: mean(rows, pitch, weights, 2, target, width); break;
  case 3: mean(rows, pitch, weights, 3, target, width); break;
  default: mean(rows, pitch, weights, count, target, width);
  }
}

// In each half of two vectors the lower (k = 0) or upper parts in turn, by one, two, and four bytes.
#define BYTES(a, b, k)                                                                                               \
  __builtin_shufflevector(a, b, k, k + 32, k + 1, k + 33, k + 2, k + 34, k + 3, k + 35, k + 4, k + 36, k + 5,        \
                          k + 37, k + 6, k + 38, k + 7, k + 39, k + 16, k + 48, k + 17, k + 49, k + 18, k + 50,      \
                          k + 19, k + 51, k + 20, k + 52, k + 21, k + 53, k + 22, k + 54, k + 23, k + 55)
#define PAIRS(a, b, k)                                                                                               \
  ((samples)__builtin_shufflevector((pairs)a, (pairs)b, k, k + 16, k + 1, k + 17, k + 2, k + 18, k + 3, k + 19,      \
                                    k + 8, k + 24, k + 9, k + 25, k + 10, k + 26, k + 11, k + 27))
#define FOURS(a, b, k)                                                                                               \
  ((samples)__builtin_shufflevector((fours)a, (fours)b, k, k + 8, k + 1, k + 9, k + 4, k + 12, k + 5, k + 13))
#define SIXTEEN(a, k)                                                                                                \
  __builtin_shufflevector(a, a, k, k + 1, k + 2, k + 3, k + 4, k + 5, k + 6, k + 7, k + 8, k + 9, k + 10, k + 11,    \
                          k + 12, k + 13, k + 14, k + 15)

// The words of columns from eight rows that are interleaved two and two.
#define STORE(ab, cd, ef, gh, columns)                                                                               \
  do {                                                                                                               \
    samples a = PAIRS(ab, cd, 0), b = PAIRS(ab, cd, 4), c = PAIRS(ef, gh, 0), d = PAIRS(ef, gh, 4);                  \
    samples turned[] = {FOURS(a, c, 0), FOURS(a, c, 2), FOURS(b, d, 0), FOURS(b, d, 2)};                             \
    for (int two = 0; two < 4; two++) {                                                                              \
      *(half *)((columns) + 2 * two) = SIXTEEN(turned[two], 0);                                                      \
      *(half *)((columns) + STEP / 2 + 2 * two) = SIXTEEN(turned[two], 16);                                          \
    }                                                                                                                \
  } while (0)

FOR_EACH_PROCESSOR
void glyphone_samples_turn(const uint8_t *rows, size_t pitch, uint64_t *columns, size_t width) {
  for (size_t x = 0; x < width; x += STEP) {
    samples r[8];
    for (int row = 0; row < 8; row++) r[row] = *(const samples *)(rows + row * pitch + x);
    STORE(BYTES(r[0], r[1], 0), BYTES(r[2], r[3], 0), BYTES(r[4], r[5], 0), BYTES(r[6], r[7], 0), columns + x);
    STORE(BYTES(r[0], r[1], 8), BYTES(r[2], r[3], 8), BYTES(r[4], r[5], 8), BYTES(r[6], r[7], 8), columns + x + 8);
  }
}

typedef VECTOR(uint8_t, 8) column;
typedef VECTOR(uint16_t, 8) column_sums;

// Boxes of one map are of more or fewer columns in no order that a processor foresees: all are read as if they had as
// many as the largest.
IN_PLACE void boxes(const uint64_t *columns, const int32_t *firsts, const column_sums *weights, int taps,
                    uint64_t *restrict means, size_t count) {
  for (size_t box = 0; box < count; box++) {
    const column *first = (const column *)(columns + firsts[box]);
    column_sums sum = (column_sums){0} + 128;
    for (int tap = 0; tap < taps; tap++) sum += __builtin_convertvector(first[tap], column_sums) * *weights++;
    *(column *)(means + box) = __builtin_convertvector(sum >> 8, column);
  }
}

FOR_EACH_PROCESSOR
void glyphone_samples_boxes(const uint64_t *columns, const int32_t *firsts, const uint16_t *weights, int taps,
                            uint64_t *restrict means, size_t count) {
  const column_sums *lanes = (const column_sums *)weights;
  switch (taps) {
  case 1: boxes(columns, firsts, lanes, 1, means, count); break;
  case 2: boxes(columns, firsts, lanes, 2, means, count); break;
  case 3: boxes(columns, firsts, lanes, 3, means, count); break;
  case 4: boxes(columns, firsts, lanes, 4, means, count); break;
  default: boxes(columns, firsts, lanes, taps, means, count);
  }
}
