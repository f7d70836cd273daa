#include "CSamples.h"
#include "vectors.h"

typedef VECTOR(uint64_t, 4) words;
typedef VECTOR(uint32_t, 8) half_words;

// For each four words of a tile; any numbers will do.
static const half_words keys[3] = {
    {0x05FDF179, 0x6CC6BE19, 0xAC0504A5, 0x4BA71AB7, 0x28398F9F, 0xDAE85D09, 0xF6466D5F, 0x0B8E90E9},
    {0x651011CB, 0x4E6980EF, 0xB822B63B, 0xC4E08E67, 0xD47A9A79, 0x28B58AB5, 0x31BFA6AF, 0xA02BFF2F},
    {0x06D002DB, 0x1414F6B5, 0x7B885975, 0x25318BF3, 0x0D99ED21, 0x3D3DB70B, 0x60CA36FF, 0x87A152F5},
};

// A sum of the products of the two halves of each word, after a key was added to both, is the same for two different
// tiles once in 2^32 times (NH, RFC 4418 5.2.2).
FOR_EACH_PROCESSOR
void glyphone_samples_follow(const uint64_t *luma, const uint64_t *chroma, uint64_t *sums, uint8_t *is_changed,
                             size_t count) {
  for (size_t tile = 0; tile < count; tile++) {
    const uint64_t *parts[] = {luma + 8 * tile, luma + 8 * tile + 4, chroma + 4 * tile};
    words all = {0};
    for (int part = 0; part < 3; part++) {
      words keyed = (words)(*(const half_words *)parts[part] + keys[part]);
      all += (keyed & 0xFFFFFFFF) * (keyed >> 32);
    }
    uint64_t sum = __builtin_reduce_add(all);
    is_changed[tile] = sum != sums[tile];
    sums[tile] = sum;
  }
}

typedef VECTOR(uint8_t, 16) samples;
typedef VECTOR(uint16_t, 16) sums;
typedef VECTOR(int16_t, 16) differences;
typedef VECTOR(int32_t, 16) squares;
typedef VECTOR(uint8_t, 4) few_samples;
typedef VECTOR(uint16_t, 4) few_sums;
typedef VECTOR(int16_t, 4) few_differences;
typedef VECTOR(int32_t, 4) few_squares;

#define QUARTERS(a, b, ...) ((sums)__builtin_shufflevector((words)a, (words)b, __VA_ARGS__))

IN_PLACE size_t select_tiles(const uint64_t *luma, const uint64_t *chroma, const struct glyphone_outline *drawn,
                             int halves, float weight, float threshold, int32_t *tiles, float *errors,
                             struct glyphone_outline *outlines, size_t count) {
  size_t kept = 0;
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
    uint64_t all = __builtin_reduce_add((words)tint);
    few_sums tints = ((few_sums)all + 4) >> 3;

    differences apart = (differences)(means - __builtin_convertvector(*(const samples *)drawn[tile].luma, sums));
    squares squared = __builtin_convertvector(apart, squares);
    few_differences tints_apart =
        (few_differences)(tints - __builtin_convertvector(*(const few_samples *)drawn[tile].chroma, few_sums));
    few_squares tints_squared = __builtin_convertvector(tints_apart, few_squares);
    int32_t distance = __builtin_reduce_add(squared * squared) +
                       glyphone_chroma_weight * __builtin_reduce_add(tints_squared * tints_squared);
    float error = (float)distance * weight;
    if (errors[index] > error) error = errors[index];
    // Without a branch, for none can foresee what noise does.
    tiles[kept] = tile;
    errors[kept] = error;
    *(samples *)outlines[kept].luma = __builtin_convertvector(means, samples);
    *(few_samples *)outlines[kept].chroma = __builtin_convertvector(tints, few_samples);
    kept += error > threshold;
  }
  return kept;
}

FOR_EACH_PROCESSOR
size_t glyphone_samples_select(const uint64_t *luma, const uint64_t *chroma, const struct glyphone_outline *drawn,
                               int halves, float weight, float threshold, int32_t *tiles, float *errors,
                               struct glyphone_outline *outlines, size_t count) {
  return halves ? select_tiles(luma, chroma, drawn, 1, weight, threshold, tiles, errors, outlines, count)
                : select_tiles(luma, chroma, drawn, 0, weight, threshold, tiles, errors, outlines, count);
}
