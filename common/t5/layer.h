/* The two kinds of sublayer of a T5 block, forward and backward. Both read the residual stream x, add their
 * result to it and keep what their backward pass needs:
 *
 *     attention:     x + Wo attention(norm(x) or memory)         feed-forward:  x + Wo act(Wi norm(x))
 *
 * Shapes: x [tokens, d_model], q k v context [tokens, inner], inner = heads * d_kv, hidden [tokens, d_ff].
 */
#ifndef LACONIC_T5_LAYER_H
#define LACONIC_T5_LAYER_H

#include "kernels/attention.h"
#include "t5/parameters.h"

/* What every sublayer of a pass shares. */
struct t5_context {
    const struct t5_config *config;
    const float *weights;
    float *gradients; /* NULL in a forward pass */
    float dropout_rate;
    uint64_t dropout_key;
    float *scratch_wide;    /* [tokens, max(inner, d_model)] */
    float *dnormed;         /* [tokens, d_model] */
    float *dq, *dk, *dv;    /* [tokens, inner] */
    float *dhidden, *dgate; /* [tokens, d_ff] */
    float *attention_scratch;
    size_t attention_scratch_size;
};

struct t5_attention_memory {
    float *x;           /* [tokens, d_model]: the residual stream that came in */
    float *inv;         /* [tokens] */
    float *normed;      /* [tokens, d_model] */
    float *q, *context; /* [tokens, inner] */
    float *k, *v;       /* [tokens or memory tokens, inner] */
    float *probabilities;
};

struct t5_feed_forward_memory {
    float *x, *inv, *normed;
    float *hidden, *gate, *active; /* [tokens, d_ff]; gate only with gated GELU */
};

/* `memory` NULL: self-attention; else the encoder's output [memory tokens, d_model]. `place` numbers the
 * sublayer for dropout. The result is written to `out` [tokens, d_model], which may be the next sublayer's x.
 */
void t5_attention_forward(struct t5_context *t, struct t5_attention_memory *m,
                          const struct t5_attention_weights *w, struct attention_shape shape,
                          const float *memory, int place, float *out);
/* dx [tokens, d_model] holds d(loss)/d(out) and leaves as d(loss)/d(x). dmemory += (NULL: self-attention).
 * dbias += (NULL without bias). */
void t5_attention_backward(struct t5_context *t, struct t5_attention_memory *m,
                           const struct t5_attention_weights *w, struct attention_shape shape,
                           const float *memory, int place, float *dx, float *dmemory, float *dbias);

void t5_feed_forward_forward(struct t5_context *t, struct t5_feed_forward_memory *m,
                             const struct t5_feed_forward_weights *w, int tokens, int place, float *out);
void t5_feed_forward_backward(struct t5_context *t, struct t5_feed_forward_memory *m,
                              const struct t5_feed_forward_weights *w, int tokens, int place, float *dx);

/* y = x W^T, W [out, in]; and its backward pass: dx = or += dy W, dW += dy^T x. */
void t5_linear_forward(float *y, const float *x, const float *w, int tokens, int in, int out);
void t5_linear_backward(float *dx, bool add, float *dw, const float *dy, const float *x, const float *w,
                        int tokens, int in, int out);

/* Every sublayer, numbered by `place`, owns T5_PLACES dropout masks; a stack's first place is its embedding's
 * and its last norm's. */
enum { T5_PLACE_RESULT, T5_PLACE_INSIDE, T5_PLACES };
void t5_dropout(const struct t5_context *t, float *x, size_t n, int place);

#endif
