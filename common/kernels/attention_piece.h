/* Between attention's parts: one (row, head) piece, its strips of queries, a worker's buffers. attention.c
 * cuts the work into pieces, attention_f32.c and attention_bf16.c do one. */
#ifndef LACONIC_KERNELS_ATTENTION_PIECE_H
#define LACONIC_KERNELS_ATTENTION_PIECE_H

#include "kernels/attention.h"
#include "kernels/lane_ops.h"

enum {
    ATTENTION_STRIP = 64,   /* queries */
    ATTENTION_GAP = 16,     /* floats between a strip's rows: lane_scores' stride - columns */
    ATTENTION_PADDING = 48, /* floats behind a span of distances that lanes may read or add zeros to */
};

/* Of one worker; those of bf16 and of the backward pass only where the limits ask for them. A strip's rows
 * are `stride` of struct lane_scores apart. */
struct attention_buffers {
    float *bias;             /* [2 length - 1] of the head, padded */
    float *penalty;          /* [keys] of the row: 0 or the most negative float */
    float *scores, *dscores; /* strips */
    float *statistics;       /* [strip, 2] where the caller keeps none */
    float *common;           /* [strip] */

    bf16 *k_transposed, *v_transposed; /* packed [width, keys] */
    bf16 *k, *v;                       /* packed [keys, width] */
    bf16 *p;                           /* a strip of probabilities, or of dscores */
    bf16 *q_strip, *dout_strip;        /* packed [strip, width] */
    bf16 *p_pairs, *ds_pairs;          /* packed [strip, keys] */
    float *product;                    /* [strip, width in whole panels] */
    float *dk, *dv;                    /* [keys, width in whole panels] */
};

struct attention_piece {
    const struct attention_shape *shape;
    const struct attention_buffers *buffers;
    size_t head, queries, keys;
    struct attention_operands in, gradient; /* from this piece's first numbers on, as out and dout */
    struct values out, dout;
    size_t inner;       /* row length of out and dout */
    float *statistics;  /* forward: of its first query, those of the next 2 * heads further; or NULL */
    const float *saved; /* backward: the same */
    float *dbias;       /* [2 length - 1] +=, padded; or NULL */
    uint64_t number;    /* of the first probability, for dropout */
};

struct attention_strip {
    size_t first;         /* query of the piece */
    size_t rows, columns; /* queries; keys that any of them sees */
    struct lane_scores scores;
};

/* The strip from query `first` on; what its gradient is computed from and goes to. */
struct attention_strip attention_strip_at(const struct attention_piece *piece, size_t first);
struct lane_gradient attention_gradient_of(const struct attention_piece *piece,
                                           const struct attention_strip *strip);

/* dbias += the sums of dscores over pairs of one distance, where wanted. */
void attention_add_dbias(const struct attention_piece *piece, const struct attention_strip *strip);

void attention_forward_f32(const struct attention_piece *piece);
void attention_backward_f32(const struct attention_piece *piece);
void attention_forward_bf16(const struct attention_piece *piece);
void attention_backward_bf16(const struct attention_piece *piece);

/* Numbers rounded up to whole panels of a packed matrix. */
static inline size_t attention_whole_panels(size_t n) {
    return (n + BF16_PANEL - 1) / BF16_PANEL * BF16_PANEL;
}

/* Where the strip's statistics go, and how far apart. */
static inline float *attention_statistics(const struct attention_piece *piece, size_t first, size_t *step) {
    *step = piece->statistics ? 2 * (size_t)piece->shape->heads : 2;
    return piece->statistics ? piece->statistics + first * *step : piece->buffers->statistics;
}

#endif
