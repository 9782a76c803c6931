/* The course of a run: rates and budgets, what a batch is made of, what evaluations and the end of a phase
 * leave, what searches find. */
#include "run_world.h"
#include "train/task/demonstration.h"
#include "train/judging/search.h"
#include "train/run/stages.h"

TestSuite(course, .init = world_begin, .fini = run_folder_leave);

/* ------------------------------------------------------------ rates and budgets */

Test(course, the_optimiser_gets_every_option_and_the_rate_of_the_step_to_come) {
    struct trainer *t =
        WORLD_RUN("supervised.steps=10", "rl.steps=20", "optimizer.beta1=0.5", "optimizer.beta2=0.75",
                  "optimizer.epsilon=0.125", "optimizer.weight_decay=0.25", "optimizer.warmup=0.4",
                  "optimizer.final_share=0.2");
    const struct {
        enum phase phase;
        int64_t done;
        double rate;
    } steps[] = {{PHASE_SUPERVISED, 0, 0.25}, {PHASE_SUPERVISED, 1, 0.5}, {PHASE_SUPERVISED, 3, 1},
                 {PHASE_SUPERVISED, 9, 0.2},  {PHASE_RL, 0, 0.125},       {PHASE_RL, 7, 1},
                 {PHASE_RL, 13, 0.6},         {PHASE_RL, 19, 0.2}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        t->phase = steps[i].phase;
        t->steps[t->phase] = steps[i].done;
        struct adamw a = trainer_adamw(t, 3);
        cr_expect_float_eq((double)a.learning_rate, 3 * steps[i].rate, 1e-6, "step %zu: %g", i,
                           (double)a.learning_rate);
        cr_expect(a.beta1 == 0.5f && a.beta2 == 0.75f && a.epsilon == 0.125f && a.weight_decay == 0.25f);
    }
    world_leave(t);
}

Test(course, minutes_are_shared_among_the_phases_that_are_on) {
    const struct {
        const char *changes[3];
        double supervised, rl; /* seconds; 0: no such phase */
    } cases[] = {{{"supervised.steps=9", "rl.steps=9", "supervised.share=0.75"}, 90, 30},
                 {{"supervised.steps=9", "rl.steps=0", "supervised.share=0.75"}, 120, 0},
                 {{"supervised.steps=0", "rl.steps=9", "supervised.share=0.75"}, 0, 120}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *c = cases[i].changes;
        struct trainer *t = WORLD_RUN("minutes=2", c[0], c[1], c[2]);
        const double seconds[] = {cases[i].supervised, cases[i].rl};
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            t->phase = (enum phase)phase;
            t->seconds[phase] = 15;
            cr_expect_float_eq(trainer_progress(t), seconds[phase] > 0 ? 15 / seconds[phase] : 1, 1e-9,
                               "case %zu, phase %d", i, phase);
        }
        world_leave(t);
    }
}

/* Judged after every step, with all there is. */
Test(course, evaluations_take_their_time_from_the_budget) {
    struct trainer *t = WORLD_RUN("evaluation.every=1", "evaluation.chunks=40", "rl.updates=0", "rl.texts=1",
                                  "behaviour.deletions=0", "evaluation.examples=32", "rl.steps=30");
    double begun = progress_clock();
    world_go_on(t, 25); /* saving takes as long as some of them */
    double wall = progress_clock() - begun;
    cr_expect_gt(t->seconds[PHASE_RL], 0.5 * wall, "%g of %g s", t->seconds[PHASE_RL], wall);
    world_leave(t);
}

