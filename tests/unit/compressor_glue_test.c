/* What the compressor's batches are made of and what comes of them: statistics of the target, gradients per
 * token, weights of rows, whose episodes, losses, noise. */
#include "run_world.h"
#include "train/run/stages.h"

TestSuite(compressor_glue, .init = world_begin, .fini = run_folder_leave);

/* One group about text 0: a greedy code, and samples with known probabilities. */
static void push_group(struct trainer *t) {
    static const int32_t codes[3][3] = {{10, 11, 12}, {20, 21, 22}, {30, 31, 32}};
    const float log_probability[4] = {-1.0f, -1.5f, -2.0f, -0.5f};
    replay_begin_group(&t->replay, 3, 9);
    for (int i = 0; i < 3; i++) {
        struct episode e = {.policy = i ? POLICY_sample : POLICY_greedy, .tokens = 3, .exact = 1};
        e.terms[REWARD_length] = -(float)i;
        replay_push(&t->replay, &e, codes[i], log_probability);
    }
    t->newest = 3;
    reward_weights(&t->settings, 1, t->environment.reward_weights);
}

/* The target is neither the live network nor its packed copy of yesterday. */
Test(compressor_glue, targets_are_read_from_the_target_network_of_now) {
    static float logits[64 * 300];
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        struct trainer *t = WORLD_RUN("rl.algorithm=dqn", in_bf16 ? "precision=bf16" : "precision=fp32");
        rl_stage_begin(t);
        t5_refresh(&t->target_compressor);
        push_group(t);
        for (size_t i = 0; i < t->target_compressor.weight_count; i++)
            t->target_compressor.weights[i] *= 0.5f;
        t->value.target[t->value.size - 1] = 7.0f;
        rl_stage_learn_compression(t);
        const struct rl_batch *l = &t->rl_batch;
        const struct t5_batch view = batch_view(&t->batch);
        struct logits_of context = {logits, l->vocabulary};
        cr_assert(l->tokens > 8 && l->tokens <= 64);
        t5_refresh(&t->target_compressor);
        t5_forward(t->target_pass, &t->target_compressor, &view, NULL);
        t5_head(t->target_pass, &t->target_compressor, &(struct t5_loss){keep_logits, &context, NULL});
        double apart = 0;
        for (int i = 0; i < l->tokens; i++) {
            cr_expect_float_eq(l->target.logit[i], logits[i * l->vocabulary + l->actions[i]], 1e-3f);
            cr_expect_eq(l->target.value[i], 7.0f);
            cr_expect_eq(l->live.value[i], 0.0f);
            apart = fmax(apart, fabs((double)(l->target.logit[i] - l->live.logit[i])));
        }
        cr_expect_gt(apart, 0.05);
        world_leave(t);
    }
}

/* The loss is divided by the tokens of the batch, every part of it. */
Test(compressor_glue, gradients_are_per_token) {
    struct trainer *t = WORLD_RUN("rl.algorithm=ppo", "rl.baseline=value", "rl.entropy=0.25",
                                  "value.weight=0.5", "rl.clip=1e6");
    push_group(t);
    rl_stage_learn_compression(t);
    const struct rl_batch *l = &t->rl_batch;
    cr_assert_gt(l->tokens, 8);
    for (int r = 0; r < l->rows; r++)
        for (int i = l->start[r]; i < l->start[r + 1]; i++) {
            float gain = rl_batch_return(l, r, i), value = l->live.value[i];
            float ratio = expf(fminf(rl_batch_log_probability(&l->live, i) - l->behaviour[i], 20.0f));
            cr_expect(l->row[r].has_log_probability);
            cr_expect_float_eq(l->dentropy[i] * (float)l->tokens, -0.25f, 1e-5f);
            cr_expect_float_eq(l->dvalue[i] * (float)l->tokens, 0.5f * (value - gain), 1e-4f);
            cr_expect_float_eq(l->dlogit[i] * (float)l->tokens, -ratio * (gain - value), 1e-3f);
            cr_expect_float_eq(l->dlog_sum[i], -l->dlogit[i], 1e-6f);
        }
    world_leave(t);
}

