/* A learning model. */
#include "train/learner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/loss.h"
#include "kernels/vector.h"

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
    enum status status = t5_pass_open(&l->pass, &model->config, limits, true);
    if (status != STATUS_OK)
        learner_close(l);
    return status;
}

void learner_close(struct learner *l) {
    t5_pass_close(l->pass);
    free(l->gradients);
    free(l->first_moment);
    free(l->second_moment);
    *l = (struct learner){0};
}

struct learner_result learner_step(struct learner *l, struct batch *batch, const struct adamw *adamw,
                                   double clip) {
    struct t5_model *model = l->model;
    struct t5_batch view = batch_view(batch);
    struct t5_dropout dropout = {model->config.dropout_rate, l->dropout_key + (uint64_t)l->step};
    int tokens = batch_target_tokens(batch);
    float per_token = 1.0f / (float)tokens;

    float *logits = t5_forward(l->pass, model, &view, &dropout);
    for (int i = 0; i < tokens; i++)
        batch->weights[i] *= per_token;
    loss_weighted_nll(logits, batch->labels, batch->weights, tokens, model->config.vocab_size, batch->nll,
                      batch->argmax);
    struct learner_result result = {0};
    for (int i = 0; i < tokens; i++)
        result.loss += (double)batch->weights[i] * (double)batch->nll[i];

    memset(l->gradients, 0, model->weight_count * sizeof(float));
    t5_backward(l->pass, model, l->gradients);
    result.gradient_norm = gradient_norm(l->gradients, model->weight_count);
    if (!isfinite(result.gradient_norm)) { /* an update would leave weights that no checkpoint may hold */
        result.loss = NAN;
        return result;
    }
    l->step++;
    adamw_update(model->weights, l->first_moment, l->second_moment, l->gradients, model->weight_count, adamw,
                 l->step, gradient_clip_scale(result.gradient_norm, clip));
    return result;
}

void learner_score(struct learner *l, const struct t5_model *model, struct batch *batch) {
    struct t5_batch view = batch_view(batch);
    const float *logits = t5_forward(l->pass, model, &view, NULL);
    loss_token_nll(logits, batch->labels, batch_target_tokens(batch), model->config.vocab_size, batch->nll,
                   batch->argmax);
}