/* Both models' rates in both phases: AdamW's first step is as long as its rate, whatever the gradient. */
Test(course, every_model_learns_at_its_own_rate) {
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        struct trainer *t =
            WORLD_RUN("supervised.steps=4", "rl.algorithm=dqn", "supervised.compressor_rate=0.01",
                      "supervised.decompressor_rate=0.02", "rl.compressor_rate=0.03",
                      "rl.decompressor_rate=0.04", "value.rate=0.05", "optimizer.epsilon=1e-20");
        struct t5_model *models[] = {&t->pair.compressor, &t->pair.decompressor};
        const double rates[PHASE_COUNT][2] = {{0.01, 0.02}, {0.03, 0.04}};
        float *before[2];
        for (int m = 0; m < 2; m++) {
            before[m] = malloc(models[m]->weight_count * sizeof(float));
            memcpy(before[m], models[m]->weights, models[m]->weight_count * sizeof(float));
        }
        t->phase = (enum phase)phase;
        if (phase == PHASE_RL)
            rl_stage_begin(t);
        phase == PHASE_SUPERVISED ? supervised_step(t) : rl_stage_step(t);
        for (int m = 0; m < 2; m++) {
            double largest = 0;
            for (size_t i = 0; i < models[m]->weight_count; i++)
                largest = fmax(largest, fabs((double)(models[m]->weights[i] - before[m][i])));
            cr_expect_float_eq(largest, rates[phase][m], 1e-5, "phase %d, model %d: %g", phase, m, largest);
            free(before[m]);
        }
        for (int i = 0; phase == PHASE_RL && i < t->value.size; i++)
            cr_expect(t->value.gradients[i] == 0.0f && fabsf(t->value.weights[i]) < 0.0501f);
        if (phase == PHASE_RL)
            cr_expect_float_eq(fabs((double)t->value.weights[t->value.size - 1]), 0.05, 1e-5);
        world_leave(t);
    }
}

/* ------------------------------------------------------------ the decompressor's batch */

/* One group of three about text 0: greedy, exact and short, exact and long. */
static void push_three(struct trainer *t) {
    static const int32_t codes[3][3] = {{10, 11, 12}, {20, 21, 22}, {30, 31, 32}};
    const int sizes[] = {3, 2, 3};
    replay_begin_group(&t->replay, 3, 8);
    for (int i = 0; i < 3; i++) {
        struct episode e = {
            .policy = i ? POLICY_deletion : POLICY_greedy, .tokens = sizes[i], .exact = i > 0};
        e.terms[REWARD_exact] = (float)e.exact;
        e.terms[REWARD_length] = -(float)e.tokens;
        replay_push(&t->replay, &e, codes[i], NULL);
    }
    t->newest = 3;
    reward_weights(&t->settings, 1, t->environment.reward_weights);
}

/* Rows whose source begins with this id. */
static int rows_from(const struct batch *b, int32_t first) {
    int rows = 0;
    for (int r = 0; r < b->rows; r++)
        rows += b->source[b->source_start[r]] == first;
    return rows;
}

Test(course, half_of_the_replayed_codes_are_greedy_and_half_the_best) {
    struct trainer *t = WORLD_RUN("rl.goal=exact", "rl.demonstrations=0.25", "batch.rows=256");
    push_three(t);
    rl_stage_learn_decompression(t);
    int greedy = rows_from(&t->batch, 10), best = rows_from(&t->batch, 20);
    cr_expect_eq(t->batch.rows, 256);
    cr_expect(abs(greedy - 96) < 32 && abs(best - 96) < 32, "%d greedy, %d best", greedy, best);
    cr_expect_eq(rows_from(&t->batch, 30), 0, "the shorter of the exact ones");
    world_leave(t);
}

Test(course, replayed_codes_have_the_decompressors_noise) {
    struct trainer *t = WORLD_RUN("rl.goal=exact", "rl.demonstrations=0", "decompressor.drop=1",
                                  "decompressor.drop_rows=1", "batch.rows=64", "demonstration.drop=0");
    push_three(t);
    rl_stage_learn_decompression(t);
    cr_expect_lt(batch_view(&t->batch).source.start[64], 64 * 3, "most rows lack a token of 2 or 3");
    world_leave(t);
    t = WORLD_RUN("rl.goal=exact", "rl.demonstrations=0", "decompressor.drop=0", "demonstration.drop=1",
                  "demonstration.drop_rows=1", "batch.rows=64");
    push_three(t);
    rl_stage_learn_decompression(t);
    cr_expect_eq(rows_from(&t->batch, 10) + rows_from(&t->batch, 20), 64, "whole");
    world_leave(t);
}