Test(compressor_glue, imitation_has_the_weights_of_the_rows) {
    struct trainer *t = WORLD_RUN("rl.algorithm=awr", "rl.temperature=1", "reward.length=1");
    bool uneven = false;
    push_group(t);
    rl_stage_learn_compression(t);
    const struct rl_batch *l = &t->rl_batch;
    for (int r = 0; r < l->rows; r++)
        for (int i = l->start[r]; i < l->start[r + 1]; i++) {
            cr_expect_float_eq(l->dlogit[i] * (float)l->tokens, -l->row[r].weight, 1e-5f);
            uneven = uneven || fabsf(l->row[r].weight - l->row[0].weight) > 0.1f;
        }
    cr_expect(uneven);
    world_leave(t);
}

Test(compressor_glue, on_policy_batches_are_of_samples_of_this_iteration) {
    struct trainer *t =
        WORLD_RUN("rl.algorithm=a2c", "behaviour.samples=2", "behaviour.temperature=1", "batch.rows=32");
    push_group(t);
    push_group(t); /* the first is of yesterday */
    for (int again = 0; again < 4; again++) {
        rl_stage_learn_compression(t);
        const struct rl_batch *l = &t->rl_batch;
        cr_assert_eq(l->rows, 32);
        for (int r = 0; r < l->rows; r++)
            cr_expect_neq(l->actions[l->start[r]], 10, "the greedy code");
    }
    world_leave(t);
}

/* What a code is drawn twice for counts twice where the mean is over samples, once where it is not. */
Test(compressor_glue, frequencies_count_where_the_algorithm_needs_them) {
    const char *algorithms_of[] = {"rl.algorithm=expert", "rl.algorithm=ppo"};
    for (int i = 0; i < 2; i++) {
        struct trainer *t = WORLD_RUN(
            "supervised.steps=200", "supervised.compressor_rate=2e-2", "batch.rows=32", algorithms_of[i],
            "behaviour.samples=6", "behaviour.temperature=1e-3", "behaviour.greedy=0",
            "behaviour.demonstrations=0", "behaviour.deletions=0", "behaviour.combinations=0");
        world_go_on(t, 150);
        rl_stage_begin(t);
        rl_stage_act(t);
        cr_expect_gt(rollout_total(&t->rollout), 0, "codes end");
        cr_expect_eq(t->rollout.refused.repeated > 0, i == 0, "%s: %d", algorithms_of[i],
                     (int)t->rollout.refused.repeated);
        world_leave(t);
    }
}

Test(compressor_glue, a_supervised_loss_is_the_mean_over_tokens) {
    struct trainer *t = WORLD_RUN("supervised.steps=3");
    struct step_result result = supervised_step(t);
    double sum = 0;
    int tokens = batch_target_tokens(&t->batch);
    for (int i = 0; i < tokens; i++)
        sum += (double)t->batch.nll[i];
    cr_expect_gt(tokens, 2 * t->batch.rows);
    cr_expect_float_eq(result.decompressor.loss, sum / tokens, 1e-4);
    world_leave(t);
}

/* The same batch, nothing learned, another noise. */
Test(compressor_glue, dropout_is_another_at_every_step_and_for_every_model) {
    double loss[2][3];
    for (int m = 0; m < 2; m++) {
        struct trainer *t = WORLD_RUN("supervised.steps=3");
        struct learner *l = m ? &t->decompressor : &t->compressor;
        memcpy(t->pair.decompressor.weights, t->pair.compressor.weights,
               t->pair.compressor.weight_count * sizeof(float));
        l->model->config.dropout_rate = 0.5f;
        for (int i = 0; i < 3; i++) {
            batch_clear(&t->batch);
            batch_add(&t->batch, (const int32_t[]){10, 11, 12}, 3, (const int32_t[]){20, 21}, 2, 1.0f);
            struct adamw still = {.learning_rate = 0, .beta1 = 0.9f, .beta2 = 0.98f, .epsilon = 1e-8f};
            loss[m][i] = learner_step(l, &t->batch, &still, 1).loss;
        }
        world_leave(t);
        cr_expect(loss[m][0] != loss[m][1] && loss[m][1] != loss[m][2]);
    }
    cr_expect_neq(loss[0][0], loss[1][0]);
}
