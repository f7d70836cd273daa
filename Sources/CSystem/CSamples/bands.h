#pragma once
#include <string.h>

#include "CSamples.h"
#include "vectors.h"

// A pixel has to wait for the one to its left. So those that are painted at a time are of sixteen bands, one of each.
enum { BANDS = glyphone_bands, ROWS = 6 };
typedef VECTOR(uint8_t, BANDS) numbers;

#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define UPPER(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

// Sixteen columns of bands become sixteen bands of columns, or the other way round.
IN_PLACE void turn(numbers *turned) {
  numbers other[BANDS];
  for (int round = 0; round < 4; round++) {
    memcpy(other, turned, sizeof other);
    for (int x = 0; x < BANDS / 2; x++) {
      turned[2 * x] = LOWER(other[x], other[x + BANDS / 2]);
      turned[2 * x + 1] = UPPER(other[x], other[x + BANDS / 2]);
    }
  }
}