Test(course, demonstrations_are_copies_at_their_share_and_whole_without_noise) {
    struct trainer *t = WORLD_RUN("demonstration.copies=0.2", "demonstration.drop=0", "ir.merges=20");
    struct batch b;
    int copies = 0, shown = 0;
    cr_assert_eq(batch_open(&b, 400, t->environment.row_length), STATUS_OK);
    for (int i = 0; i < 400; i++) {
        struct text text;
        int32_t code[CHUNK_MAXIMUM];
        environment_text(&t->environment, SPLIT_TRAIN, (uint64_t)i % 40, &text);
        int size = environment_demonstration(&t->environment, &text, code);
        demonstrate_decompression(&t->environment, &text, &t->rng[STREAM_NOISE], &b);
        int from = b.source_start[i], own = b.source_start[i + 1] - from - 1;
        bool copy = own == text.tokens && memcmp(b.source + from, text.ids, (size_t)own * 4) == 0;
        copies += copy;
        shown += !copy && own == size && memcmp(b.source + from, code, (size_t)own * 4) == 0;
    }
    cr_expect_eq(copies + shown, 400);
    cr_expect(abs(copies - 80) < 40, "%d copies", copies);
    batch_close(&b);
    world_leave(t);
}

Test(course, tokens_are_dropped_in_the_share_of_the_rows) {
    struct rng rng;
    int whole = 0, left = 0;
    rng_seed(&rng, 1, "drop");
    for (int i = 0; i < 1000; i++) {
        int32_t code[20];
        for (int k = 0; k < 20; k++)
            code[k] = k;
        int size = token_drop(&rng, 0.3, 0.8, code, 20);
        for (int k = 1; k < size; k++)
            cr_expect_lt(code[k - 1], code[k], "in order");
        whole += size == 20;
        left += size;
    }
    cr_expect(whole > 690 && whole < 760, "%d rows are whole", whole);
    cr_expect(abs(left - (int)(20 * (700 + 300 * 0.6))) < 400, "%d tokens left", left);
}

/* ------------------------------------------------------------ which episodes a batch takes */

Test(course, a_batch_takes_the_best_and_others_at_random) {
    struct trainer *t = WORLD_RUN("rl.algorithm=awr", "rl.temperature=1e6", "rl.episodes=2", "rl.goal=exact",
                                  "batch.rows=64");
    push_three(t);
    rl_stage_learn_compression(t);
    const struct rl_batch *l = &t->rl_batch;
    int best = 0;
    cr_expect_eq(l->rows, 64);
    for (int r = 0; r < l->rows; r++) {
        best += l->row[r].best;
        cr_expect_eq(l->row[r].best, l->actions[l->start[r]] == 20);
        cr_expect_float_eq(l->row[r].baseline, (-3 - 1 - 2) / 3.0f, 1e-5f, "the mean of all three");
    }
    cr_expect_eq(best, 32, "in every pair");
    world_leave(t);
}

Test(course, batches_leave_out_what_hardly_weighs) {
    struct trainer *t = WORLD_RUN("rl.algorithm=awr", "rl.temperature=0.4", "rl.goal=exact", "batch.rows=60");
    push_three(t); /* rewards -3, -1, -2: weights as e^-5, 1, e^-2.5 */
    rl_stage_learn_compression(t);
    int light = 0;
    for (int r = 0; r < t->rl_batch.rows; r++)
        light += t->rl_batch.actions[t->rl_batch.start[r]] == 10;
    cr_expect_eq(light, 0, "0.7%% of the largest");
    cr_expect_eq(t->rl_batch.rows, 60);
    cr_expect_eq(t->rl_batch.actions[t->rl_batch.start[1]] == 30 ||
                     t->rl_batch.actions[t->rl_batch.start[0]] == 30,
                 true, "8%% counts");
    world_leave(t);
}

