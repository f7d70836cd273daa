#pragma once
#include <stdbool.h>
#include <stdint.h>

/// How often this thread has asked for memory so far: malloc, calloc, realloc and aligned memory.
uint64_t glyphone_thread_allocations(void);

/// Whether that is counted: sanitizers have an allocator of their own.
bool glyphone_counts_allocations(void);
