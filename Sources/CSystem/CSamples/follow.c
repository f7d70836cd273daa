#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "CSamples.h"
#include "vectors.h"

enum { STEP = 32 };
typedef VECTOR(uint8_t, STEP) samples;
typedef VECTOR(uint64_t, STEP / 8) eights;
typedef bool bits __attribute__((ext_vector_type(STEP / 8)));

// A row of samples, of which some follow others.
struct pair {
  uint8_t *target;
  // What the first sample and those to its right follow.
  const uint8_t *source;
  size_t first;
  uint8_t noise;
  // Of so many samples of a row, and so many rows; the next samples' flags are a pitch away.
  int run, rows;
  uint8_t *flags;
  ptrdiff_t pitch;
};

IN_PLACE bool raise(const struct pair *pair, size_t x, bool is_followed) {
  uint8_t *flags = pair->flags + (ptrdiff_t)(x / pair->run) * pair->pitch;
  for (int row = 0; row < pair->rows; row++) flags[row] |= is_followed;
  return is_followed;
}

IN_PLACE bool follow_one(const struct pair *pair, size_t x) {
  uint8_t wanted = pair->source[x - pair->first];
  bool is_followed = abs(wanted - pair->target[x]) > pair->noise;
  if (is_followed) pair->target[x] = wanted;
  return raise(pair, x, is_followed);
}

// Eight at a time where any of them strays.
IN_PLACE bool follow_step(const struct pair *pair, size_t x) {
  samples wanted = *(const samples *)(pair->source + (x - pair->first)), last = *(samples *)(pair->target + x);
  samples apart = LARGER(wanted, last) - SMALLER(wanted, last);
  eights is_far = (eights)((eights)(apart - SMALLER(apart, (samples){} + pair->noise)) != 0);
  *(eights *)(pair->target + x) = ((eights)wanted & is_far) | ((eights)last & ~is_far);
  // A bit for each eight.
  bits flags = __builtin_convertvector(is_far, bits);
  uint8_t followed = 0;
  memcpy(&followed, &flags, sizeof flags);
  for (int place = 0; place < STEP; place += pair->run) {
    raise(pair, x + place, (followed >> place / 8 & ((1 << pair->run / 8) - 1)) != 0);
  }
  return followed != 0;
}

IN_PLACE bool follow(struct pair pair, size_t x, size_t count) {
  bool is_any = false;
  size_t end = x + count;
  for (; x < end && x % STEP != 0; x++) is_any |= follow_one(&pair, x);
  for (; x + STEP <= end; x += STEP) is_any |= follow_step(&pair, x);
  for (; x < end; x++) is_any |= follow_one(&pair, x);
  return is_any;
}

FOR_EACH_PROCESSOR
int glyphone_samples_follow_luma(const uint8_t *source, uint8_t *target, size_t x, size_t count, uint8_t noise,
                                 uint8_t *flags, ptrdiff_t pitch) {
  return follow((struct pair){target, source, x, noise, 16, 1, flags, pitch}, x, count);
}

FOR_EACH_PROCESSOR
int glyphone_samples_follow_chroma(const uint8_t *source, uint8_t *target, size_t x, size_t count, uint8_t noise,
                                   uint8_t *flags, ptrdiff_t pitch) {
  return follow((struct pair){target, source, x, noise, 8, 2, flags, pitch}, x, count);
}
