/* One worker's scratch of the exact engine and the sublayers over it, on rows of tokens.
 *
 * Rows are one behind the other with strides padded to EXACT_OUTPUTS, since products write whole ones. */
#ifndef LACONIC_CODEC_EXACT_WORK_H
#define LACONIC_CODEC_EXACT_WORK_H

#include "base/arena.h"
#include "codec/exact/model.h"

enum { EXACT_ROWS = 48 }; /* of one worker at once: 8 tiles of the widest set, and in its cache */

struct exact_work {
    const struct t5_config *config;
    size_t model_stride, inner_stride, ff_stride; /* floats from row to row */
    float *x;                                     /* [EXACT_ROWS, model_stride] the residual stream */
    float *normed;                                /* [EXACT_ROWS, model_stride] */
    float *projected;                             /* [EXACT_ROWS, 3 inner padded] */
    float *attended;                              /* [EXACT_ROWS, inner_stride] */
    float *hidden, *gate;                         /* [EXACT_ROWS, ff_stride]; gate only with gated_gelu */
    struct exact_rows rows;
    size_t rows_capacity; /* longest row in 8 bits */
    float *head;          /* [3, width padded] one head's numbers where widths are padded */
    float *scores;        /* [keys] */
    uint8_t *weights;     /* [2 keys] */
};

/* keys: the most that any query sees, in whole blocks. Runs the same on a measuring arena. */
void exact_work_lay_out(struct exact_work *work, const struct t5_config *config, size_t keys,
                        struct arena *arena);

/* Width of a head's caches. */
size_t exact_head_width(const struct t5_config *config);
size_t exact_padded(int n, int step);

/* y [count, stride] = or += x w^T for rows x [count, x_stride], outputs [first, first + outputs). */
struct exact_target {
    float *y;
    size_t stride;
    bool add;
    size_t first, outputs; /* multiples of EXACT_OUTPUTS; outputs 0: all */
};
void exact_project(struct exact_work *work, const struct exact_matrix *w, const float *x, size_t x_stride,
                   int count, const struct exact_target *target);

/* normed = norm(x) */
void exact_normalise(struct exact_work *work, const float *weight, int count);

/* Puts key and value of every head at a position; caches [heads]. */
void exact_cache_store(struct exact_work *work, struct exact_cache *caches, size_t position,
                       const float *keys, const float *values);

/* attended row = heads' attention of the query row; bias + head * bias_stride is each head's (view's bias is
 * set). */
void exact_attend(struct exact_work *work, int row, const float *query, const struct exact_cache *caches,
                  struct exact_view view, const float *bias, size_t bias_stride);

/* x += feed-forward(norm(x)) */
void exact_feed_forward(struct exact_work *work, const struct exact_block_weights *w, int count);

/* One head's caches for `keys` positions, in whole blocks. */
void exact_cache_lay_out(struct exact_cache *cache, const struct t5_config *config, size_t keys,
                         struct arena *arena);

/* Relative biases reversed: of key j from query t, stride numbers apart by head: bias[behind + j - t]. */
struct exact_bias {
    float *bias; /* [heads, stride] */
    size_t stride, behind;
};
void exact_bias_lay_out(struct exact_bias *bias, const struct t5_config *config, size_t behind, size_t ahead,
                        struct arena *arena);
void exact_bias_fill(struct exact_bias *bias, const struct t5_config *config, const float *table,
                     bool decoder);

#endif
