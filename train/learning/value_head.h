/* The critic: a linear layer V(s_t) on the compressor's decoder output, learned beside its logits. Used in
 * training only, kept in the run's checkpoint, never in exported models. */
#ifndef LACONIC_TRAIN_LEARNING_VALUE_HEAD_H
#define LACONIC_TRAIN_LEARNING_VALUE_HEAD_H

#include "kernels/optimizer.h"
#include "t5/model.h"

struct value_head {
    int size;                            /* d_model + 1: the bias last */
    float *weights, *target;             /* [size] live, and what follows it as the target network does */
    float *gradients;                    /* [size] zero between steps */
    float *first_moment, *second_moment; /* [size] */
    int64_t step;                        /* updates done */
};

enum status value_head_open(struct value_head *head, int width); /* all zero: V = 0 */
void value_head_close(struct value_head *head);

/* AdamW on the gradients, which are zero afterwards. */
void value_head_update(struct value_head *head, const struct adamw *adamw, float gradient_scale);

#endif
