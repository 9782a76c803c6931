/* Reading a policy from logits, and its gradient: against plain double loops and finite differences. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/policy.h"

enum { TOKENS = 19, WIDEST = 2000 };
static const int vocabularies[] = {3, 259, 513, 1280, 2000};
enum { VOCABULARIES = sizeof vocabularies / sizeof *vocabularies };

/* What logits look like: early and late in training, sure of one token, far from zero, all alike. */
static const struct spread {
    const char *name;
    float deviation, middle, peak;
} spreads[] = {{"early", 0.1f, 0, 0}, {"late", 5, 0, 0},   {"sure", 1, 0, 60}, {"extreme", 1000, 0, 0},
               {"high", 2, 500, 0},   {"low", 2, -500, 0}, {"alike", 0, 3, 0}};
enum { SPREADS = sizeof spreads / sizeof *spreads };

struct problem {
    int vocabulary;
    float logits[TOKENS * WIDEST];
    int32_t actions[TOKENS], others[TOKENS];
};

static void make_problem(struct problem *p, int vocabulary, const struct spread *spread) {
    struct rng rng;
    rng_seed(&rng, (uint64_t)vocabulary, spread->name);
    p->vocabulary = vocabulary;
    for (int i = 0; i < TOKENS * vocabulary; i++)
        p->logits[i] = spread->middle + spread->deviation * rng_normal(&rng);
    for (int t = 0; t < TOKENS; t++) {
        p->actions[t] = (int32_t)rng_below(&rng, (uint64_t)vocabulary);
        p->others[t] = (int32_t)rng_below(&rng, (uint64_t)vocabulary);
        p->logits[t * vocabulary + p->others[t]] += spread->peak;
    }
}

/* The plain twin of what is read, in double. */
struct plain {
    double log_sum, largest, entropy;
    int argmax;
};

static struct plain plain_of(const double *row, int vocabulary) {
    struct plain plain = {0, row[0], 0, 0};
    double sum = 0;
    for (int i = 1; i < vocabulary; i++)
        if (row[i] > plain.largest) {
            plain.largest = row[i];
            plain.argmax = i;
        }
    for (int i = 0; i < vocabulary; i++)
        sum += exp(row[i] - plain.largest);
    plain.log_sum = plain.largest + log(sum);
    for (int i = 0; i < vocabulary; i++)
        plain.entropy -= exp(row[i] - plain.log_sum) * (row[i] - plain.log_sum);
    return plain;
}

static void widen(const float *row, double *wide, int vocabulary) {
    for (int i = 0; i < vocabulary; i++)
        wide[i] = (double)row[i];
}

Test(policy, reads_what_plain_loops_read) {
    static struct problem p;
    static double row[WIDEST];
    float logit[TOKENS], log_sum[TOKENS], largest[TOKENS], entropy[TOKENS], other_logit[TOKENS];
    int32_t argmax[TOKENS];
    struct policy_statistics reading = {logit, log_sum, largest, argmax, entropy, other_logit};
    for (int v = 0; v < VOCABULARIES; v++)
        for (int s = 0; s < SPREADS; s++) {
            int n = vocabularies[v];
            make_problem(&p, n, &spreads[s]);
            policy_measure(p.logits, p.actions, p.others, TOKENS, n, &reading);
            for (int t = 0; t < TOKENS; t++) {
                widen(p.logits + t * n, row, n);
                struct plain plain = plain_of(row, n);
                double close =
                    1e-5 + 1e-6 * fabs(plain.largest); /* a few units in the last place of ln sum */
                cr_expect_eq(logit[t], p.logits[t * n + p.actions[t]]);
                cr_expect_eq(other_logit[t], p.logits[t * n + p.others[t]]);
                cr_expect_eq((double)largest[t], plain.largest);
                cr_expect_eq(argmax[t], plain.argmax, "%s of %d: %d", spreads[s].name, n, argmax[t]);
                cr_expect_float_eq((double)log_sum[t], plain.log_sum, close, "%s of %d: %g not %g",
                                   spreads[s].name, n, (double)log_sum[t], plain.log_sum);
                cr_expect_float_eq((double)entropy[t], plain.entropy, 2 * close, "%s of %d: %g not %g",
                                   spreads[s].name, n, (double)entropy[t], plain.entropy);
                cr_expect_geq(entropy[t], 0.0f);
            }
        }
}

