/* Who proposes what: mutations do what their names say, combinations join what stayed exact, schedules choose
 * the texts. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "train/acting/behaviour.h"

enum { TEXTS = 1, EPISODES = 40, CODE = 16 };

/* One text "ababcd" whose z begins as {10, 20, 30, 40}, a vocabulary of 256 bytes, one merge (a, b) and two
 * free symbols, and three pairs that have them. */
struct stage {
    struct train_settings settings;
    struct model_pair pair;
    struct pair_symbols symbols;
    uint64_t pairs[3];
    int32_t symbol[3];
    struct environment environment;
    struct replay replay;
    struct rng rng;
    struct actor actor;
    struct rollout rollout;
};

static const int32_t base[] = {10, 20, 30, 40};
enum { BASE = 4, FREE = TOKEN_EXTRA + 1 };

static void open_stage(struct stage *s, int texts) {
    const struct tokenizer_merge merge = {TOKEN_BYTE + 'a', TOKEN_BYTE + 'b'};
    const char letters[] = "ababcd";
    *s = (struct stage){.pairs = {(uint64_t)10 << 32 | 20, (uint64_t)20 << 32 | 30, (uint64_t)30 << 32 | 40},
                        .symbol = {FREE, FREE + 1, FREE}};
    options_defaults(train_options, &s->settings);
    cr_assert_eq(tokenizer_open_merges(&s->pair.tokenizer, &merge, 1, 3), STATUS_OK);
    s->symbols = (struct pair_symbols){3, s->pairs, s->symbol};
    s->environment = (struct environment){.settings = &s->settings, .pair = &s->pair, .symbols = &s->symbols};
    cr_assert_eq(replay_open(&s->replay, &(struct replay_size){8, 64, 262, CODE, 4}), STATUS_OK);
    rng_seed(&s->rng, 1, "action");
    s->actor =
        (struct actor){.environment = &s->environment, .replay = &s->replay, .rng = &s->rng, .progress = 0};
    cr_assert_eq(rollout_open(&s->rollout, texts, EPISODES, CODE), STATUS_OK);
    for (int t = 0; t < texts; t++) {
        struct text *text = rollout_add_text(&s->rollout);
        text->index = (uint64_t)t;
        text->bytes = text->tokens = 6;
        for (int i = 0; i < 6; i++)
            text->ids[i] = TOKEN_BYTE + letters[i];
    }
}

static void close_stage(struct stage *s) {
    rollout_close(&s->rollout);
    replay_close(&s->replay);
    tokenizer_free(&s->pair.tokenizer);
}

/* Proposes z for text 0 as an exact episode that has been scored. */
static void add_exact(struct stage *s, const int32_t *code, int size, float nll) {
    struct rollout *r = &s->rollout;
    cr_assert(rollout_propose(
        r, 0, &(struct proposal){.policy = POLICY_demonstration, .tokens = size, .code = code}));
    rollout_episode(r, 0, r->count[0] - 1)->exact = 1;
    rollout_episode(r, 0, r->count[0] - 1)->nll = nll;
    r->scored[0] = r->count[0];
}

static void set_share(struct stage *s, int policy, struct behaviour_share share) {
    *(struct behaviour_share *)((char *)&s->settings + behaviours[policy].share) = share;
}

/* Lets a policy act at full share; returns the number of its first episode. */
static int act(struct stage *s, int policy, int count) {
    int first = s->rollout.count[0];
    set_share(s, policy, (struct behaviour_share){count, 1, 1});
    behaviour_act(&s->actor, &s->rollout, policy);
    for (int e = first; e < s->rollout.count[0]; e++)
        cr_expect_eq(rollout_episode(&s->rollout, 0, e)->policy, policy);
    return first;
}

static void begin(struct stage *s) {
    open_stage(s, TEXTS);
    add_exact(s, base, BASE, 1.0f);
    rollout_begin_round(&s->rollout, RANKING_SHORTEST);
}

