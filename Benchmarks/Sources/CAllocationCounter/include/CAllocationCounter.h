#pragma once
#include <stdint.h>

/// How often this process has asked for memory so far: malloc, calloc, realloc and aligned memory.
uint64_t glyphone_allocations(void);
