/* Who proposes what: mutations do what their names say, combinations join what stayed exact, schedules choose
 * the texts, rollouts keep one of each, pairs get their symbols; and the step of the value head. */
#include <math.h>
#include "base/log.h"
#include "expect.h"
#include "train/behaviour.h"
#include "train/value_head.h"

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
        text->bytes = text->size = 6;
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
static void add_exact(struct stage *s, const int32_t *code, int size, float nats) {
    struct rollout *r = &s->rollout;
    cr_assert(rollout_propose(
        r, 0, &(struct proposal){.policy = POLICY_demonstration, .size = size, .code = code}));
    rollout_episode(r, 0, r->count[0] - 1)->exact = 1;
    rollout_episode(r, 0, r->count[0] - 1)->nats = nats;
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
    rollout_begin_round(&s->rollout);
}

static bool has_code(const struct stage *s, int first, const int32_t *code, int size) {
    for (int e = first; e < s->rollout.count[0]; e++)
        if (rollout_episode(&s->rollout, 0, e)->size == size &&
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
    rollout_begin_round(&s.rollout);
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
        cr_expect_eq(rollout_episode(&s.rollout, 0, e)->size, BASE);
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
    rollout_propose(&s.rollout, 0, &(struct proposal){.policy = POLICY_sample, .size = 4, .code = base});
    s.rollout.scored[0] = 1;
    rollout_begin_round(&s.rollout);
    for (int policy = POLICY_deletion; policy < POLICY_COUNT; policy++)
        act(&s, policy, 100);
    cr_expect_eq(s.rollout.count[0], 1);
    close_stage(&s);
}

/* ------------------------------------------------------------ combinations */

/* Scores an episode by its code: exact at these nats. */
static void score(struct stage *s, const int32_t *code, int size, float nats) {
    struct rollout *r = &s->rollout;
    for (int e = 1; e < r->count[0]; e++)
        if (rollout_episode(r, 0, e)->size == size &&
            memcmp(rollout_code(r, 0, e), code, (size_t)size * sizeof *code) == 0) {
            rollout_episode(r, 0, e)->exact = 1;
            rollout_episode(r, 0, e)->nats = nats;
            return;
        }
    cr_assert_fail("no such episode");
}

#define SCORE(stage, nats, ...)                                                                              \
    score(stage, (const int32_t[]){__VA_ARGS__},                                                             \
          (int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), nats)

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
    rollout_begin_round(&s.rollout);
    act(&s, POLICY_deletion, 100);
    for (int e = 1; e < s.rollout.count[0]; e++) {
        rollout_episode(&s.rollout, 0, e)->exact = 1;
        rollout_episode(&s.rollout, 0, e)->nats = (float)rollout_edit(&s.rollout, 0, e)->place;
    }
    s.rollout.scored[0] = s.rollout.count[0];
    int first = act(&s, POLICY_combination, 2);
    cr_expect_eq(s.rollout.count[0], first + 2);
    cr_expect(HAS(&s, first, 14, 15, 16), "four of seven");
    cr_expect_eq(rollout_episode(&s.rollout, 0, first + 1)->size, 0, "all seven");
    close_stage(&s);
}

Test(behaviour, a_round_begins_from_what_the_last_one_left) {
    struct stage s;
    begin(&s);
    act(&s, POLICY_deletion, 100);
    SCORE(&s, 2.0f, 20, 30, 40);
    SCORE(&s, 1.0f, 10, 30, 40);
    s.rollout.scored[0] = s.rollout.count[0];
    rollout_begin_round(&s.rollout);
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
    struct episode episode = {.text = 0, .size = 3, .exact = 1, .nats = 1.0f};
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
    int once = behaviour_room(&s), mutations = 0;
    for (int policy = 0; policy < POLICY_COUNT; policy++) {
        cr_expect_eq(behaviours[policy].mutates, policy >= POLICY_deletion, "%s", behaviours[policy].name);
        mutations += behaviours[policy].mutates ? (int)behaviour_share(&s, policy)->count : 0;
    }
    s.behaviour.rounds = 3;
    cr_expect_eq(behaviour_room(&s), once + 2 * mutations);
    cr_expect_eq(mutations, 20, "16 deletions and 4 combinations");
    cr_expect_eq(once, mutations + 4, "a greedy code, 2 samples, a demonstration");
}

/* ------------------------------------------------------------ rollouts */