static bool has_code(const struct stage *s, int first, const int32_t *code, int size) {
    for (int e = first; e < s->rollout.count[0]; e++)
        if (rollout_episode(&s->rollout, 0, e)->tokens == size &&
            memcmp(rollout_code(&s->rollout, 0, e), code, (size_t)size * sizeof *code) == 0)
            return true;
    return false;
}

#define HAS(stage, first, ...)                                                                               \
    has_code(stage, first, (const int32_t[]){__VA_ARGS__},                                                   \
             (int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

/* ------------------------------------------------------------ mutations */

Test(behaviour, deletions_lack_one_token) {
    struct stage s;
    begin(&s);
    cr_expect_eq(act(&s, POLICY_deletion, 100), 1);
    cr_expect_eq(s.rollout.count[0], 5, "one per token, whatever is asked for");
    cr_expect(HAS(&s, 1, 20, 30, 40) && HAS(&s, 1, 10, 30, 40) && HAS(&s, 1, 10, 20, 40) &&
              HAS(&s, 1, 10, 20, 30));
    close_stage(&s);
    begin(&s);
    act(&s, POLICY_deletion, 2);
    cr_expect_eq(s.rollout.count[0], 3, "no more than asked for");
    cr_expect_eq(rollout_edit(&s.rollout, 0, 1)->kind, EDIT_DELETE);
    close_stage(&s);
}

Test(behaviour, merges_write_the_symbol_of_a_pair) {
    struct stage s;
    begin(&s);
    act(&s, POLICY_merge, 100);
    cr_expect_eq(s.rollout.count[0], 4);
    cr_expect(HAS(&s, 1, FREE, 30, 40) && HAS(&s, 1, 10, FREE + 1, 40) && HAS(&s, 1, 10, 20, FREE));
    close_stage(&s);
    begin(&s);
    s.symbols.count = 0;
    act(&s, POLICY_merge, 100);
    cr_expect_eq(s.rollout.count[0], 1, "no pair has a symbol");
    close_stage(&s);
}

Test(behaviour, swaps_exchange_neighbours_that_differ) {
    struct stage s;
    const int32_t twins[] = {10, 10, 20};
    begin(&s);
    act(&s, POLICY_swap, 100);
    cr_expect_eq(s.rollout.count[0], 4);
    cr_expect(HAS(&s, 1, 20, 10, 30, 40) && HAS(&s, 1, 10, 30, 20, 40) && HAS(&s, 1, 10, 20, 40, 30));
    close_stage(&s);
    open_stage(&s, TEXTS);
    add_exact(&s, twins, 3, 1.0f);
    rollout_begin_round(&s.rollout, RANKING_SHORTEST);
    act(&s, POLICY_swap, 100);
    cr_expect_eq(s.rollout.count[0], 2);
    cr_expect(HAS(&s, 1, 10, 20, 10));
    close_stage(&s);
}

Test(behaviour, replacements_differ_in_one_token) {
    struct stage s;
    bool places[BASE] = {false};
    begin(&s);
    act(&s, POLICY_replacement, 100);
    cr_expect_geq(s.rollout.count[0], 4, "almost surely all places");
    for (int e = 1; e < s.rollout.count[0]; e++) {
        const int32_t *code = rollout_code(&s.rollout, 0, e);
        int differing = 0, place = rollout_edit(&s.rollout, 0, e)->place;
        cr_expect_eq(rollout_episode(&s.rollout, 0, e)->tokens, BASE);
        for (int i = 0; i < BASE; i++)
            differing += code[i] != base[i];
        cr_expect_eq(differing, 1);
        cr_expect(code[place] != base[place] && code[place] >= TOKEN_BYTE && code[place] < 262);
        places[place] = true;
    }
    cr_expect_geq(places[0] + places[1] + places[2] + places[3], 3);
    close_stage(&s);
}

Test(behaviour, mutations_need_an_exact_code) {
    struct stage s;
    open_stage(&s, TEXTS);
    rollout_propose(&s.rollout, 0, &(struct proposal){.policy = POLICY_sample, .tokens = 4, .code = base});
    s.rollout.scored[0] = 1;
    rollout_begin_round(&s.rollout, RANKING_SHORTEST);
    for (int policy = POLICY_deletion; policy < POLICY_COUNT; policy++)
        act(&s, policy, 100);
    cr_expect_eq(s.rollout.count[0], 1);
    close_stage(&s);
}

/* ------------------------------------------------------------ combinations */

/* Scores an episode by its code: exact at this negative log-likelihood. */
static void score(struct stage *s, const int32_t *code, int size, float nll) {
    struct rollout *r = &s->rollout;
    for (int e = 1; e < r->count[0]; e++)
        if (rollout_episode(r, 0, e)->tokens == size &&
            memcmp(rollout_code(r, 0, e), code, (size_t)size * sizeof *code) == 0) {
            rollout_episode(r, 0, e)->exact = 1;
            rollout_episode(r, 0, e)->nll = nll;
            return;
        }
    cr_assert_fail("no such episode");
}

#define SCORE(stage, nll, ...)                                                                               \
    score(stage, (const int32_t[]){__VA_ARGS__},                                                             \
          (int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), nll)

Test(behaviour, combinations_join_edits_of_lowest_loss_that_do_not_touch) {
    struct stage s;
    begin(&s);
    act(&s, POLICY_deletion, 100);
    act(&s, POLICY_merge, 100);
    act(&s, POLICY_swap, 100);
    SCORE(&s, 1.0f, 10, 30, 40);       /* without 20 */
    SCORE(&s, 2.0f, 10, FREE + 1, 40); /* (20, 30) merged: 20 is gone already */
    SCORE(&s, 3.0f, 10, 20, FREE);     /* (30, 40) merged */
    SCORE(&s, 4.0f, 20, 30, 40);       /* without 10 */
    SCORE(&s, 0.5f, 20, 10, 30, 40);   /* a swap shortens nothing */
    s.rollout.scored[0] = s.rollout.count[0];
    int first = act(&s, POLICY_combination, 100);
    cr_expect_eq(s.rollout.count[0], first + 2);
    cr_expect(HAS(&s, first, 10, FREE), "the two best together");
    cr_expect(HAS(&s, first, FREE), "all three");
    close_stage(&s);
}

Test(behaviour, combinations_are_spread_up_to_all_edits) {
    struct stage s;
    const int32_t long_code[] = {10, 11, 12, 13, 14, 15, 16};
    open_stage(&s, TEXTS);
    add_exact(&s, long_code, 7, 1.0f);
    rollout_begin_round(&s.rollout, RANKING_SHORTEST);
    act(&s, POLICY_deletion, 100);
    for (int e = 1; e < s.rollout.count[0]; e++) {
        rollout_episode(&s.rollout, 0, e)->exact = 1;
        rollout_episode(&s.rollout, 0, e)->nll = (float)rollout_edit(&s.rollout, 0, e)->place;
    }
    s.rollout.scored[0] = s.rollout.count[0];
    int first = act(&s, POLICY_combination, 2);
    cr_expect_eq(s.rollout.count[0], first + 2);
    cr_expect(HAS(&s, first, 14, 15, 16), "four of seven");
    cr_expect_eq(rollout_episode(&s.rollout, 0, first + 1)->tokens, 0, "all seven");
    close_stage(&s);
}

Test(behaviour, a_round_begins_from_what_the_last_one_left) {
    struct stage s;
    begin(&s);
    act(&s, POLICY_deletion, 100);
    SCORE(&s, 2.0f, 20, 30, 40);
    SCORE(&s, 1.0f, 10, 30, 40);
    s.rollout.scored[0] = s.rollout.count[0];
    rollout_begin_round(&s.rollout, RANKING_SHORTEST);
    cr_expect_arr_eq(rollout_code(&s.rollout, 0, s.rollout.base[0]), ((const int32_t[]){10, 30, 40}), 12);
    int first = act(&s, POLICY_deletion, 100);
    cr_expect_eq(s.rollout.count[0], first + 3);
    cr_expect(HAS(&s, first, 30, 40) && HAS(&s, first, 10, 40) && HAS(&s, first, 10, 30));
    s.rollout.scored[0] = s.rollout.count[0];
    first = act(&s, POLICY_combination, 100);
    cr_expect_eq(s.rollout.count[0], first, "what stayed exact in the first round was made of another code");
    close_stage(&s);
}

/* ------------------------------------------------------------ codes without a search */

Test(behaviour, codes_that_need_no_model) {
    struct stage s;
    const int32_t a = TOKEN_BYTE + 'a', b = TOKEN_BYTE + 'b', c = TOKEN_BYTE + 'c', d = TOKEN_BYTE + 'd';
    open_stage(&s, TEXTS);
    act(&s, POLICY_copy, 1);
    cr_expect(HAS(&s, 0, a, b, a, b, c, d));
    act(&s, POLICY_demonstration, 1);
    cr_expect(HAS(&s, 1, TOKEN_EXTRA, TOKEN_EXTRA, c, d));
    act(&s, POLICY_shortest, 1);
    cr_expect_eq(s.rollout.count[0], 2, "the same again");
    close_stage(&s);
}

Test(behaviour, recall_proposes_the_best_code_ever) {
    struct stage s;
    struct episode episode = {.text = 0, .tokens = 3, .exact = 1, .nll = 1.0f};
    open_stage(&s, 2);
    replay_begin_group(&s.replay, 1, 3);
    replay_push(&s.replay, &episode, base, NULL);
    act(&s, POLICY_recall, 1);
    cr_expect_eq(s.rollout.count[0], 1);
    cr_expect(HAS(&s, 0, 10, 20, 30));
    cr_expect_eq(s.rollout.count[1], 0, "nothing is known of this text");
    close_stage(&s);
}

/* ------------------------------------------------------------ shares and schedules */

Test(behaviour, shares_follow_their_schedule) {
    enum { MANY = 400 };
    struct stage s;
    const double progress[] = {0, 0.25, 0.5, 1}, expected[] = {1, 0.75, 0.5, 0};
    open_stage(&s, MANY);
    for (int i = 0; i < 4; i++) {
        int acted = 0;
        set_share(&s, POLICY_copy, (struct behaviour_share){1, 1, 0});
        memset(s.rollout.count, 0, MANY * sizeof *s.rollout.count);
        s.actor.progress = progress[i];
        behaviour_act(&s.actor, &s.rollout, POLICY_copy);
        for (int t = 0; t < MANY; t++)
            acted += s.rollout.count[t];
        cr_expect_float_eq((double)acted / MANY, expected[i], expected[i] == floor(expected[i]) ? 0 : 0.1,
                           "%d of %d at %g", acted, MANY, progress[i]);
    }
    close_stage(&s);
}

/* So that switching a policy off or on at full share leaves the others' random numbers alone. */
Test(behaviour, whole_shares_and_no_policy_take_no_random_number) {
    struct stage s;
    open_stage(&s, TEXTS);
    struct rng before = s.rng;
    act(&s, POLICY_copy, 1);
    act(&s, POLICY_demonstration, 0);
    cr_expect_eq(s.rollout.count[0], 1);
    cr_expect_arr_eq(&before, &s.rng, sizeof before);
    close_stage(&s);
}

Test(behaviour, room_counts_mutations_once_per_round) {
    struct train_settings s;
    options_defaults(train_options, &s);
    int once = behaviour_most_episodes(&s), mutations = 0;
    for (int policy = 0; policy < POLICY_COUNT; policy++) {
        cr_expect_eq(behaviours[policy].mutates, policy >= POLICY_deletion, "%s", behaviours[policy].name);
        mutations += behaviours[policy].mutates ? (int)behaviour_share(&s, policy)->count : 0;
    }
    s.behaviour.rounds = 3;
    cr_expect_eq(behaviour_most_episodes(&s), once + 2 * mutations);
    cr_expect_eq(mutations, 36, "16 deletions, 16 merges and 4 combinations");
    cr_expect_eq(once, mutations + 2, "a greedy code, a demonstration");
}

/* ------------------------------------------------------------ samples */

/* A model of few ids, so that codes end; TEXTS times the same text. */
struct sampling_stage {
    struct train_settings settings;
    struct environment environment;
    struct t5_model model;
    struct t5_generator *generator;
    struct rng rng;
    struct rollout rollout;
};

enum { SAMPLED_TEXTS = BEHAVIOUR_ROWS + 60, SAMPLED_LENGTH = 24 };

static void sample_twice(struct sampling_stage *s) {
    const struct t5_config config = {.vocab_size = 12,
                                     .d_model = 16,
                                     .d_kv = 8,
                                     .d_ff = 16,
                                     .num_layers = 1,
                                     .num_decoder_layers = 1,
                                     .num_heads = 2,
                                     .relative_attention_num_buckets = 8,
                                     .relative_attention_max_distance = 16,
                                     .layer_norm_epsilon = 1e-6f,
                                     .tie_word_embeddings = true,
                                     .eos_token_id = TOKEN_EOS,
                                     .decoder_start_token_id = TOKEN_PAD};
    *s = (struct sampling_stage){.environment = {.settings = &s->settings}};
    options_defaults(train_options, &s->settings);
    s->settings.behaviour.temperature = 4;
    s->settings.behaviour.samples = (struct behaviour_share){2, 1, 1};
    rng_seed(&s->rng, 1, "action");
    cr_assert_eq(t5_open(&s->model, &config), STATUS_OK, "%s", fail_sentence());
    t5_initialise(&s->model, &s->rng);
    cr_assert_eq(
        t5_generator_open(&s->generator, &config, BEHAVIOUR_ROWS, SAMPLED_LENGTH + 1, SAMPLED_LENGTH, false),
        STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(rollout_open(&s->rollout, SAMPLED_TEXTS, 2, SAMPLED_LENGTH), STATUS_OK);
    for (int t = 0; t < SAMPLED_TEXTS; t++) {
        struct text *text = rollout_add_text(&s->rollout);
        *text = (struct text){.index = (uint64_t)t, .bytes = SAMPLED_LENGTH, .tokens = SAMPLED_LENGTH};
        for (int i = 0; i < text->tokens; i++)
            text->ids[i] = 5;
    }
    struct actor actor = {.environment = &s->environment,
                          .compressor = &s->model,
                          .target = &s->model,
                          .generator = s->generator,
                          .rng = &s->rng,
                          .repeats = true};
    behaviour_act(&actor, &s->rollout, POLICY_sample);
}

static bool same_code(const struct rollout *r, int t, int e, int other_t, int other_e) {
    int size = rollout_episode(r, t, e)->tokens;
    return size == rollout_episode(r, other_t, other_e)->tokens &&
           memcmp(rollout_code(r, t, e), rollout_code(r, other_t, other_e), (size_t)size * sizeof(int32_t)) ==
               0;
}

/* Texts are sampled in slices: the same row of another slice, of another sample and of a neighbour has random
 * numbers of its own. */
Test(behaviour, no_two_samples_share_their_random_numbers) {
    struct sampling_stage *s = calloc(1, sizeof *s);
    int alike[3] = {0}, compared[3] = {0};
    sample_twice(s);
    const struct rollout *r = &s->rollout;
    for (int t = 0; t < SAMPLED_TEXTS; t++) {
        const int others[3][2] = {{t + BEHAVIOUR_ROWS, 0}, {t, 1}, {t + 1, 0}};
        for (int k = 0; k < 3; k++) {
            int u = others[k][0], e = others[k][1];
            if (u >= SAMPLED_TEXTS || r->count[t] < 2 || r->count[u] < 2)
                continue; /* not all of them ended */
            compared[k]++;
            alike[k] += same_code(r, t, 0, u, e);
        }
    }
    for (int k = 0; k < 3; k++) {
        cr_expect_gt(compared[k], 10, "%d", compared[k]);
        cr_expect_lt(2 * alike[k], compared[k], "%d: %d of %d alike", k, alike[k], compared[k]);
    }
    cr_expect_gt(r->refused.unended, 0);
    rollout_close(&s->rollout);
    t5_generator_close(s->generator);
    t5_close(&s->model);
    free(s);
}
