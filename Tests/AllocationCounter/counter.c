#define _GNU_SOURCE
#include "CThreadAllocations.h"
#include <errno.h>
#include <stddef.h>

// Tests run side by side, so each thread has a count of its own.
static _Thread_local uint64_t count;

uint64_t glyphone_thread_allocations(void) { return count; }

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

bool glyphone_counts_allocations(void) { return false; }

#else

bool glyphone_counts_allocations(void) { return true; }

// These stand before the C library's own in the search for symbols, and hand on to them.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count++;
  return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
  count++;
  return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  count++;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

#endif