Test(rollout, keeps_one_of_each_and_finds_the_best) {
    struct rollout r;
    cr_assert_eq(rollout_open(&r, 2, 3, 4), STATUS_OK);
    rollout_add_text(&r)->index = 42;
    cr_expect_eq(r.base[0], -1);
    cr_expect(rollout_propose(&r, 0, &(struct proposal){POLICY_greedy, 3, base, NULL, {0}}));
    cr_expect_not(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 3, base, NULL, {0}}), "again");
    cr_expect_not(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 5, base, NULL, {0}}), "too long");
    cr_expect(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 2, base, (float[]){-1, -2, -3}, {0}}));
    cr_expect(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 1, base, NULL, {0}}));
    cr_expect_not(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 0, base, NULL, {0}}), "full");
    cr_expect_eq(rollout_best_exact(&r, 0), -1, "nothing scored yet");
    r.scored[0] = 3;
    rollout_episode(&r, 0, 0)->exact = rollout_episode(&r, 0, 1)->exact = 1;
    cr_expect_eq(rollout_best_exact(&r, 0), 1, "the shorter of the exact ones");
    cr_expect_eq(rollout_episode(&r, 0, 1)->text, 42);
    cr_expect_eq(rollout_episode(&r, 0, 1)->known, 1);
    cr_expect_eq(rollout_episode(&r, 0, 2)->known, 0);
    rollout_close(&r);
}

Test(rollout, files_groups_with_their_probabilities) {
    struct rollout r;
    struct replay replay;
    float log_probability[5];
    int32_t code[CODE];
    cr_assert_eq(rollout_open(&r, 3, 3, 4), STATUS_OK);
    cr_assert_eq(replay_open(&replay, &(struct replay_size){8, 32, 262, 4, 0}), STATUS_OK);
    for (uint64_t i = 0; i < 3; i++)
        rollout_add_text(&r)->index = 40 + i;
    rollout_propose(&r, 0, &(struct proposal){POLICY_greedy, 3, base, NULL, {0}});
    rollout_propose(&r, 2, &(struct proposal){POLICY_sample, 2, base, (float[]){-1, -2, -3}, {0}});
    rollout_propose(&r, 2, &(struct proposal){POLICY_copy, 4, base, NULL, {0}});
    rollout_file(&r, &replay, 7);
    cr_expect_eq(replay.count, 3);
    cr_expect_eq(replay_at(&replay, 1)->text, 42);
    cr_expect_eq(replay_at(&replay, 1)->iteration, 7);
    cr_expect_eq(replay_at(&replay, 1)->group, replay_at(&replay, 2)->group);
    cr_expect_neq(replay_at(&replay, 0)->group, replay_at(&replay, 1)->group);
    replay_code(&replay, 1, code);
    cr_expect_arr_eq(code, base, 2 * sizeof *code);
    cr_expect(replay_log_probability(&replay, 1, log_probability));
    cr_expect_arr_eq(log_probability, ((const float[]){-1, -2, -3}), 3 * sizeof(float));
    cr_expect_not(replay_log_probability(&replay, 2, log_probability));
    replay_close(&replay);
    rollout_close(&r);
}

/* ------------------------------------------------------------ symbols of pairs */

enum { IDS = TOKEN_EXTRA + 3 };

TestSuite(pairs, .init = expect_enter_folder, .fini = expect_leave_folder);

static struct dataset *data_of(const char *text, int repeat) {
    const char *paths[] = {"text"};
    struct dataset *data = NULL;
    log_set_level(LOG_WARNING);
    struct dataset_recipe recipe = {
        .paths = paths, .path_count = 1, .chunking = {CHUNK_LINES, 16}, .shares = {1, 0, 0}};
    FILE *f = fopen("text", "w");
    cr_assert_not_null(f);
    for (int i = 0; i < repeat; i++)
        fprintf(f, "%s", text);
    fclose(f);
    EXPECT_OK(dataset_make(&recipe, "data.h5"));
    EXPECT_OK(dataset_open(&data, "data.h5"));
    return data;
}

/* Plainly: how often each pair stands in the training text. */
static void count_pairs(const struct tokenizer *tokenizer, const struct dataset *data, int (*times)[IDS]) {
    memset(times, 0, sizeof *times * IDS);
    for (uint64_t i = 0; i < dataset_count(data, SPLIT_TRAIN); i++) {
        int32_t ids[CHUNK_MAXIMUM];
        struct dataset_chunk chunk = dataset_get(data, SPLIT_TRAIN, i);
        size_t size = tokenizer_encode(tokenizer, chunk.bytes, chunk.size, ids);
        for (size_t k = 0; k + 1 < size; k++)
            times[ids[k]][ids[k + 1]]++;
    }
}

/* The most frequent pair left, the smallest ids among equals, taken out; false when none is left. */
static bool next_pair(int (*times)[IDS], int32_t *left, int32_t *right) {
    int most = 0;
    for (int32_t a = 0; a < IDS; a++)
        for (int32_t b = 0; b < IDS; b++)
            if (times[a][b] > most) {
                most = times[a][b];
                *left = a;
                *right = b;
            }
    if (most > 0)
        times[*left][*right] = 0;
    return most > 0;
}

