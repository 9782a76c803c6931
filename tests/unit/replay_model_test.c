/* A plain model of the replay buffer beside the real one, for thousands of random steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "replay_world.h"

enum { MODEL_EPISODES = 24, MODEL_TOKENS = 50, MODEL_TEXTS = 12, MODEL_SLOTS = 9, MODEL_STEPS = 6000 };

struct plain_episode {
    struct episode episode;
    int32_t code[CAPACITY];
    float log_probability[CAPACITY + 1];
};

/* Every episode there ever was; those from `begin` on are held. */
struct model {
    struct plain_episode *all; /* [MODEL_STEPS * 4] */
    int64_t begin, end;
    uint64_t groups;
    struct plain_episode best[MODEL_TEXTS];
    bool has_best[MODEL_TEXTS], share_slot[MODEL_TEXTS][MODEL_TEXTS];
    int64_t accepted, tried;
};

/* Two texts share a slot when the best code of one drives out the other's. */
static void find_shared_slots(struct model *m) {
    for (uint64_t a = 0; a < MODEL_TEXTS; a++)
        for (uint64_t b = 0; b < MODEL_TEXTS; b++) {
            struct replay replay;
            open_replay(&replay, sized(2, 2, MODEL_SLOTS));
            push_one(&replay, a, 1, 1, 0, 3);
            push_one(&replay, b, 1, 1, 0, 4);
            m->share_slot[a][b] = a != b && best_id(&replay, a) < 0;
            replay_close(&replay);
        }
}

static int64_t model_tokens(const struct model *m) {
    int64_t tokens = 0;
    for (int64_t i = m->begin; i < m->end; i++)
        tokens += m->all[i].episode.tokens;
    return tokens;
}

static void model_drop_group(struct model *m) {
    uint64_t group = m->all[m->begin].episode.group;
    while (m->begin < m->end && m->all[m->begin].episode.group == group)
        m->begin++;
}

static void model_offer(struct model *m, const struct plain_episode *p) {
    uint64_t text = p->episode.text;
    const struct episode *old = &m->best[text].episode;
    if (!p->episode.exact ||
        (m->has_best[text] && (old->tokens < p->episode.tokens ||
                               (old->tokens == p->episode.tokens && old->nll <= p->episode.nll))))
        return;
    for (uint64_t other = 0; other < MODEL_TEXTS; other++)
        m->has_best[other] = m->has_best[other] && !m->share_slot[text][other];
    m->best[text] = *p;
    m->has_best[text] = true;
}

static struct plain_episode random_episode(struct rng *rng, uint64_t text, int64_t iteration) {
    struct plain_episode p = {.episode = {.text = text,
                                          .iteration = iteration,
                                          .policy = (int32_t)rng_below(rng, POLICIES_MAXIMUM),
                                          .tokens = (int32_t)rng_below(rng, CAPACITY + 1),
                                          .exact = (int32_t)rng_below(rng, 2),
                                          .has_log_probability = (int32_t)rng_below(rng, 2),
                                          .reward = -rng_uniform(rng),
                                          .nll = (float)rng_below(rng, 4),
                                          .terms = {rng_uniform(rng)}}};
    for (int i = 0; i < CAPACITY; i++)
        p.code[i] = (int32_t)rng_below(rng, VOCABULARY);
    for (int i = 0; i <= CAPACITY; i++)
        p.log_probability[i] = -rng_uniform(rng);
    return p;
}

static void push_both(struct model *m, struct replay *replay, struct rng *rng, int64_t iteration) {
    struct plain_episode group[4];
    int count = 1 + (int)rng_below(rng, 4);
    int64_t tokens = 0;
    uint64_t text = rng_below(rng, MODEL_TEXTS);
    m->groups++;
    for (int i = 0; i < count; i++) {
        group[i] = random_episode(rng, text, iteration);
        group[i].episode.group = m->groups;
        tokens += group[i].episode.tokens;
    }
    while (m->end - m->begin + count > MODEL_EPISODES || model_tokens(m) + tokens > MODEL_TOKENS)
        model_drop_group(m);
    replay_begin_group(replay, count, tokens);
    for (int i = 0; i < count; i++) {
        m->all[m->end++] = group[i];
        model_offer(m, &group[i]);
        replay_push(replay, &group[i].episode, group[i].code,
                    group[i].episode.has_log_probability ? group[i].log_probability : NULL);
    }
}

/* Returns the position of the first episode of the group, counted from the oldest. */
static int64_t model_draw(struct model *m, struct rng *rng, const struct replay_sampling *sampling) {
    int64_t count = m->end - m->begin, span = count, at = 0;
    double highest = -INFINITY;
    bool plain = sampling->half_life == 0 && sampling->reward_scale == 0, taken = false;
    for (int64_t i = m->begin; i < m->end; i++)
        highest = fmax(highest, (double)m->all[i].episode.reward);
    if (sampling->newest_count > 0 && sampling->newest_count < count &&
        (double)rng_uniform(rng) < sampling->newest)
        span = sampling->newest_count;
    for (int tries = 0; tries < REPLAY_TRIES && !taken; tries++) {
        at = m->end - span + (int64_t)rng_below(rng, (uint64_t)span);
        const struct episode *e = &m->all[at].episode;
        double age =
            sampling->half_life > 0 ? (double)(sampling->now - e->iteration) / sampling->half_life : 0;
        double less = sampling->reward_scale > 0 ? (highest - (double)e->reward) / sampling->reward_scale : 0;
        taken = plain || (double)rng_uniform(rng) < exp2(-age) * exp(-less);
        m->tried++;
    }
    m->accepted += taken;
    while (at > m->begin && m->all[at - 1].episode.group == m->all[at].episode.group)
        at--;
    return at - m->begin;
}