Test(course, rewards_are_those_of_the_present_weights) {
    struct trainer *t = WORLD_RUN("rl.algorithm=dqn", "reward.length=1", "reward.exact=0");
    push_three(t);
    t->environment.reward_weights[REWARD_length] = 5;
    t->environment.reward_weights[REWARD_exact] = 100;
    rl_stage_begin(t);
    rl_stage_learn_compression(t);
    for (int r = 0; r < t->rl_batch.rows; r++) {
        int32_t first = t->rl_batch.actions[t->rl_batch.start[r]];
        float expected = first == 10 ? -15 : first == 20 ? 100 - 10 : 100 - 15;
        cr_expect_float_eq(t->rl_batch.row[r].reward, expected, 1e-4f);
        cr_expect_eq(t->rl_batch.row[r].best, first == 20);
    }
    world_leave(t);
}

/* ------------------------------------------------------------ drawing */

/* 40 groups of one: texts 0 to 19 are 40 iterations old, 20 to 39 of now; odd texts have less reward. */
static void push_old_and_new(struct trainer *t) {
    for (uint64_t i = 0; i < 40; i++) {
        struct episode e = {.text = i, .iteration = i < 20 ? 0 : 40, .tokens = 1, .reward = i % 2 ? -1 : 0};
        replay_begin_group(&t->replay, 1, 1);
        replay_push(&t->replay, &e, (const int32_t[]){9}, NULL);
    }
    t->newest = 5;
    t->steps[PHASE_RL] = 40;
}

/* Least and largest text, and the odd ones, of 200 draws. */
struct drawn {
    uint64_t least, largest;
    int odd;
};

static struct drawn draw_many(struct trainer *t, bool newest_only) {
    struct drawn d = {100, 0, 0};
    for (int i = 0; i < 200; i++) {
        struct text text;
        struct episode_source source = rl_stage_source(t);
        source_draw(&source, newest_only, TEXT_ANY, &text);
        d.least = text.index < d.least ? text.index : d.least;
        d.largest = text.index > d.largest ? text.index : d.largest;
        d.odd += text.index % 2;
    }
    return d;
}

