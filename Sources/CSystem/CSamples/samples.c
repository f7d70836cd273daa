#include "CSamples.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#define IN_PLACE static inline __attribute__((always_inline))

enum { STEP = 16 };
typedef uint8_t samples __attribute__((vector_size(STEP), aligned(1)));
typedef uint16_t sums __attribute__((vector_size(2 * STEP), aligned(8)));

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
void glyphone_samples_mean(const uint8_t *rows, ptrdiff_t pitch, const uint16_t *weights, int count, uint8_t *restrict target,
                        size_t width) {
  switch (count) {
  case 1: memcpy(target, rows, width); break;
  case 2: mean(rows, pitch, weights, 2, target, width); break;
  case 3: mean(rows, pitch, weights, 3, target, width); break;
  default: mean(rows, pitch, weights, count, target, width);
  }
}

// The first or the second halves of two vectors in turn, in units of one, two, and four bytes.
#define BYTES(a, b, k) __builtin_shufflevector(a, b, k, k + 16, k + 1, k + 17, k + 2, k + 18, k + 3, k + 19, k + 4, \
                                               k + 20, k + 5, k + 21, k + 6, k + 22, k + 7, k + 23)
#define PAIRS(a, b, k) ((samples)__builtin_shufflevector((pairs)a, (pairs)b, k, k + 8, k + 1, k + 9, k + 2, k + 10, \
                                                         k + 3, k + 11))
#define FOURS(a, b, k) ((samples)__builtin_shufflevector((fours)a, (fours)b, k, k + 4, k + 1, k + 5))
typedef uint16_t pairs __attribute__((vector_size(STEP)));
typedef uint32_t fours __attribute__((vector_size(STEP)));

FOR_EACH_PROCESSOR
void glyphone_samples_turn(const uint8_t *rows, size_t pitch, uint64_t *columns, size_t width) {
  for (size_t x = 0; x < width; x += STEP) {
    samples r[8], t[8];
    for (int row = 0; row < 8; row++) r[row] = *(const samples *)(rows + row * pitch + x);
    for (int half = 0; half < 2; half++) {
      samples ab, cd, ef, gh;
      if (half == 0)
        ab = BYTES(r[0], r[1], 0), cd = BYTES(r[2], r[3], 0), ef = BYTES(r[4], r[5], 0), gh = BYTES(r[6], r[7], 0);
      else
        ab = BYTES(r[0], r[1], 8), cd = BYTES(r[2], r[3], 8), ef = BYTES(r[4], r[5], 8), gh = BYTES(r[6], r[7], 8);
      samples a = PAIRS(ab, cd, 0), b = PAIRS(ab, cd, 4), c = PAIRS(ef, gh, 0), d = PAIRS(ef, gh, 4);
      t[4 * half] = FOURS(a, c, 0), t[4 * half + 1] = FOURS(a, c, 2);
      t[4 * half + 2] = FOURS(b, d, 0), t[4 * half + 3] = FOURS(b, d, 2);
    }
    for (int two = 0; two < 8; two++) *(samples *)(columns + x + 2 * two) = t[two];
  }
}

typedef uint32_t eight_halves __attribute__((vector_size(32), aligned(8)));
typedef uint64_t four_words __attribute__((vector_size(32), aligned(8)));

// For each four words of a tile; any numbers will do.
static const eight_halves keys[3] = {
    {0x05FDF179, 0x6CC6BE19, 0xAC0504A5, 0x4BA71AB7, 0x28398F9F, 0xDAE85D09, 0xF6466D5F, 0x0B8E90E9},
    {0x651011CB, 0x4E6980EF, 0xB822B63B, 0xC4E08E67, 0xD47A9A79, 0x28B58AB5, 0x31BFA6AF, 0xA02BFF2F},
    {0x06D002DB, 0x1414F6B5, 0x7B885975, 0x25318BF3, 0x0D99ED21, 0x3D3DB70B, 0x60CA36FF, 0x87A152F5},
};

