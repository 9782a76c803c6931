/* Small random batches for tests of algorithms: rows of several texts, some with common beginnings, every
 * state's logits and values the same wherever it occurs, as networks would have it. */
#ifndef LACONIC_TESTS_RL_BATCH_WORLD_H
#define LACONIC_TESTS_RL_BATCH_WORLD_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "train/learning/algorithm.h"

enum { WORLD_ROWS = 16, WORLD_TOKENS = 64, WORLD_IDS = 7 };

/* One network, [tokens]. */
struct world_network {
    float logits[WORLD_TOKENS * WORLD_IDS], value[WORLD_TOKENS];
};

struct world {
    struct train_settings settings;
    struct rl_batch batch;
    struct world_network live, target;
    int32_t start[WORLD_ROWS + 1], actions[WORLD_TOKENS];
};

static inline void world_set(struct world *w, const char *const *changes) {
    options_defaults(train_options, &w->settings);
    for (; *changes; changes++)
        cr_assert_eq(options_set(train_options, &w->settings, *changes), STATUS_OK, "%s", fail_sentence());
}

static inline void world_read(struct world *w) {
    struct rl_batch *l = &w->batch;
    struct policy_statistics live = {l->live.logit,  l->live.log_sum, l->live.largest,
                                     l->live.argmax, l->live.entropy, NULL};
    struct policy_statistics target = {l->target.logit,  l->target.log_sum, l->target.largest,
                                       l->target.argmax, l->target.entropy, l->target.other_logit};
    policy_measure(w->live.logits, w->actions, NULL, l->tokens, WORLD_IDS, &live);
    policy_measure(w->target.logits, w->actions, l->live.argmax, l->tokens, WORLD_IDS, &target);
    memcpy(l->live.value, w->live.value, (size_t)l->tokens * sizeof(float));
    memcpy(l->target.value, w->target.value, (size_t)l->tokens * sizeof(float));
}

/* Whether token t of row r stands in the same state as token t of row s. */
static inline bool world_same_state(const struct world *w, int r, int s, int t) {
    return w->batch.row[r].text == w->batch.row[s].text && t < w->start[r + 1] - w->start[r] &&
           t < w->start[s + 1] - w->start[s] &&
           memcmp(w->actions + w->start[r], w->actions + w->start[s], (size_t)t * sizeof *w->actions) == 0;
}

static inline void world_copy_state(struct world_network *n, int from, int to) {
    memcpy(n->logits + to * WORLD_IDS, n->logits + from * WORLD_IDS, WORLD_IDS * sizeof(float));
    n->value[to] = n->value[from];
}

static inline void world_share_states(struct world *w) {
    for (int r = 0; r < w->batch.rows; r++)
        for (int s = 0; s < r; s++)
            for (int t = 0; world_same_state(w, r, s, t); t++) {
                world_copy_state(&w->live, w->start[s] + t, w->start[r] + t);
                world_copy_state(&w->target, w->start[s] + t, w->start[r] + t);
            }
}

/* Rows of the batch without contents: opened, to be filled in by the caller; world_close() afterwards. */
static inline void world_open(struct world *w) {
    cr_assert_eq(rl_batch_open(&w->batch, WORLD_ROWS, WORLD_TOKENS), STATUS_OK);
    w->batch.settings = &w->settings;
    w->batch.vocabulary = WORLD_IDS;
    w->batch.start = w->start;
    w->batch.actions = w->actions;
    w->batch.figures = (struct rl_batch_figures){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static inline void world_close(struct world *w) {
    rl_batch_close(&w->batch);
}

/* Codes of 0 to 4 tokens out of two ids, so that beginnings recur; four rows about each text. Behaviour
 * policies near the live one, unknown in every third row; the first row of a text is its best. */
static inline void world_random(struct world *w, uint64_t seed) {
    struct rl_batch *l = &w->batch;
    struct rng rng;
    int at = 0;
    rng_seed(&rng, seed, "world");
    world_open(w);
    for (l->rows = 0; l->rows < 12; l->rows++) {
        struct rl_batch_row *row = &l->row[l->rows];
        int size = (int)rng_below(&rng, 5);
        *row = (struct rl_batch_row){.text = l->rows / 4,
                                     .weight = 1.0f,
                                     .baseline = 0.3f * rng_normal(&rng),
                                     .has_log_probability = l->rows % 3 != 2,
                                     .best = l->rows % 4 == 0};
        w->start[l->rows] = at;
        for (int i = 0; i <= size; i++, at++) {
            w->actions[at] = i < size ? 3 + (int32_t)rng_below(&rng, 2) : 1;
            l->reward[at] = 0.5f * rng_normal(&rng);
            row->reward += l->reward[at];
        }
    }
    w->start[l->rows] = l->tokens = at;
    for (int i = 0; i < at; i++) {
        for (int a = 0; a < WORLD_IDS; a++) {
            w->live.logits[i * WORLD_IDS + a] = rng_normal(&rng);
            w->target.logits[i * WORLD_IDS + a] = w->live.logits[i * WORLD_IDS + a] + 0.7f * rng_normal(&rng);
        }
        w->live.value[i] = rng_normal(&rng);
        w->target.value[i] = w->live.value[i] + 0.5f * rng_normal(&rng);
    }
    world_share_states(w);
    world_read(w);
    for (int i = 0; i < at; i++)
        l->behaviour[i] = rl_batch_log_probability(&l->live, i) + 0.4f * rng_normal(&rng);
}

#endif
