/* One learner step: packed copies follow the weights, both precisions learn alike, bad gradients change
 * nothing. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "t5/parameters.h"
#include "train/learning/learner.h"

enum { ROWS = 4, LENGTH = 9 };

static const struct t5_config config = {.vocab_size = 300,
                                        .d_model = 32,
                                        .d_kv = 8,
                                        .d_ff = 40,
                                        .num_layers = 1,
                                        .num_decoder_layers = 2,
                                        .num_heads = 4,
                                        .relative_attention_num_buckets = 8,
                                        .relative_attention_max_distance = 20,
                                        .layer_norm_epsilon = 1e-6f,
                                        .tie_word_embeddings = true,
                                        .eos_token_id = 1};
static const struct adamw adamw = {1e-2f, 0.9f, 0.98f, 1e-8f, 0.01f};

struct pupil {
    struct t5_model model;
    struct learner learner;
    struct batch batch;
};

static void open_pupil(struct pupil *p, bool in_bf16) {
    struct rng rng;
    rng_seed(&rng, 7, "weights");
    cr_assert_eq(t5_open(&p->model, &config), STATUS_OK);
    t5_initialise(&p->model, &rng);
    cr_assert_eq(in_bf16 ? t5_use_bf16(&p->model) : STATUS_OK, STATUS_OK);
    cr_assert_eq(batch_open(&p->batch, ROWS, LENGTH + 1), STATUS_OK);
    struct t5_limits limits = batch_limits(&p->batch);
    cr_assert_eq(learner_open(&p->learner, &p->model, &limits, 1), STATUS_OK);
}

static void close_pupil(struct pupil *p) {
    learner_close(&p->learner);
    batch_close(&p->batch);
    t5_close(&p->model);
}

/* Copies of short rows: something a model learns in few steps. */
static struct learner_result loss_gradient(struct pupil *p) {
    batch_clear(&p->batch);
    for (int r = 0; r < ROWS; r++) {
        int32_t ids[LENGTH];
        int size = LENGTH - 2 * r;
        for (int i = 0; i < size; i++)
            ids[i] = 10 + (r * 37 + i * 11) % 250;
        batch_add(&p->batch, ids, size, ids, size, 1.0f);
    }
    return learner_step(&p->learner, &p->batch, &adamw, 1.0);
}

Test(learner, packed_copies_follow_the_weights) {
    struct pupil p;
    struct t5_model fresh;
    open_pupil(&p, true);
    for (int i = 0; i < 3; i++)
        loss_gradient(&p);
    cr_assert_eq(t5_open(&fresh, &config), STATUS_OK);
    memcpy(fresh.weights, p.model.weights, fresh.weight_count * sizeof *fresh.weights);
    cr_assert_eq(t5_use_bf16(&fresh), STATUS_OK);
    cr_expect_eq(memcmp(fresh.packed, p.model.packed, fresh.layout->packed_count * sizeof *fresh.packed), 0);
    t5_close(&fresh);
    close_pupil(&p);
}

Test(learner, both_precisions_learn_alike) {
    double loss[2][30];
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        struct pupil p;
        open_pupil(&p, in_bf16);
        for (int i = 0; i < 30; i++)
            loss[in_bf16][i] = loss_gradient(&p).loss;
        close_pupil(&p);
    }
    cr_expect_lt(loss[0][29], 0.5 * loss[0][0], "%g to %g", loss[0][0], loss[0][29]);
    for (int i = 0; i < 30; i++)
        cr_expect_lt(fabs(loss[1][i] - loss[0][i]), 0.05 * loss[0][i] + 0.02,
                     "step %d: %g in bf16, %g in float32", i, loss[1][i], loss[0][i]);
}

Test(learner, threads_do_not_change_a_bf16_step) {
    struct pupil one, three;
    cr_assert_eq(threads_start(1), STATUS_OK);
    open_pupil(&one, true);
    loss_gradient(&one);
    cr_assert_eq(threads_start(3), STATUS_OK);
    open_pupil(&three, true);
    loss_gradient(&three);
    cr_expect_eq(memcmp(one.model.weights, three.model.weights, one.model.weight_count * sizeof(float)), 0);
    close_pupil(&one);
    close_pupil(&three);
    threads_stop();
}

Test(learner, a_gradient_that_is_not_finite_changes_nothing) {
    struct pupil p;
    open_pupil(&p, true);
    float *before = malloc(p.model.weight_count * sizeof *before);
    p.model.weights[p.model.layout->embedding + 10 * (size_t)config.d_model] = NAN;
    t5_refresh(&p.model);
    memcpy(before, p.model.weights, p.model.weight_count * sizeof *before);
    cr_expect(isnan(loss_gradient(&p).loss));
    cr_expect_eq(memcmp(before, p.model.weights, p.model.weight_count * sizeof *before), 0);
    cr_expect_eq(p.learner.step, 0);
    for (size_t i = 0; i < p.model.weight_count; i++)
        cr_assert_eq(p.learner.gradients[i], 0.0f, "the gradient is zero again");
    free(before);
    close_pupil(&p);
}