// A sum of the products of the two halves of each word, after a key was added to both, is the same for two different tiles
// once in 2^32 times (NH, RFC 4418 5.2.2).
FOR_EACH_PROCESSOR
void glyphone_samples_follow(const uint64_t *luma, const uint64_t *chroma, uint64_t *sums, uint8_t *is_changed,
                             size_t count) {
  for (size_t tile = 0; tile < count; tile++) {
    const uint64_t *parts[] = {luma + 8 * tile, luma + 8 * tile + 4, chroma + 4 * tile};
    four_words all = {0};
    for (int part = 0; part < 3; part++) {
      four_words keyed = (four_words)(*(const eight_halves *)parts[part] + keys[part]);
      all += (keyed & 0xFFFFFFFF) * (keyed >> 32);
    }
    uint64_t sum = __builtin_reduce_add(all);
    is_changed[tile] = sum != sums[tile];
    sums[tile] = sum;
  }
}

typedef uint8_t few_samples __attribute__((vector_size(4), aligned(1)));
typedef uint16_t few_sums __attribute__((vector_size(8)));
typedef int16_t differences __attribute__((vector_size(2 * STEP)));
typedef int32_t squares __attribute__((vector_size(4 * STEP)));
typedef int16_t few_differences __attribute__((vector_size(8)));
typedef int32_t few_squares __attribute__((vector_size(16)));

#define QUARTERS(a, b, ...) ((sums)__builtin_shufflevector((four_words)a, (four_words)b, __VA_ARGS__))

IN_PLACE void outline(const uint64_t *luma, const uint64_t *chroma, const int32_t *tiles, size_t count, int halves,
                      const struct glyphone_outline *drawn, struct glyphone_outline *outlines, int32_t *distances) {
  for (size_t index = 0; index < count; index++) {
    int32_t tile = tiles[index];
    // A column is a quarter of a vector. First the rows are added in pairs, then the columns.
    sums left = *(const sums *)(luma + 8 * tile), right = *(const sums *)(luma + 8 * tile + 4);
    left = (left & 0xFF) + (left >> 8), right = (right & 0xFF) + (right >> 8);
    sums means = (QUARTERS(left, right, 0, 4, 2, 6) + QUARTERS(left, right, 1, 5, 3, 7) + 2) >> 2;
    if (halves) {
      means += QUARTERS(means, means, 1, 0, 3, 2);
      means += QUARTERS(means, means, 2, 3, 0, 1);
      means += __builtin_shufflevector(means, means, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
      means = (means + 4) >> 3;
    }
    sums tint = *(const sums *)(chroma + 4 * tile);
    tint = (tint & 0xFF) + (tint >> 8);
    uint64_t all = __builtin_reduce_add((four_words)tint);
    few_sums tints = ((few_sums)all + 4) >> 3;

    differences apart = (differences)(means - __builtin_convertvector(*(const samples *)drawn[tile].luma, sums));
    squares squared = __builtin_convertvector(apart, squares);
    few_differences tints_apart =
        (few_differences)(tints - __builtin_convertvector(*(const few_samples *)drawn[tile].chroma, few_sums));
    few_squares tints_squared = __builtin_convertvector(tints_apart, few_squares);
    distances[index] = __builtin_reduce_add(squared * squared) +
                      glyphone_chroma_weight * __builtin_reduce_add(tints_squared * tints_squared);
    *(samples *)outlines[index].luma = __builtin_convertvector(means, samples);
    *(few_samples *)outlines[index].chroma = __builtin_convertvector(tints, few_samples);
  }
}

FOR_EACH_PROCESSOR
void glyphone_samples_outline(const uint64_t *luma, const uint64_t *chroma, const int32_t *tiles, size_t count,
                              int halves, const struct glyphone_outline *drawn, struct glyphone_outline *outlines,
                              int32_t *distances) {
  if (halves)
    outline(luma, chroma, tiles, count, 1, drawn, outlines, distances);
  else
    outline(luma, chroma, tiles, count, 0, drawn, outlines, distances);
}
