#pragma once
#include <stdint.h>

// The pixels of one colour in some columns of a band that are alike. From the lowest bits on a sixel has its first column
// and how many there are (16 bits each), a bit for each of the six rows, the colour's number, and the number of the sixel
// that is written after it, 0 where none is.
enum { COLUMN = 0, COUNT = 16, ROWS_SET = 32, COLOR = 38, NEXT = 46 };

#define SIXEL(column, count, rows, color)                                                          \
  ((uint64_t)(column) << COLUMN | (uint64_t)(count) << COUNT | (uint64_t)(rows) << ROWS_SET |      \
   (uint64_t)(color) << COLOR)

#define COLUMN_OF(sixel) ((int32_t)((sixel) >> COLUMN & 0xFFFF))
#define COUNT_OF(sixel) ((uint32_t)((sixel) >> COUNT & 0xFFFF))
// The first column after it.
#define END_OF(sixel) (COLUMN_OF(sixel) + (int32_t)COUNT_OF(sixel))
#define ROWS_OF(sixel) ((uint32_t)((sixel) >> ROWS_SET & 63))
#define COLOR_OF(sixel) ((uint32_t)((sixel) >> COLOR & 0xFF))
