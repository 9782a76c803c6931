/* The projection to the vocabulary, some tokens at a time: logits, what a loss makes of them, and their way
 * back. With a vocabulary of 32,128 the logits of a batch would be its largest array by far.
 */
#ifndef LACONIC_T5_HEAD_H
#define LACONIC_T5_HEAD_H

#include "t5/layer.h"
#include "t5/value.h"

struct t5_head {
    int tokens;           /* of the batch */
    int piece;            /* tokens at once */
    float scale;          /* of the logits: d_model^-0.5 when the head is tied */
    struct values output; /* [tokens, d_model]: the decoder's */
    struct values input;  /* [tokens, d_model]; in float32 a scaled copy, as Hugging Face computes it */
    float *logits;        /* [piece, vocab_size] */
    bf16 *dlogits;        /* [piece, vocab_size], bf16 only */
    bool copies;
    struct linear_scratch scratch;
    struct t5_value_scratch value_scratch;
};

void t5_head_lay_out(struct t5_head *head, const struct t5_config *config, int target_tokens, bool in_bf16,
                     bool with_backward, struct arena *arena);

/* output [tokens, d_model]: the decoder's, which must stay until the last run. */
void t5_head_begin(struct t5_head *head, const struct t5_context *t, struct values output, int tokens);

/* Shows the loss all logits, and its value head the output, piece by piece. doutput [tokens, d_model] not
 * NULL: also writes d(loss)/d(output) and adds to t->gradients. */
void t5_head_run(struct t5_head *head, const struct t5_context *t, const struct t5_linear *weights,
                 const struct t5_loss *loss, float *doutput);

#endif
