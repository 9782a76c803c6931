/* One model that learns: its pass, gradient and AdamW moments.
 *
 * Simple use:
 *     learner_open(&learner, &model, &limits, 0);
 *     struct learner_result result = learner_step(&learner, &batch, &adamw, 1.0);
 *     if (isnan(result.loss)) ...                     not finite: nothing was changed
 */
#ifndef LACONIC_TRAIN_LEARNING_LEARNER_H
#define LACONIC_TRAIN_LEARNING_LEARNER_H

#include "kernels/optimizer.h"
#include "t5/model.h"
#include "train/task/batch.h"

struct learner {
    struct t5_model *model; /* borrowed */
    struct t5_pass *pass;
    float *gradients;                    /* [weight_count] zero between steps */
    float *first_moment, *second_moment; /* [weight_count] */
    struct adamw_matrix *matrices;       /* [matrix_count] with packed copies, none in float32 */
    int matrix_count;
    int64_t step; /* updates done */
    uint64_t dropout_key;
    double flops, seconds; /* of all steps so far (t5/flops.h) */
};

/* limits: of the largest batch it will see. In bf16 when the model has packed copies (t5_use_bf16). */
enum status learner_open(struct learner *learner, struct t5_model *model, const struct t5_limits *limits,
                         uint64_t dropout_key);
void learner_close(struct learner *learner);

struct learner_result {
    double loss; /* not a number when the gradient is not finite; then nothing was changed. Sum of weight *
                    nll over the target tokens, divided by their number; nats */
    double gradient_norm; /* before clipping */
};

/* One AdamW step down the weighted cross-entropy of the batch; fills batch->nll and argmax. */
struct learner_result learner_step(struct learner *learner, struct batch *batch, const struct adamw *adamw,
                                   double clip);

/* The same in two halves, for losses of one's own: forward, then t5_head() at will, then one step down
 * `loss`. Returns the norm of the gradient before clipping; nothing was changed if it is not finite. */
void learner_forward(struct learner *learner, const struct batch *batch);
double learner_descend(struct learner *learner, const struct batch *batch, const struct t5_loss *loss,
                       const struct adamw *adamw, double clip);

#endif
