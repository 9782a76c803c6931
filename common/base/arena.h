/* One block of memory, sized once and handed out from the front.
 *
 * The function that lays buffers out runs twice: first on an arena of arena_measuring(), where every
 * arena_take() only counts, then on one of arena_open() with the counted size. So the sizes are written once.
 */
#ifndef LACONIC_BASE_ARENA_H
#define LACONIC_BASE_ARENA_H

#include <stddef.h>
#include "base/status.h"

struct arena {
    unsigned char *base; /* NULL while measuring */
    void *memory;        /* what the system gave, `base` being aligned in it */
    size_t size, used;   /* bytes */
};

struct arena arena_measuring(void);

/* Reserves `size` bytes, zeroed, 64-byte aligned; what is large costs memory only where it is used. `what`
 * names the use in the error sentence. */
enum status arena_open(struct arena *arena, size_t size, const char *what);
void arena_close(struct arena *arena); /* safe on a zeroed arena and twice */

/* count * size bytes, 64-byte aligned; NULL while measuring. Running out is a programmer's error (assert).
 * Under the address sanitizer a red zone follows every piece. */
void *arena_take(struct arena *arena, size_t count, size_t size);

#define ARENA_TAKE(arena, type, count) ((type *)arena_take((arena), (size_t)(count), sizeof(type)))

#endif