Test(policy, reads_only_what_is_asked_for) {
    static struct problem p;
    float entropy[TOKENS], alone[TOKENS], log_sum[TOKENS], other_logit[TOKENS] = {7};
    make_problem(&p, 259, &spreads[1]);
    policy_measure(
        p.logits, p.actions, NULL, TOKENS, 259,
        &(struct policy_statistics){.entropy = entropy, .log_sum = log_sum, .other_logit = other_logit});
    policy_measure(p.logits, p.actions, NULL, TOKENS, 259, &(struct policy_statistics){.entropy = alone});
    cr_expect_arr_eq(entropy, alone, sizeof alone);
    cr_expect_eq(other_logit[0], 7.0f, "there are no others");
}

/* ------------------------------------------------------------ gradients */

struct weights {
    float logit[TOKENS], log_sum[TOKENS], entropy[TOKENS];
};

static void make_weights(struct weights *w) {
    struct rng rng;
    rng_seed(&rng, 3, "slopes");
    for (int t = 0; t < TOKENS; t++) {
        w->logit[t] = t % 5 == 1 ? 0.0f : rng_normal(&rng);
        w->log_sum[t] = t % 5 == 2 ? 0.0f : rng_normal(&rng);
        w->entropy[t] = t % 5 == 3 || t % 5 == 1 ? 0.0f : rng_normal(&rng);
    }
}

static double loss_of(const double *row, int vocabulary, int action, const struct weights *w, int t) {
    struct plain plain = plain_of(row, vocabulary);
    return (double)w->logit[t] * row[action] + (double)w->log_sum[t] * plain.log_sum +
           (double)w->entropy[t] * plain.entropy;
}

static void expect_derivative(double *row, int n, int i, int action, const struct weights *w, int t,
                              double derivative) {
    const double step = 1e-4, at = row[i];
    double loss[2];
    for (int side = 0; side < 2; side++) {
        row[i] = side ? at + step : at - step;
        loss[side] = loss_of(row, n, action, w, t);
    }
    row[i] = at;
    double measured = (loss[1] - loss[0]) / (2 * step);
    cr_expect_float_eq(derivative, measured, 3e-5 + 3e-4 * fabs(measured),
                       "token %d of %d ids, id %d: %g not %g", t, n, i, derivative, measured);
}

/* Every id of small vocabularies; of large ones the action, the largest, and some. */
Test(policy, gradient_is_that_of_finite_differences) {
    static struct problem p;
    static float gradient[TOKENS * WIDEST];
    static double row[WIDEST];
    struct weights w;
    make_weights(&w);
    for (int v = 0; v < VOCABULARIES; v++)
        for (int s = 0; s < 3; s++) {
            int n = vocabularies[v], stride = n < 100 ? 1 : n / 17;
            make_problem(&p, n, &spreads[s]);
            memcpy(gradient, p.logits, sizeof gradient);
            policy_gradient(gradient, p.actions, TOKENS, n,
                            &(struct policy_gradients){w.logit, w.log_sum, w.entropy});
            for (int t = 0; t < TOKENS; t++) {
                const float *g = gradient + t * n;
                widen(p.logits + t * n, row, n);
                for (int i = t % stride; i < n; i += stride)
                    expect_derivative(row, n, i, p.actions[t], &w, t, (double)g[i]);
                expect_derivative(row, n, p.actions[t], p.actions[t], &w, t, (double)g[p.actions[t]]);
                expect_derivative(row, n, p.others[t], p.actions[t], &w, t, (double)g[p.others[t]]);
            }
        }
}

