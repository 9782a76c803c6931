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
 *     float *logits = t5_forward(pass, &model, &batch, NULL);         // [target tokens, vocab_size]
 *     ... turn logits into d(loss)/d(logits) in place (kernels/loss.h) ...
 *     t5_backward(pass, &model, gradients);                            // gradients += d(loss)/d(weights)
 */
#ifndef LACONIC_T5_MODEL_H
#define LACONIC_T5_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include "base/rng.h"
#include "base/status.h"
#include "t5/config.h"

/* Ragged rows of token ids: row r is ids[start[r] .. start[r + 1]). Borrowed pointers. */
struct t5_rows {
    int count;
    const int32_t *ids;
    const int32_t *start; /* [count + 1], start[0] == 0 */
};

/* One weight tensor inside the flat array, named as in Hugging Face's state dict. Linear weights are [out,
 * in]. */
struct t5_parameter {
    char name[80];
    int rank;          /* 1 or 2 */
    int rows, columns; /* rank 1: rows == 1 */
    size_t offset;     /* floats from the start of the flat array */
    float deviation;   /* standard deviation of the initial values; 0: all ones (norms) */
};

struct t5_model {
    struct t5_config config;
    struct t5_parameter *parameters;
    int parameter_count;
    float *weights; /* flat, 64-byte aligned; same layout for gradients and optimiser moments */
    size_t weight_count;
    struct t5_layout *layout; /* where each layer finds its weights (parameters.h) */
};

enum status t5_open(struct t5_model *model, const struct t5_config *config); /* weights zero */
void t5_close(struct t5_model *model);                       /* safe on a zeroed model, twice */
void t5_initialise(struct t5_model *model, struct rng *rng); /* T5's own initial distribution */
const struct t5_parameter *t5_find_parameter(const struct t5_model *model, const char *name); /* NULL: none */

struct t5_batch {
    struct t5_rows source;      /* encoder input, every row at least one token */
    struct t5_rows target;      /* decoder input (labels shifted right behind decoder_start_token_id) */
    const uint8_t *source_mask; /* [source tokens] 0 hides a position from attention; NULL: all visible */
};

struct t5_limits {
    int rows, source_tokens, target_tokens; /* of a whole batch */
    int row_length;                         /* longest single row, source or target */
};

struct t5_dropout {
    float rate;
    uint64_t key; /* another key, another mask; the same key gives the same mask again */
};

struct t5_pass; /* activations of one batch, sized once */

enum status t5_pass_open(struct t5_pass **pass, const struct t5_config *config,
                         const struct t5_limits *limits, bool with_backward);
void t5_pass_close(struct t5_pass *pass); /* NULL is fine */

/* A pass without backward takes no dropout. Logits [target tokens, vocab_size], owned by the pass, valid (and
 * writable) until the next forward. The batch and dropout (NULL: none) must stay alive until the backward
 * pass. A batch beyond the limits, an id outside the vocabulary or an empty source row is a programmer's
 * error (assert). */
float *t5_forward(struct t5_pass *pass, const struct t5_model *model, const struct t5_batch *batch,
                  const struct t5_dropout *dropout);

/* Adds to `gradients` [weight_count], reading d(loss)/d(logits) from the array t5_forward() returned. */
void t5_backward(struct t5_pass *pass, const struct t5_model *model, float *gradients);

/* The encoder's output after the final norm and dropout of the last forward: [source tokens, d_model], valid
 * until the next forward or backward pass. */
const float *t5_encoder_output(const struct t5_pass *pass);

#endif
