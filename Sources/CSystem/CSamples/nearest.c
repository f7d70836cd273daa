#include "CSamples.h"
#include "vectors.h"

enum { LANES = 16 };
typedef VECTOR(int16_t, LANES) lanes;

#define CHOSEN(mask, a, b) (((a) & (mask)) | ((b) & ~(mask)))
// Differences are counted up to the farthest, so that a distance of three of them fits into 15 bits.
#define SQUARE(result, samples, wanted)                                                    \
  do {                                                                                     \
    lanes apart = *(const lanes *)(samples) - (int16_t)(wanted);                           \
    apart = SMALLER(LARGER(apart, -apart), (lanes){} + (int16_t)glyphone_distance_farthest); \
    result = apart * apart;                                                                \
  } while (0)

FOR_EACH_PROCESSOR
int glyphone_samples_nearest(const struct glyphone_halves *colors, int count, int y, int u, int v) {
  lanes number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  lanes least = (lanes){} + (int16_t)glyphone_distance_largest, nearest = number;
  for (int first = 0; first < count; first += LANES) {
    lanes luma, blue, red;
    SQUARE(luma, colors->y + first, y);
    SQUARE(blue, colors->u + first, u);
    SQUARE(red, colors->v + first, v);
    lanes distance = luma * glyphone_distance_luma_weight + (blue + red) * glyphone_distance_chroma_weight;
    lanes is_nearer = distance < least;
    least = SMALLER(distance, least);
    nearest = CHOSEN(is_nearer, number, nearest);
    number += LANES;
  }
  int16_t distance = __builtin_reduce_min(least);
  if (distance == glyphone_distance_largest) return -1;
  return __builtin_reduce_min(CHOSEN(least == distance, nearest, (lanes){} + INT16_MAX));
}