/* Logits may all rise together: what the derivatives leave is the logit's and the sum's. */
Test(policy, gradients_of_extreme_logits_are_finite_and_add_up) {
    static struct problem p;
    struct weights w;
    make_weights(&w);
    for (int v = 0; v < VOCABULARIES; v++)
        for (int s = 0; s < SPREADS; s++) {
            int n = vocabularies[v];
            make_problem(&p, n, &spreads[s]);
            policy_gradient(p.logits, p.actions, TOKENS, n,
                            &(struct policy_gradients){w.logit, w.log_sum, w.entropy});
            for (int t = 0; t < TOKENS; t++) {
                double sum = 0;
                for (int i = 0; i < n; i++)
                    sum += (double)p.logits[t * n + i];
                cr_expect_float_eq(sum, (double)(w.logit[t] + w.log_sum[t]), 3e-3, "%s of %d: %g not %g",
                                   spreads[s].name, n, sum, (double)(w.logit[t] + w.log_sum[t]));
            }
        }
}

Test(policy, without_derivatives_there_is_no_gradient) {
    static struct problem p;
    float none[TOKENS] = {0}, ones[TOKENS];
    for (int t = 0; t < TOKENS; t++)
        ones[t] = 1.0f;
    make_problem(&p, 259, &spreads[1]);
    policy_gradient(p.logits, p.actions, TOKENS, 259, &(struct policy_gradients){ones, none, NULL});
    for (int i = 0; i < TOKENS * 259; i++)
        cr_expect_eq(p.logits[i], i % 259 == p.actions[i / 259] ? 1.0f : 0.0f);
}

Test(policy, threads_do_not_change_the_bits) {
    static struct problem p;
    static float first[TOKENS * WIDEST], again[TOKENS * WIDEST];
    float entropy[2][TOKENS];
    struct weights w;
    struct policy_gradients gradients = {w.logit, w.log_sum, w.entropy};
    make_weights(&w);
    make_problem(&p, 1280, &spreads[1]);
    memcpy(first, p.logits, sizeof first);
    memcpy(again, p.logits, sizeof again);
    policy_gradient(first, p.actions, TOKENS, 1280, &gradients);
    policy_measure(p.logits, p.actions, NULL, TOKENS, 1280,
                   &(struct policy_statistics){.entropy = entropy[0]});
    cr_assert_eq(threads_start(3), STATUS_OK);
    policy_gradient(again, p.actions, TOKENS, 1280, &gradients);
    policy_measure(p.logits, p.actions, NULL, TOKENS, 1280,
                   &(struct policy_statistics){.entropy = entropy[1]});
    threads_stop();
    cr_expect_eq(memcmp(first, again, sizeof first), 0);
    cr_expect_eq(memcmp(entropy[0], entropy[1], sizeof entropy[0]), 0);
}

/* ------------------------------------------------------------ divergence */

Test(policy, divergence_is_that_of_plain_loops) {
    static struct problem p;
    static double row[2][WIDEST];
    for (int v = 0; v < VOCABULARIES; v++)
        for (int s = 0; s < 3; s++) {
            int n = vocabularies[v];
            make_problem(&p, n, &spreads[s]);
            for (int t = 0; t + 1 < TOKENS; t++) {
                double divergence = 0;
                widen(p.logits + t * n, row[0], n);
                widen(p.logits + (t + 1) * n, row[1], n);
                double from = plain_of(row[0], n).log_sum, to = plain_of(row[1], n).log_sum;
                for (int i = 0; i < n; i++)
                    divergence += exp(row[0][i] - from) * (row[0][i] - from - row[1][i] + to);
                double found = policy_divergence(p.logits + t * n, p.logits + (t + 1) * n, n);
                cr_expect_float_eq(found, divergence, 1e-5 + 2e-5 * divergence, "%s of %d: %g not %g",
                                   spreads[s].name, n, found, divergence);
                cr_expect_float_eq(policy_divergence(p.logits + t * n, p.logits + t * n, n), 0, 1e-6);
            }
        }
}

/* A shift of all logits is the same policy. */
Test(policy, divergence_from_a_shifted_policy_is_none) {
    static struct problem p;
    float shifted[259];
    make_problem(&p, 259, &spreads[1]);
    for (int i = 0; i < 259; i++)
        shifted[i] = p.logits[i] + 4.0f;
    cr_expect_float_eq(policy_divergence(p.logits, shifted, 259), 0, 1e-5);
}