Test(pairs, the_most_frequent_ones_share_the_free_symbols) {
    static int times[IDS][IDS];
    struct tokenizer tokenizer;
    const struct tokenizer_merge merge = {TOKEN_BYTE + 't', TOKEN_BYTE + 'h'};
    struct dataset *data = data_of("the other path\nthen that one\nno the\n", 9);
    cr_assert_eq(tokenizer_open_merges(&tokenizer, &merge, 1, 3), STATUS_OK);
    const int wanted[] = {1, 2, 7, 1000};
    for (int i = 0; i < 4; i++) {
        struct pair_symbols symbols;
        int32_t left, right;
        int rank = 0;
        cr_assert_eq(pair_symbols_open(&symbols, &tokenizer, data, wanted[i]), STATUS_OK);
        count_pairs(&tokenizer, data, times);
        for (; rank < wanted[i] && next_pair(times, &left, &right); rank++)
            cr_expect_eq(pair_symbol(&symbols, left, right), TOKEN_EXTRA + 1 + rank % 2, "rank %d of %d",
                         rank, wanted[i]);
        cr_expect_eq(symbols.count, rank);
        while (next_pair(times, &left, &right))
            cr_expect_eq(pair_symbol(&symbols, left, right), -1);
        cr_expect_eq(pair_symbol(&symbols, 3, 3), -1, "this pair never stood anywhere");
        pair_symbols_close(&symbols);
    }
    tokenizer_free(&tokenizer);
    dataset_close(data);
}

Test(pairs, none_without_free_symbols_or_pairs) {
    struct tokenizer full, bytes;
    struct pair_symbols symbols;
    const struct tokenizer_merge merge = {TOKEN_BYTE + 't', TOKEN_BYTE + 'h'};
    struct dataset *data = data_of("a\nb\n", 3), *letters;
    cr_assert_eq(tokenizer_open_merges(&full, &merge, 1, 1), STATUS_OK);
    cr_assert_eq(tokenizer_open_bytes(&bytes, 4), STATUS_OK);
    cr_assert_eq(pair_symbols_open(&symbols, &full, data, 5), STATUS_OK);
    cr_expect_eq(symbols.count, 0, "every id is a byte or a merge");
    cr_expect_eq(pair_symbol(&symbols, 3, 4), -1);
    cr_assert_eq(pair_symbols_open(&symbols, &bytes, data, 0), STATUS_OK);
    cr_expect_eq(symbols.count, 0, "none wanted");
    dataset_close(data);
    letters = data_of("abababab", 1);
    cr_assert_eq(pair_symbols_open(&symbols, &bytes, letters, 5), STATUS_OK);
    cr_expect_eq(symbols.count, 2, "ab and ba");
    pair_symbols_close(&symbols);
    dataset_close(letters);
    tokenizer_free(&bytes);
    tokenizer_free(&full);
}

/* ------------------------------------------------------------ the value head */

/* AdamW as its paper writes it, in double. */
static double plain_adamw(double weight, const double *gradients, int steps, const struct adamw *a) {
    double m = 0, v = 0, b1 = (double)a->beta1, b2 = (double)a->beta2, rate = (double)a->learning_rate;
    for (int t = 1; t <= steps; t++) {
        double g = gradients[t - 1];
        m = b1 * m + (1 - b1) * g;
        v = b2 * v + (1 - b2) * g * g;
        weight -= rate * ((m / (1 - pow(b1, t))) / (sqrt(v / (1 - pow(b2, t))) + (double)a->epsilon) +
                          (double)a->weight_decay * weight);
    }
    return weight;
}

Test(value_head, learns_by_adamw_from_zero) {
    struct value_head head;
    const struct adamw adamw = {0.1f, 0.9f, 0.98f, 1e-8f, 0.01f};
    const double gradients[] = {0.5, -2, 3};
    cr_assert_eq(value_head_open(&head, 3), STATUS_OK);
    cr_expect_eq(head.size, 4);
    for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 4; i++)
            cr_assert_eq(head.gradients[i], 0.0f, "they are zero between steps");
        head.gradients[1] = (float)(2 * gradients[step - 1]); /* halved by clipping */
        head.gradients[3] = (float)gradients[step - 1];
        value_head_update(&head, &adamw, step, 0.5f);
    }
    const double halves[] = {0.25, -1, 1.5};
    cr_expect_eq(head.weights[0], 0.0f);
    cr_expect_float_eq((double)head.weights[1], plain_adamw(0, gradients, 3, &adamw), 1e-5);
    cr_expect_float_eq((double)head.weights[3], plain_adamw(0, halves, 3, &adamw), 1e-5);
    cr_expect_eq(head.target[1], 0.0f, "the target follows when it is told to");
    value_head_close(&head);
}