Test(course, draws_prefer_what_the_options_say) {
    const struct {
        const char *change;
        bool newest_only;
        uint64_t least; /* about */
        bool odd;
    } cases[] = {{"replay.newest=0", false, 0, true},
                 {"replay.half_life=2", false, 20, true},
                 {"replay.reward_scale=0.05", false, 0, false},
                 {"replay.newest=1", false, 35, true},
                 {"replay.newest=0", true, 35, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trainer *t = WORLD_RUN("replay.newest=0", cases[i].change);
        push_old_and_new(t);
        struct drawn d = draw_many(t, cases[i].newest_only);
        cr_expect(d.least >= cases[i].least && d.least <= cases[i].least + 2, "%s: %d", cases[i].change,
                  (int)d.least);
        cr_expect_geq(d.largest, 38);
        cr_expect_eq(d.odd > 0, cases[i].odd, "%s: %d", cases[i].change, d.odd);
        world_leave(t);
    }
}

Test(course, targets_follow_every_update_and_a_periodic_one_makes_up_for_the_iterations_before) {
    struct trainer *t = WORLD_RUN("rl.updates=3", "decompressor.mode=periodic", "decompressor.every=2");
    world_go_on(t, 1);
    cr_expect_eq(t->updates, 3);
    cr_expect_eq(t->decompressor.step, 0);
    world_go_on(t, 1);
    cr_expect_eq(t->compressor.step, 6);
    cr_expect_eq(t->decompressor.step, 6);
    cr_expect_eq(t->updates, 3 + 6);
    world_leave(t);
}

Test(course, copied_targets_are_all_three) {
    struct trainer *t =
        WORLD_RUN("rl.algorithm=dqn", "rl.updates=4", "target.mode=periodic", "target.every=2");
    world_go_on(t, 1);
    cr_expect_arr_eq(t->target_compressor.weights, t->pair.compressor.weights,
                     t->pair.compressor.weight_count * sizeof(float));
    cr_expect_arr_eq(t->target_decompressor.weights, t->pair.decompressor.weights,
                     t->pair.decompressor.weight_count * sizeof(float));
    cr_expect_arr_eq(t->value.target, t->value.weights, (size_t)t->value.size * sizeof(float));
    cr_expect_neq(t->value.weights[0], 0.0f);
    world_leave(t);
}

/* ------------------------------------------------------------ acting */

Test(course, rewards_follow_their_ramp) {
    struct trainer *t = WORLD_RUN("reward.length=2", "reward.length_from=0", "reward.ramp=0.5", "rl.steps=8");
    rl_stage_begin(t);
    for (int step = 0; step < 8; step++) {
        t->phase = PHASE_RL;
        t->steps[PHASE_RL] = step;
        rl_stage_act(t);
        double expected = step < 4 ? 2 * step / 4.0 : 2;
        cr_expect_float_eq(t->environment.reward_weights[REWARD_length], expected, 1e-9, "step %d", step);
        const struct episode *e = rollout_episode(&t->rollout, 0, 0);
        cr_expect_float_eq((double)e->reward, reward_sum(t->environment.reward_weights, e->terms), 1e-5);
        cr_expect_eq(replay_at(&t->replay, t->replay.count - 1)->iteration, step);
        cr_expect_eq(t->newest, rollout_total(&t->rollout));
    }
    world_leave(t);
}

/* An archive stores where z ends, too. */
Test(course, a_code_costs_its_end_token) {
    struct trainer *t = WORLD_RUN("rl.steps=2");
    const int32_t all[] = {9, 10, TOKEN_EOS};
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS};
    cr_expect_eq(environment_code_bits(&t->environment, all, 2), 0, "nothing is known yet");
    cr_assert_eq(trainer_price_codes(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_gt(environment_code_bits(&t->environment, all, 0), 0);
    cr_expect_float_eq(environment_code_bits(&t->environment, all, 2),
                       prior_price(t->prior, &context, all, 3), 1e-6);
    world_leave(t);
}

static int episodes_of(const struct trainer *t, int policy) {
    int count = 0;
    for (int i = 0; i < t->rollout.texts; i++)
        for (int e = 0; e < t->rollout.count[i]; e++)
            count += rollout_episode(&t->rollout, i, e)->policy == policy;
    return count;
}

/* A trained compressor ends its codes, one whose weights are all zero never does; so who wrote shows. */
Test(course, greedy_codes_are_the_targets_and_samples_the_live_ones) {
    for (int dead = 0; dead < 2; dead++) {
        struct trainer *t =
            WORLD_RUN("supervised.steps=200", "supervised.compressor_rate=2e-2", "batch.rows=32",
                      "precision=bf16", "behaviour.samples=3", "behaviour.demonstrations=0",
                      "behaviour.deletions=0", "behaviour.combinations=0");
        world_go_on(t, 150);
        rl_stage_begin(t); /* the packed copies are still of nothing */
        if (dead)
            memset(t->target_compressor.weights, 0, t->target_compressor.weight_count * sizeof(float));
        rl_stage_act(t);
        cr_expect_eq(episodes_of(t, POLICY_greedy) > 0, !dead);
        cr_expect_gt(episodes_of(t, POLICY_sample) + (int)t->rollout.refused.repeated, 0);
        cr_expect(!dead || episodes_of(t, POLICY_sample) > 0);
        world_leave(t);
    }
}

/* A best code that the decompressor does not rebuild any more, tried again, is the best no longer. */
Test(course, best_codes_that_broke_are_forgotten) {
    struct trainer *t =
        WORLD_RUN("rl.texts=40", "behaviour.deletions=0", "behaviour.recalls=1", "rl.updates=0");
    uint64_t count = dataset_count(t->data, SPLIT_TRAIN);
    int32_t ids[CHUNK_MAXIMUM];
    int size, kept = 0, tried = 0;
    rl_stage_begin(t);
    for (uint64_t i = 0; i < count; i++) { /* an untrained decompressor rebuilds none of them */
        struct episode e = {.text = i, .exact = 1, .tokens = 1};
        replay_begin_group(&t->replay, 1, 1);
        replay_push(&t->replay, &e, (const int32_t[]){9}, NULL);
    }
    rl_stage_act(t);
    for (int i = 0; i < t->rollout.texts; i++, tried++)
        kept += replay_best(&t->replay, t->rollout.text[i].index, ids, &size);
    cr_expect_eq(tried, 40);
    cr_expect_eq(kept, 0);
    world_leave(t);
}

/* ------------------------------------------------------------ ends of phases */

Test(course, phases_leave_their_files_and_a_whole_prior) {
    struct trainer *t = WORLD_RUN("supervised.steps=2", "rl.steps=40", "evaluation.every=400");
    char path[128];
    int evaluations = 0, texts = 0;
    world_go_on(t, 2);
    run_path(path, sizeof path, "supervised.h5");
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_eq(t->phase, PHASE_RL);
    for (size_t i = 0; i < t->pair.prior_sample_count; i++)
        texts += t->pair.prior_sample[i] == TOKEN_EOS;
    cr_expect_eq(texts, 30, "evaluation.prior");
    int64_t before = t->metrics.rows;
    world_go_on(t, 40);
    for (int c = 0; c < t->metrics.columns; c++)
        for (int64_t row = before;
             strcmp(t->metrics.names[c], "held_out_exact_match") == 0 && row < t->metrics.rows; row++)
            evaluations += !isnan(t->metrics.values[row * METRICS_MAXIMUM + c]);
    cr_expect_eq(evaluations, 2,
                 "in the rl stage after every twentieth of evaluation.every, the last at the end: %d",
                 evaluations);
    world_leave(t);
}

/* ------------------------------------------------------------ search */

Test(course, search_finds_what_the_policies_propose_and_is_exact) {
    struct trainer *t = WORLD_RUN("supervised.steps=1200", "supervised.compressor_rate=1e-2",
                                  "supervised.decompressor_rate=2e-2", "demonstration.drop=0",
                                  "demonstration.copies=0", "batch.rows=32", "rl.texts=7");
    struct search_result found;
    world_go_on(t, 900);
    struct acting acting = search_acting(t);
    reward_weights(&t->settings, 1, t->environment.reward_weights);
    cr_assert_eq(search_split(&acting, SPLIT_VALID, 18, &found), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(found.chunks, 18, "not a multiple of rl.texts");
    int exact = 0, all = (int)dataset_count(t->data, SPLIT_VALID);
    double tokens = 0;
    int64_t bytes = 0;
    for (int i = 0; i < 18; i++) {
        struct rollout *r = &t->rollout;
        struct rng rng;
        acting.actor.rng = &rng;
        rng_seed(&rng, 1, "another");
        rollout_clear(r);
        environment_text(&t->environment, SPLIT_VALID, (uint64_t)(i * all / 18), rollout_add_text(r));
        bytes += r->text[0].bytes;
        act_on_texts(&acting);
        int least = 1000;
        for (int e = 0; e < r->count[0]; e++)
            if (rollout_episode(r, 0, e)->exact && rollout_episode(r, 0, e)->tokens < least)
                least = rollout_episode(r, 0, e)->tokens;
        int32_t ids[CHUNK_MAXIMUM];
        exact += least < 1000;
        tokens += least < 1000 ? least : environment_demonstration(&t->environment, &r->text[0], ids);
    }
    cr_expect(exact > 0 && exact < 18, "%d", exact);
    cr_expect_eq(found.bytes, bytes);
    cr_expect_float_eq(found.exact, exact / 18.0, 0.08, "%g, %g (deletions are tried at random)", found.exact,
                       exact / 18.0);
    cr_expect_float_eq(found.tokens_per_byte, tokens / (double)bytes, 0.05);
    world_leave(t);
}
