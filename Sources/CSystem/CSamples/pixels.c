#include <stdbool.h>

#include "CSamples.h"
#include "vectors.h"

typedef VECTOR(uint8_t, 16) samples;
typedef VECTOR(uint8_t, 8) few_samples;
typedef VECTOR(int16_t, 16) lanes;
typedef bool bits __attribute__((ext_vector_type(16)));

#define LARGER(a, b) __builtin_elementwise_max(a, b)
#define SMALLER(a, b) __builtin_elementwise_min(a, b)
#define WIDE(bytes) __builtin_convertvector(*(const samples *)(bytes), lanes)
// Each of eight samples twice.
#define DOUBLED(bytes)                                                                                                \
  __builtin_convertvector(__builtin_shufflevector(*(const few_samples *)(bytes), *(const few_samples *)(bytes), 0, 0, \
                                                  1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),                          \
                          lanes)
#define ANY(mask) (__builtin_reduce_or(mask) != 0)

// Differences are counted up to the farthest, so that a distance of three of them fits into 15 bits.
#define SQUARE(result, a, b)                                                         \
  do {                                                                               \
    lanes apart = SMALLER(LARGER(a - b, b - a), (lanes){} + glyphone_mark_farthest); \
    result = apart * apart;                                                          \
  } while (0)
#define DISTANCE(result, y, u, v)                                                                        \
  do {                                                                                                   \
    lanes y_square, u_square, v_square;                                                                  \
    SQUARE(y_square, y, shown[0]);                                                                       \
    SQUARE(u_square, u, shown[1]);                                                                       \
    SQUARE(v_square, v, shown[2]);                                                                       \
    result = y_square * glyphone_mark_luma_weight + (u_square + v_square) * glyphone_mark_chroma_weight; \
  } while (0)

// The lumas of black and white, which are the range of each channel.
enum { BLACK = 16, WHITE = 235 };
#define EXCESS(channel) (SMALLER(LARGER(channel, (lanes){} + BLACK), (lanes){} + WHITE) - channel)

FOR_EACH_PROCESSOR
uint32_t glyphone_samples_mark(const uint8_t *luma, const uint8_t *blue, const uint8_t *red,
                               const uint8_t *shown_luma, const uint8_t *shown_blue, const uint8_t *shown_red,
                               int limit, struct glyphone_marks *marks) {
  lanes y = WIDE(luma), u = DOUBLED(blue), v = DOUBLED(red);
  lanes shown[] = {WIDE(shown_luma), WIDE(shown_blue), WIDE(shown_red)}, distances;
  DISTANCE(distances, y, u, v);
  if (!ANY(distances > (lanes){} + (int16_t)limit)) return 0;

  // Red, green and blue in steps of luma. What is to be added to have each in its range is nothing where they are.
  lanes red_channel = y + ((175 * (v - 128) + 64) >> 7), blue_channel = y + ((222 * (u - 128) + 64) >> 7);
  lanes green_channel = y + ((64 - 43 * (u - 128) - 89 * (v - 128)) >> 7);
  lanes r = EXCESS(red_channel), g = EXCESS(green_channel), b = EXCESS(blue_channel);
  if (ANY(r | g | b)) {
    lanes brightness = (38 * r + 75 * g + 15 * b + 64) >> 7;
    y += brightness;
    u += (74 * (b - brightness) + 64) >> 7;
    v += (93 * (r - brightness) + 64) >> 7;
    DISTANCE(distances, y, u, v);
  }
  *(samples *)marks->luma = __builtin_convertvector(y, samples);
  *(samples *)marks->blue = __builtin_convertvector(u, samples);
  *(samples *)marks->red = __builtin_convertvector(v, samples);
  *(lanes *)marks->distances = distances;
  bits marked = __builtin_convertvector(distances > (lanes){} + (int16_t)limit, bits);
  uint16_t word;
  __builtin_memcpy(&word, &marked, sizeof word);
  return word;
}
