#pragma once
#include "CSamples.h"

// The functions of CSamples as they are for a processor of which nothing is asked.

void baseline_samples_mean(const uint8_t *rows, ptrdiff_t pitch, const uint16_t *weights, int count, uint8_t *target,
                           size_t width);
void baseline_samples_turn(const uint8_t *rows, size_t pitch, uint64_t *columns, size_t width);
void baseline_samples_boxes(const uint64_t *columns, const int32_t *firsts, const uint16_t *weights, int taps,
                            uint64_t *means, size_t count);
void baseline_samples_follow(const uint64_t *luma, const uint64_t *chroma, uint64_t *sums, uint8_t *is_changed,
                             size_t count);
size_t baseline_samples_select(const uint64_t *luma, const uint64_t *chroma, const struct glyphone_outline *drawn,
                               int halves, float weight, float threshold, int32_t *tiles, float *errors,
                               struct glyphone_outline *outlines, size_t count);
void baseline_batch_load(const uint64_t *luma, const int32_t *cells, int dots, struct glyphone_batch *batch);
void baseline_batch_best(const uint16_t *sums, const uint16_t *totals, const float *weights, int count, float *best);
uint32_t baseline_samples_paint(const struct glyphone_pixels *pixels, uint32_t rows, int count, int has_left,
                                int price, const struct glyphone_palette *palette);
void baseline_samples_paint_whole(const struct glyphone_pixels *pixels, int is_odd, int width, int height, int price,
                                  const struct glyphone_palette *palette);
