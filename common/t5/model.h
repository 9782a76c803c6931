/* T5: parameters, forward pass, backward pass.
 * Raffel et al. 2020 (arXiv 1910.10683); v1.1 differences after Shazeer 2020 (arXiv 2002.05202).
 *
 * Batches are ragged: the tokens of all rows stand one behind the other, so padding costs nothing.
 *
 *     struct t5_model model = {0};
 *     TRY(t5_open(&model, &config));
 *     t5_initialise(&model, &rng);
 *     struct t5_pass *pass = NULL;
 *     TRY(t5_pass_open(&pass, &config, &limits, true));
 *     t5_forward(pass, &model, &batch, NULL);
 *     struct t5_loss loss = t5_cross_entropy(&targets);               // or one of your own
 *     t5_backward(pass, &model, &loss, gradients);                     // gradients += d(loss)/d(weights)
 *
 * The logits of all tokens never exist at once: the head runs over some tokens at a time, and the loss sees
 * each piece of them once.
 *
 * t5_use_bf16() gives a model packed bf16 copies of its weights; passes and generators opened for bf16
 * multiply those, with float32 sums, float32 residual stream and float32 gradients of the weights.
 *
 * A pass is for one thread at a time and spreads its work over the pool (base/threads.h). Passes may share a
 * model whose weights nobody changes meanwhile.
 */
#ifndef LACONIC_T5_MODEL_H
#define LACONIC_T5_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include "base/rng.h"
#include "base/status.h"
#include "kernels/bf16.h"
#include "t5/config.h"
#include "t5/int8.h"
#include "t5/parameters.h"

/* Ragged rows of token ids: row r is ids[start[r] .. start[r + 1]). Borrowed pointers. */
struct t5_rows {
    int count;
    const int32_t *ids;
    const int32_t *start; /* [count + 1], start[0] == 0 */
};

struct t5_model {
    struct t5_config config;
    struct t5_layout *layout;              /* where each layer finds its weights (parameters.h) */
    const struct t5_parameter *parameters; /* [parameter_count] the layout's, as the next two numbers are */
    int parameter_count;
    size_t weight_count;  /* numbers in the flat array */
    float *weights;       /* flat, 64-byte aligned; same layout for gradients and optimiser moments. NULL in a
                             model that has them only in 8 bits */
    struct t5_int8 *int8; /* the weights in 8 bits, of a packed file; NULL else */
    bf16 *packed;         /* copies of the linear layers' weights, NULL without t5_use_bf16() */
};

enum status t5_open(struct t5_model *model, const struct t5_config *config); /* weights zero */
/* The same in two steps: a model without weights, and weights for it. */
enum status t5_open_shape(struct t5_model *model, const struct t5_config *config);
enum status t5_open_weights(struct t5_model *model);
void t5_close(struct t5_model *model);                       /* safe on a zeroed model, twice */
void t5_initialise(struct t5_model *model, struct rng *rng); /* T5's own initial distribution */
/* Relative biases that favour what is near, added to the initial ones: -slope * distance in the first head, a
 * quarter of that in each further one (after the linear biases of Press, Smith, Lewis 2022). From T5's own
 * initial values a language model of bytes needs thousands of steps to find the bytes before. */
void t5_localise(struct t5_model *model, float slope);
const struct t5_parameter *t5_find_parameter(const struct t5_model *model, const char *name); /* NULL: none */

/* The weights in 8 bits: lent by a packed model, else quantised for the moment (STATUS_FORMAT if one is not
 * finite). Release them while the model is open. */
enum status t5_take_int8(struct t5_int8 *int8, const struct t5_model *model);
void t5_release_int8(struct t5_int8 *int8, const struct t5_model *model);
/* Float32 weights for a packed model, which keeps those in 8 bits; nothing where there are weights. */
enum status t5_dequantise(struct t5_model *model);

/* Allocates the packed copies and fills them; nothing when that was done. */
enum status t5_use_bf16(struct t5_model *model);
/* Packs again after a change of the weights; nothing without packed copies. */
void t5_refresh(struct t5_model *model);

struct t5_batch {
    struct t5_rows source;      /* encoder input, every row at least one token */
    struct t5_rows target;      /* decoder input (labels shifted right behind decoder_start_token_id) */
    const uint8_t *source_mask; /* [source tokens] 0 hides a position from attention; NULL: all visible */
};

struct t5_limits {
    int rows, source_tokens, target_tokens; /* of a whole batch */
    int row_length;                         /* longest single row, source or target */
    bool bf16;                              /* the model will have packed copies */
};

struct t5_dropout {
    float rate;
    uint64_t key; /* another key, another mask; the same key gives the same mask again */
};

struct t5_pass; /* activations of one batch, sized once */

enum status t5_pass_open(struct t5_pass **pass, const struct t5_config *config,
                         const struct t5_limits *limits, bool with_backward);
void t5_pass_close(struct t5_pass *pass); /* NULL is fine */

/* Runs both stacks. A pass without backward takes no dropout. The batch and dropout (NULL: none) must stay
 * alive until the backward pass. A batch beyond the limits, an id outside the vocabulary or an empty source
 * row is a programmer's error (assert). */
void t5_forward(struct t5_pass *pass, const struct t5_model *model, const struct t5_batch *batch,
                const struct t5_dropout *dropout);

/* A value head: a linear layer on the decoder's output (after the final norm, without the logits' scale),
 *     v = output . weights + bias    for every target token,
 * for losses that need an estimate of the return beside the logits. Borrowed pointers; arrays of tokens are
 * those of the whole batch, of which a run of the loss finds its piece [first, first + count). */
struct t5_value {
    const float *weights; /* [d_model + 1], the bias last */
    float *values;        /* [target tokens] a piece is written before the loss sees its logits */
    const float *dvalues; /* [target tokens] d(loss)/d(value), a piece is read when the loss has run on it;
                             NULL: none. Backward passes only, as the next */
    float *gradients;     /* [d_model + 1] d(loss)/d(weights) is added */
};

/* What is to become of the logits. Called for pieces of the target tokens, in order: logits [count,
 * vocab_size] are those of tokens first .. first + count. In a backward pass it leaves d(loss)/d(logits) in
 * their place. */
struct t5_loss {
    void (*run)(void *context, float *logits, int first, int count);
    void *context;
    struct t5_value *value; /* NULL: none */
};

/* The head over the last forward pass, for the loss's sake alone. */
void t5_head(struct t5_pass *pass, const struct t5_model *model, const struct t5_loss *loss);

/* The head, the loss and the backward pass; adds to `gradients` [weight_count]. */
void t5_backward(struct t5_pass *pass, const struct t5_model *model, const struct t5_loss *loss,
                 float *gradients);

/* All logits of the last forward pass at once [target tokens, vocab_size]; for tests and small models. */
void t5_logits(struct t5_pass *pass, const struct t5_model *model, float *logits);

/* Weighted cross-entropy of labels. `nll` [tokens] receives -ln softmax(logits)[label], `argmax` (NULL: not)
 * the most probable id; the loss is the sum of weight * nll. Negative labels do not count. */
struct t5_targets {
    const int32_t *labels;
    const float *weights; /* NULL: no gradient is wanted */
    float *nll;
    int32_t *argmax;
    int vocabulary;
};
struct t5_loss t5_cross_entropy(struct t5_targets *targets);

/* The encoder's output after the final norm and dropout of the last forward: [source tokens, d_model], valid
 * until the next forward pass; float32 passes only. */
const float *t5_encoder_output(const struct t5_pass *pass);

#endif
