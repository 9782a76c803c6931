/* The key/value cache of decoding: every slot (a row being written) keeps the keys and values of its
 * positions, and one query per row attends to them.
 *
 * In float32 both are [slots, capacity, heads * width], and a step's bits depend on nothing but its own row.
 * In bf16 they stand packed (bf16.h) per slot and head, keys as [width, capacity], values as [capacity,
 * width], so that a step reads them from front to back; scores and sums are float32. A step reads the first
 * `count` positions and nothing behind them: a slot is used again by writing it from position 0 on.
 */
#ifndef LACONIC_KERNELS_ATTENTION_CACHE_H
#define LACONIC_KERNELS_ATTENTION_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "kernels/bf16.h"

struct attention_cache {
    int slots, capacity, heads, width; /* capacity: positions of a slot; width of one head, even in bf16 */
    struct values keys, values;
};

/* Takes its arrays from the arena, which may be measuring; slots, capacity, heads and width are set before.
 */
void attention_cache_lay_out(struct attention_cache *cache, bool in_bf16, struct arena *arena);

/* Row r of k and v, heads * width numbers in the cache's precision, becomes position[r] of slot[r]; rows are
 * `stride` apart in both, so they may be parts of one product's rows. No two rows the same position. */
void attention_cache_put(const struct attention_cache *cache, int rows, const int *slot, const int *position,
                         struct values k, struct values v, int stride);

/* The first `count` positions of a slot at once, from rows of k and v `stride` apart (even in bf16). On the
 * calling thread; different slots may be filled by different threads. */
void attention_cache_fill(const struct attention_cache *cache, int slot, int count, struct values k,
                          struct values v, int stride);

/* One query per row: row r attends to the first count[r] >= 1 positions of slot[r]. */
struct attention_step_shape {
    int rows, q_stride;      /* q [rows, q_stride], a head's columns from head * width on */
    const int *slot, *count; /* [rows] */
    const float *bias;       /* [heads, 2 length - 1] for query position count - 1, or NULL */
    int length;
};

/* Floats that a step of this cache needs for one thread. */
size_t attention_cache_scratch_count(const struct attention_cache *cache);

/* out [rows, heads * width] and q in the cache's precision, not the same array; scratch: threads_count()
 * times scratch_count floats. */
void attention_cache_step(struct values out, struct values q, const struct attention_cache *cache,
                          const struct attention_step_shape *shape, float *scratch);

#endif
