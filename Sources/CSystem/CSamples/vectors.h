#pragma once
#include <stdint.h>

// Compiled twice on x86-64, for processors with and without AVX2; the loader chooses.
#ifndef FOR_EACH_PROCESSOR
#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#endif
// What such a function consists of.
#define IN_PLACE static inline __attribute__((always_inline))

// A vector of `count` of `type`, which need not be aligned. Wider ones than the processor's are several of its.
#define VECTOR(type, count) type __attribute__((vector_size(sizeof(type) * (count)), aligned(1)))

#define LARGER(a, b) __builtin_elementwise_max(a, b)
#define SMALLER(a, b) __builtin_elementwise_min(a, b)
