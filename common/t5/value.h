/* The value head: one number per target token, read off the decoder's output beside the logits. */
#ifndef LACONIC_T5_VALUE_H
#define LACONIC_T5_VALUE_H

#include "t5/layer.h"
#include "t5/model.h"

/* Scratch for both: a row of d_model numbers per thread. */
struct t5_value_scratch {
    float *rows; /* [threads, d_model], bf16 only */
    int width;   /* d_model */
};

void t5_value_lay_out(struct t5_value_scratch *scratch, const struct t5_config *config, bool in_bf16,
                      struct arena *arena);

/* values[first .. first + count) of output [count, d_model], the piece of the decoder's output. */
void t5_value_forward(const struct t5_value *value, struct values output, int first, int count,
                      const struct t5_value_scratch *scratch);

/* doutput [count, d_model] += dvalue weights, and the value head's own gradients +=; nothing without dvalues.
 * The same bits at any number of threads. */
void t5_value_backward(const struct t5_value *value, struct values output, float *doutput, int first,
                       int count, const struct t5_value_scratch *scratch);

#endif
