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
void baseline_samples_paint_changes(const struct glyphone_pixels *pixels, struct glyphone_column *colors,
                                    uint8_t *painted, uint8_t *needs, int bands, int width, int price,
                                    int settling_price, const struct glyphone_palette *palette);
void baseline_samples_paint_whole(const struct glyphone_pixels *pixels, int is_odd, int width, int height, int price,
                                  const struct glyphone_palette *palette);
void baseline_sixels_collect(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride,
                             const uint8_t *painted, int width);
void baseline_sixels_collect_all(struct glyphone_sixels *band, const uint8_t *numbers, ptrdiff_t stride, int width,
                                 int height);
void baseline_sixels_pack(struct glyphone_sixels *band, bool *is_new);
uint8_t *baseline_sixels_write(const struct glyphone_sixels *band, uint8_t *text);
int baseline_samples_follow_luma(const uint8_t *source, uint8_t *target, size_t x, size_t count, uint8_t noise,
                                 uint8_t *flags, ptrdiff_t pitch);
int baseline_samples_follow_chroma(const uint8_t *source, uint8_t *target, size_t x, size_t count, uint8_t noise,
                                   uint8_t *flags, ptrdiff_t pitch);
int baseline_samples_nearest(const struct glyphone_halves *colors, int count, int y, int u, int v);
