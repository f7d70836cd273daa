#include <stdbool.h>
#include <string.h>

#include "CSamples.h"
#include "sixel.h"
#include "vectors.h"

// Passes that are looked at together, one in each lane.
enum { LANES = 8, GROUPS = glyphone_passes / LANES };
_Static_assert(glyphone_passes % LANES == 0, "all groups are whole");
typedef VECTOR(int16_t, LANES) lanes;
typedef VECTOR(uint16_t, LANES) keys;

// The least of all in each lane.
IN_PLACE void spread_least(keys *all) {
  *all = SMALLER(*all, __builtin_shufflevector(*all, *all, 4, 5, 6, 7, 0, 1, 2, 3));
  *all = SMALLER(*all, __builtin_shufflevector(*all, *all, 2, 3, 0, 1, 6, 7, 4, 5));
  *all = SMALLER(*all, __builtin_shufflevector(*all, *all, 1, 0, 3, 2, 5, 4, 7, 6));
}

// Of some passes, has the one go on that ended nearest before a column: the shorter a gap, the fewer bytes it takes.
// Returns which; -1 where all of them reach beyond it.
// - ends: the columns where they end.
// - end: where that one ends then.
IN_PLACE int choose(lanes *ends, int column, int end) {
  const lanes numbers = {0, 1, 2, 3, 4, 5, 6, 7};
  // Gaps and the lanes that they are in. A negative gap is larger than any, as an unsigned number.
  const lanes gaps = ((int16_t)column - *ends) << 3 | numbers;
  keys least = (keys)gaps;
  spread_least(&least);
  const lanes is_chosen = (gaps == (lanes)least) & (gaps >= 0);
  *ends = (is_chosen & (int16_t)end) | (*ends & ~is_chosen);
  return (int16_t)least[0] < 0 ? -1 : least[0] & (LANES - 1);
}

// The same with those that few bands need.
static __attribute__((noinline)) int choose_other(lanes *ends, int column, int end) {
  int pass = -1;
  for (int group = 1; pass < 0 && group < GROUPS; group++) {
    pass = choose(&ends[group], column, end);
    if (pass >= 0) pass += group * LANES;
  }
  return pass;
}

FOR_EACH_PROCESSOR
void glyphone_sixels_pack(struct glyphone_sixels *band, bool *is_new) {
  uint64_t *sixels = band->sixels;
  lanes ends = {}, other_ends[GROUPS] = {};
  // The last sixel of each pass; before the first comes the one where it begins.
  uint32_t lasts[glyphone_passes], new_count = 0;
  for (uint32_t pass = 0; pass < glyphone_passes; pass++) lasts[pass] = pass;
  for (uint32_t number = 0; number < band->stretch_count; number++) {
    struct glyphone_stretch stretch = band->stretches[number];
    uint64_t first = sixels[stretch.first], last = sixels[stretch.last];
    int pass = choose(&ends, COLUMN_OF(first), END_OF(last));
    if (pass < 0) pass = choose_other(other_ends, COLUMN_OF(first), END_OF(last));
    sixels[lasts[pass]] |= (uint64_t)stretch.first << NEXT;
    lasts[pass] = stretch.last;
    uint8_t color = (uint8_t)COLOR_OF(first);
    band->new_colors[new_count] = color;
    new_count += is_new[color];
    is_new[color] = false;
  }
  band->new_count = new_count;
}

// Writes up to seven bytes; returns where they end.
IN_PLACE uint8_t *write(uint8_t *end, uint64_t text) {
  memcpy(end, &text, sizeof text);
  return end + (text >> 56);
}

// Whether a sixel makes a run longer no processor foresees, so there is no branch: what comes before another run is
// always written, and counts where there is one.
FOR_EACH_PROCESSOR
uint8_t *glyphone_sixels_write(const struct glyphone_sixels *band, uint8_t *end) {
  const uint64_t *sixels = band->sixels, *names = band->names;
  const struct glyphone_run *runs = band->runs;
  uint32_t color = UINT32_MAX;
  for (int pass = 0; pass < glyphone_passes && sixels[pass] != 0; pass++) {
    if (pass > 0) *end++ = '$';
    // The run that is not written yet.
    uint32_t rows = 0, count = 0;
    int32_t stop = 0;
    for (uint64_t sixel = sixels[pass]; sixel >> NEXT != 0;) {
      sixel = sixels[sixel >> NEXT];
      int32_t gap = COLUMN_OF(sixel) - stop;
      uint32_t other_color = COLOR_OF(sixel) ^ color, other_rows = ROWS_OF(sixel) ^ rows;
      bool is_other = (gap | other_color | other_rows) != 0;
      uint8_t *next = write(end, runs[count].blank + rows * runs[count].step);
      uint8_t *after_name = write(next, names[COLOR_OF(sixel)]);
      next = write(other_color != 0 ? after_name : next, runs[gap].blank);
      end = is_other ? next : end;
      count = (is_other ? 0 : count) + COUNT_OF(sixel);
      rows = ROWS_OF(sixel);
      color = COLOR_OF(sixel);
      stop = END_OF(sixel);
    }
    end = write(end, runs[count].blank + rows * runs[count].step);
  }
  return end;
}
