/* Reward terms on hand-made outcomes, their weights over the rl stage, and their sum. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "train/task/reward.h"

/* Ten bytes in five tokens; z repeats twice, costs 12 bits, and has a negative log-likelihood of 3 nats and 2
 * edits. */
static struct outcome an_outcome(void) {
    static const int32_t code[] = {300, 300, 300, 301};
    return (struct outcome){.text_bytes = 10,
                            .text_tokens = 5,
                            .code = code,
                            .code_tokens = 4,
                            .nll = 3,
                            .exact = false,
                            .code_bits = 12,
                            .edits = 2};
}

static int index_of(const char *name) {
    for (int i = 0; i < REWARD_COUNT; i++)
        if (strcmp(reward_terms[i].name, name) == 0)
            return i;
    cr_assert_fail("there is no reward term %s", name);
    return -1;
}

static const struct expected {
    const char *name;
    double value, weight;
} expected[] = {{"length", -0.4, 1},
                {"loss", -0.3, 4},
                {"exact", 0, 1},
                {"code_bits", -1.2, 0},
                {"text_bits", -0.43280851226668897, 0}, /* 3 / ln 2 / 10 */
                {"total_bits", -1.632808512266689, 0},
                {"edits", -0.4, 0},
                {"repetition", -0.5, 0}};
enum { TERMS = sizeof expected / sizeof *expected };

Test(reward, every_term_is_what_it_says) {
    float values[REWARD_TERMS_MAXIMUM];
    struct outcome outcome = an_outcome();
    cr_assert_eq(REWARD_COUNT, TERMS);
    reward_values(&outcome, values);
    for (int i = 0; i < TERMS; i++)
        cr_expect_float_eq((double)values[index_of(expected[i].name)], expected[i].value, 1e-6, "%s",
                           expected[i].name);
    outcome.exact = true;
    reward_values(&outcome, values);
    cr_expect_eq(values[index_of("exact")], 1.0f);
}

Test(reward, an_empty_code_costs_no_length_and_repeats_nothing) {
    float values[REWARD_TERMS_MAXIMUM];
    struct outcome outcome = {.text_bytes = 3, .text_tokens = 3, .nll = 9, .code_bits = 1.5};
    reward_values(&outcome, values);
    cr_expect_eq(values[index_of("length")], 0.0f);
    cr_expect_eq(values[index_of("repetition")], 0.0f);
    cr_expect_eq(values[index_of("code_bits")], -0.5f, "the end token's");
}

Test(reward, the_first_term_is_the_length) {}

Test(reward, weights_default_to_length_loss_and_exactness) {
    struct train_settings s;
    double weights[REWARD_TERMS_MAXIMUM];
    options_defaults(train_options, &s);
    reward_weights(&s, 0, weights);
    for (int i = 0; i < TERMS; i++) {
        cr_expect_eq(weights[index_of(expected[i].name)], expected[i].weight, "%s", expected[i].name);
        cr_expect_eq(reward_uses(&s, (enum reward_number)index_of(expected[i].name)),
                     expected[i].weight != 0);
    }
}

Test(reward, weights_rise_along_the_ramp) {
    struct train_settings s;
    double weights[REWARD_TERMS_MAXIMUM];
    const double progress[] = {0, 0.1, 0.2, 0.7, 1}, share[] = {0.25, 0.625, 1, 1, 1};
    int edits = index_of("edits"), length = index_of("length");
    options_defaults(train_options, &s);
    s.reward.edits = (struct reward_weight){4, 0.25};
    s.reward.length = (struct reward_weight){2, 3}; /* or fall */
    s.reward.ramp = 0.2;
    for (int i = 0; i < 5; i++) {
        reward_weights(&s, progress[i], weights);
        cr_expect_float_eq(weights[edits], 4 * share[i], 1e-12, "%g", progress[i]);
        cr_expect_float_eq(weights[length], 2 * (3 - 2 * (share[i] - 0.25) / 0.75), 1e-12, "%g", progress[i]);
    }
    s.reward.ramp = 0;
    reward_weights(&s, 0, weights);
    cr_expect_eq(weights[edits], 4, "without a ramp whole at once");
    s.reward.edits = (struct reward_weight){4, 0};
    cr_expect(reward_uses(&s, REWARD_edits), "later, if not at the beginning");
}

Test(reward, the_sum_is_weighted) {
    double weights[REWARD_TERMS_MAXIMUM] = {0}, sum = 0;
    float values[REWARD_TERMS_MAXIMUM];
    struct outcome outcome = an_outcome();
    reward_values(&outcome, values);
    for (int i = 0; i < TERMS; i++) {
        int term = index_of(expected[i].name);
        weights[term] = 1 + i;
        sum += (1 + i) * expected[i].value;
    }
    cr_expect_float_eq(reward_sum(weights, values), sum, 1e-6);
}

/* The options that the rows make. */
Test(reward, every_term_has_its_options) {
    struct train_settings s;
    char change[64];
    options_defaults(train_options, &s);
    for (int i = 0; i < REWARD_COUNT; i++) {
        const struct reward_weight *w =
            (const struct reward_weight *)((const char *)&s + reward_terms[i].weight);
        snprintf(change, sizeof change, "reward.%s=%d", reward_terms[i].name, i + 2);
        cr_expect_eq(options_set(train_options, &s, change), STATUS_OK, "%s", fail_sentence());
        snprintf(change, sizeof change, "reward.%s_from=%d", reward_terms[i].name, i + 3);
        cr_expect_eq(options_set(train_options, &s, change), STATUS_OK, "%s", fail_sentence());
        cr_expect_eq(w->weight, i + 2);
        cr_expect_eq(w->from, i + 3);
    }
}
