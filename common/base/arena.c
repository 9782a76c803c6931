/* Handing out one block from the front; the measuring pass takes the same steps without a block. */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_RED_ZONES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_RED_ZONES 1
#endif
#endif

#ifdef ARENA_RED_ZONES
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 64 };
#else
enum { RED_ZONE = 0 };
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum { ALIGNMENT = 64 }; /* a cache line, and the widest vector register */

struct arena arena_measuring(void) {
    return (struct arena){.size = SIZE_MAX};
}

enum status arena_open(struct arena *arena, size_t size, const char *what) {
    *arena = (struct arena){0};
    if (size > SIZE_MAX / 2)
        return fail(STATUS_LIMIT, "%s would need more memory than can be addressed; make it smaller", what);
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded == 0)
        rounded = ALIGNMENT;
    arena->memory = calloc(rounded + ALIGNMENT, 1);
    if (!arena->memory)
        return fail(STATUS_MEMORY,
                    "cannot reserve %.1f MiB of memory for %s; make it smaller or free some memory",
                    (double)size / 1048576, what);
    arena->base = (unsigned char *)arena->memory + ALIGNMENT - (uintptr_t)arena->memory % ALIGNMENT;
    arena->size = rounded;
    return STATUS_OK;
}

void arena_close(struct arena *arena) {
    if (arena->base)
        ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->size);
    free(arena->memory);
    *arena = (struct arena){0};
}

/* Saturates: a measurement that overflows ends as SIZE_MAX, which arena_open() refuses. */
static size_t piece_size(size_t count, size_t size) {
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - RED_ZONE - ALIGNMENT)
        return SIZE_MAX;
    return (bytes + RED_ZONE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *arena_take(struct arena *arena, size_t count, size_t size) {
    size_t piece = piece_size(count, size);

    if (!arena->base) {
        arena->used = piece > SIZE_MAX - arena->used ? SIZE_MAX : arena->used + piece;
        return NULL;
    }
    assert(piece <= arena->size - arena->used);
    unsigned char *start = arena->base + arena->used;
    arena->used += piece;
    ASAN_POISON_MEMORY_REGION(start + count * size, piece - count * size);
    return start;
}