static void draw_both(struct model *m, struct replay *replay, struct rng *rng, int64_t now) {
    const double half_lives[] = {0, 1, 20}, scales[] = {0, 0.02, 0.5};
    struct replay_sampling sampling = {.newest = 0.4,
                                       .newest_count = (int64_t)rng_below(rng, 8),
                                       .half_life = half_lives[rng_below(rng, 3)],
                                       .reward_scale = scales[rng_below(rng, 3)],
                                       .now = now};
    struct rng other = *rng;
    int64_t expected = model_draw(m, &other, &sampling);
    struct replay_group group = replay_draw(replay, rng, &sampling);
    cr_assert_eq(group.first, expected);
    uint64_t number = m->all[m->begin + expected].episode.group;
    for (int64_t i = m->begin; i < m->end; i++)
        group.size -= m->all[i].episode.group == number;
    cr_assert_eq(group.size, 0, "whole groups");
    cr_assert_eq(memcmp(rng, &other, sizeof other), 0, "as many random numbers");
}

static void expect_best(const struct model *m, uint64_t text, const int32_t *code, int size) {
    cr_assert(m->has_best[text]);
    cr_assert_eq(size, m->best[text].episode.tokens);
    cr_assert_eq(memcmp(code, m->best[text].code, (size_t)size * sizeof *code), 0);
}

static void expect_held(const struct model *m, const struct replay *replay, struct rng *rng) {
    int32_t code[CAPACITY];
    float reals[CAPACITY + 1];
    uint64_t drawn;
    int size, filled = 0;
    cr_assert_eq(replay->count, m->end - m->begin);
    for (int64_t i = 0; i < replay->count; i++) {
        const struct plain_episode *p = &m->all[m->begin + i];
        cr_assert_eq(memcmp(replay_at(replay, i), &p->episode, sizeof p->episode), 0);
        replay_code(replay, i, code);
        cr_assert_eq(memcmp(code, p->code, (size_t)p->episode.tokens * sizeof *code), 0);
        cr_assert_eq(replay_log_probability(replay, i, reals), p->episode.has_log_probability);
        cr_assert(!p->episode.has_log_probability ||
                  memcmp(reals, p->log_probability, ((size_t)p->episode.tokens + 1) * sizeof *reals) == 0);
    }
    for (uint64_t text = 0; text < MODEL_TEXTS; text++) {
        filled += m->has_best[text];
        cr_assert_eq(replay_best(replay, text, code, &size), m->has_best[text]);
        if (m->has_best[text])
            expect_best(m, text, code, size);
    }
    cr_assert_eq(replay->best.count, filled);
    if (replay_draw_best(replay, rng, &drawn, code, &size))
        expect_best(m, drawn, code, size);
}

static void expect_statistics(struct model *m, struct replay *replay, int64_t now) {
    struct replay_statistics s;
    double ages = 0, exact = 0, first_policy = 0, count = (double)(m->end - m->begin);
    for (int64_t i = m->begin; i < m->end; i++) {
        ages += (double)(now - m->all[i].episode.iteration);
        exact += m->all[i].episode.exact;
        first_policy += m->all[i].episode.policy == 0;
    }
    replay_statistics(replay, now, &s);
    cr_assert_eq(s.episodes, m->end - m->begin);
    cr_assert_eq(s.tokens, model_tokens(m));
    cr_assert_eq(s.largest_age, now - m->all[m->begin].episode.iteration);
    cr_assert_float_eq(s.mean_age, ages / count, 1e-9);
    cr_assert_float_eq(s.exact, exact / count, 1e-9);
    cr_assert_float_eq(s.share[0], first_policy / count, 1e-9);
    cr_assert_float_eq(s.acceptance, m->tried ? (double)m->accepted / (double)m->tried : 1, 1e-9);
    m->accepted = m->tried = 0;
}

/* Through a file and back. */
static void replace_by_stored(struct replay *replay) {
    struct replay_size size = replay->size;
    char path[64];
    path_of(path, "model");
    write_replay(replay, path);
    replay_close(replay);
    open_replay(replay, size);
    cr_assert_eq(read_replay(replay, path, MODEL_TEXTS), STATUS_OK, "%s", fail_sentence());
    unlink(path);
}

Test(replay_model, does_what_a_plain_model_does) {
    struct model *m = calloc(1, sizeof *m);
    struct replay replay;
    struct rng rng;
    rng_seed(&rng, 10, "model");
    m->all = calloc(MODEL_STEPS * 4, sizeof *m->all);
    find_shared_slots(m);
    open_replay(&replay, sized(MODEL_EPISODES, MODEL_TOKENS, MODEL_SLOTS));
    push_both(m, &replay, &rng, 0);
    for (int64_t step = 1; step < MODEL_STEPS; step++) {
        uint64_t choice = rng_below(&rng, 100), text = rng_below(&rng, MODEL_TEXTS);
        if (choice < 40)
            push_both(m, &replay, &rng, step / 10);
        else if (choice < 80)
            draw_both(m, &replay, &rng, step / 10);
        else if (choice < 95) {
            replay_forget_best(&replay, text);
            m->has_best[text] = false;
        } else if (choice < 99)
            expect_statistics(m, &replay, step / 10);
        else
            replace_by_stored(&replay);
        expect_held(m, &replay, &rng);
    }
    cr_expect_gt(m->begin, MODEL_STEPS / 2, "most of what was pushed left again");
    replay_close(&replay);
    free(m->all);
    free(m);
}
