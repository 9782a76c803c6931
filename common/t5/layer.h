/* The two kinds of sublayer of a T5 block, forward and backward. Both read the residual stream x, add their
 * result to it and keep what their backward pass needs:
 *
 *     attention:     x + Wo attention(norm(x) or memory)         feed-forward:  x + Wo act(Wi norm(x))
 *
 * Shapes: x [tokens, d_model], context [tokens, inner], inner = heads * d_kv, active [tokens, d_ff]. The
 * residual stream, its gradient and all weights' gradients are float32; what products read and write between
 * them is in the precision of the pass (struct values).
 */
#ifndef LACONIC_T5_LAYER_H
#define LACONIC_T5_LAYER_H

#include "base/arena.h"
#include "kernels/attention.h"
#include "kernels/linear.h"
#include "t5/parameters.h"

/* What every sublayer of a pass shares. */
struct t5_context {
    const struct t5_config *config;
    const float *weights;
    const bf16 *packed; /* NULL: the pass is in float32 */
    float *gradients;   /* NULL in a forward pass */
    float dropout_rate;
    uint64_t dropout_key;
    struct linear_scratch linear;
    struct attention_scratch attention;
    /* of the backward pass */
    float *dx, *dnormed;          /* [tokens, d_model] */
    struct values dresult;        /* [tokens, d_model] */
    struct values dprojected;     /* [tokens, 3 inner] */
    struct values dmemory;        /* [memory tokens, 2 inner] */
    struct values dcontext;       /* [tokens, inner] */
    struct values dhidden, dgate; /* [tokens, d_ff] */
};

struct t5_attention_memory {
    float *x;                  /* [tokens, d_model]: the residual stream that came in */
    float *inv;                /* [tokens] */
    struct values normed;      /* [tokens, d_model] */
    struct values projected;   /* self: q, k, v [tokens, 3 inner]; cross: q [tokens, inner] */
    struct values from_memory; /* cross: k, v [memory tokens, 2 inner] */
    struct values context;     /* [tokens, inner] */
    float *statistics;         /* of the softmax, see attention.h; NULL without backward */
};

struct t5_feed_forward_memory {
    float *x, *inv;
    struct values normed;
    struct values active;       /* [tokens, d_ff] */
    struct values hidden, gate; /* [tokens, d_ff] only with gated GELU */
};

/* Memory for n numbers in the precision of the pass. */
struct values t5_take_values(struct arena *arena, bool in_bf16, size_t n);

/* `memory` without values: self-attention; else the encoder's output [memory tokens, d_model]. `place`
 * numbers the sublayer for dropout. The result is written to `out` [tokens, d_model], which may be the next
 * sublayer's x.
 */
void t5_attention_forward(const struct t5_context *t, struct t5_attention_memory *m,
                          const struct t5_attention_weights *w, struct attention_shape shape,
                          struct values memory, int place, float *out);
/* t->dx [tokens, d_model] holds d(loss)/d(out) and leaves as d(loss)/d(x). dmemory += (NULL: self-attention).
 * dbias += (NULL without bias). */
void t5_attention_backward(const struct t5_context *t, struct t5_attention_memory *m,
                           const struct t5_attention_weights *w, struct attention_shape shape,
                           struct values memory, int place, float *dmemory, float *dbias);

void t5_feed_forward_forward(const struct t5_context *t, struct t5_feed_forward_memory *m,
                             const struct t5_feed_forward_weights *w, int tokens, int place, float *out);
void t5_feed_forward_backward(const struct t5_context *t, struct t5_feed_forward_memory *m,
                              const struct t5_feed_forward_weights *w, int tokens, int place);

/* The linear layer that stands at `l` in the pass's weights. */
struct linear t5_linear_at(const struct t5_context *t, const struct t5_linear *l);

/* Every sublayer, numbered by `place`, owns T5_PLACES dropout masks; a stack's first place is its embedding's
 * and its last norm's. */
enum { T5_PLACE_RESULT, T5_PLACE_INSIDE, T5_PLACES };
void t5_dropout(const struct t5_context *t, struct values x, size_t n, int place);

#endif
