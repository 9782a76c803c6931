/* A learning model. */
#include "train/learning/learner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/progress.h"
#include "t5/flops.h"
#include "t5/parameters.h"

/* The matrices whose packed copies the optimiser keeps fresh. */
static enum status list_matrices(struct learner *l) {
    const struct t5_layout *layout = l->model->layout;
    if (!l->model->packed)
        return STATUS_OK;
    l->matrices = calloc((size_t)layout->linear_count, sizeof *l->matrices);
    if (!l->matrices)
        return fail(STATUS_MEMORY, "no memory for the list of %d matrices", layout->linear_count);
    for (l->matrix_count = 0; l->matrix_count < layout->linear_count; l->matrix_count++) {
        const struct t5_linear *linear = &layout->linears[l->matrix_count];
        l->matrices[l->matrix_count] = (struct adamw_matrix){.offset = linear->w,
                                                             .rows = linear->out,
                                                             .columns = linear->in,
                                                             .forward = l->model->packed + linear->forward,
                                                             .backward = l->model->packed + linear->backward};
    }
    return STATUS_OK;
}

enum status learner_open(struct learner *l, struct t5_model *model, const struct t5_limits *limits,
                         uint64_t dropout_key) {
    *l = (struct learner){.model = model, .dropout_key = dropout_key};
    l->gradients = calloc(model->weight_count, sizeof(float));
    l->first_moment = calloc(model->weight_count, sizeof(float));
    l->second_moment = calloc(model->weight_count, sizeof(float));
    if (!l->gradients || !l->first_moment || !l->second_moment) {
        learner_close(l);
        return fail(STATUS_MEMORY, "no memory for the gradients of a model of %zu weights",
                    model->weight_count);
    }
    struct t5_limits own = *limits;
    own.bf16 = model->packed != NULL;
    enum status status = list_matrices(l);
    if (status == STATUS_OK)
        status = t5_pass_open(&l->pass, &model->config, &own, true);
    if (status != STATUS_OK)
        learner_close(l);
    return status;
}

void learner_close(struct learner *l) {
    t5_pass_close(l->pass);
    free(l->gradients);
    free(l->first_moment);
    free(l->second_moment);
    free(l->matrices);
    *l = (struct learner){0};
}

/* Sum of weight * nll. */
static double weighted_loss(const struct batch *batch, int tokens) {
    double loss = 0;
    for (int i = 0; i < tokens; i++)
        loss += (double)batch->weights[i] * (double)batch->nll[i];
    return loss;
}

void learner_forward(struct learner *l, const struct batch *batch) {
    const struct t5_batch view = batch_view(batch);
    struct t5_dropout dropout = {l->model->config.dropout_rate, l->dropout_key + (uint64_t)l->step};
    double begun = progress_clock();
    t5_forward(l->pass, l->model, &view, &dropout);
    l->seconds += progress_clock() - begun;
}

double learner_descend(struct learner *l, const struct batch *batch, const struct t5_loss *loss,
                       const struct adamw *adamw, double clip) {
    struct t5_model *model = l->model;
    const struct t5_batch view = batch_view(batch);
    double begun = progress_clock();
    t5_backward(l->pass, model, loss, l->gradients);
    double norm = gradient_norm(l->gradients, model->weight_count);
    if (!isfinite(norm)) { /* an update would leave weights that no checkpoint may hold */
        memset(l->gradients, 0, model->weight_count * sizeof(float));
        return norm;
    }
    l->step++;
    l->flops += t5_flops(&model->config, &view, true);
    adamw_update(model->weights, l->first_moment, l->second_moment, l->gradients, model->weight_count, adamw,
                 l->step, gradient_clip_scale(norm, clip), l->matrices, l->matrix_count);
    l->seconds += progress_clock() - begun;
    return norm;
}

struct learner_result learner_step(struct learner *l, struct batch *batch, const struct adamw *adamw,
                                   double clip) {
    int tokens = batch_target_tokens(batch);
    float per_token = 1.0f / (float)tokens;
    for (int i = 0; i < tokens; i++)
        batch->weights[i] *= per_token;
    struct t5_targets targets = batch_targets(batch, batch->weights, l->model->config.vocab_size);
    struct t5_loss loss = t5_cross_entropy(&targets);
    learner_forward(l, batch);
    double norm = learner_descend(l, batch, &loss, adamw, clip);
    return (struct learner_result){isfinite(norm) ? weighted_loss(batch, tokens) : NAN, norm};
}
