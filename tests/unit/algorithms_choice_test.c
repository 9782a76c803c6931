/* Which episodes of a replayed group an algorithm takes, and with what weight. */
#include <criterion/criterion.h>
#include <math.h>
#include "train/learning/algorithm.h"

enum { GROUP = 5 };

static struct candidates a_group(const struct episode **list, float *rewards) {
    static const struct episode episodes[GROUP] = {{.exact = 0, .has_log_probability = 1},
                                                   {.exact = 1, .has_log_probability = 0},
                                                   {.exact = 1, .has_log_probability = 1},
                                                   {.exact = 0},
                                                   {.exact = 1}};
    const float own[GROUP] = {3.0f, 1.0f, 1.5f, 2.5f, -4.0f};
    for (int i = 0; i < GROUP; i++) {
        list[i] = &episodes[i];
        rewards[i] = own[i];
    }
    return (struct candidates){GROUP, list, rewards, 0.8f, 2};
}

Test(algorithms_choice, expert_takes_the_best_exact_one) {
    const struct episode *list[GROUP];
    float rewards[GROUP], weights[GROUP] = {0}, none[GROUP] = {0};
    struct candidates c = a_group(list, rewards);
    const float expected[GROUP] = {0, 0, 1, 0, 0}, nothing[GROUP] = {0};
    algorithm_expert.episode_weights(NULL, &c, weights);
    cr_expect_arr_eq(weights, expected, sizeof weights);
    c.best = -1;
    algorithm_expert.episode_weights(NULL, &c, none);
    cr_expect_arr_eq(none, nothing, sizeof none, "no exact one");
}

Test(algorithms_choice, awr_weighs_a_text_softly_to_one) {
    struct train_settings s;
    const struct episode *list[GROUP];
    float rewards[GROUP], weights[GROUP];
    struct candidates c = a_group(list, rewards);
    options_defaults(train_options, &s);
    for (double beta = 0.001; beta < 1e5; beta *= 10) {
        double sum = 0;
        s.rl.temperature = beta;
        algorithm_awr.episode_weights(&s, &c, weights);
        for (int i = 0; i < GROUP; i++) {
            sum += (double)weights[i];
            cr_expect_float_eq((double)weights[i],
                               (double)weights[0] * exp((double)(rewards[i] - rewards[0]) / beta), 1e-6);
        }
        cr_expect_float_eq(sum, 1, 1e-6, "beta %g", beta);
    }
    cr_expect_float_eq(weights[4], 0.2f, 1e-4f, "in the end all alike");
}

Test(algorithms_choice, policy_gradients_want_probabilities_or_something_to_imitate) {
    struct train_settings s;
    const struct episode *list[GROUP];
    float rewards[GROUP], weights[GROUP];
    struct candidates c = a_group(list, rewards);
    const struct algorithm *both[] = {&algorithm_ppo, &algorithm_vtrace};
    const float plain[GROUP] = {1, 0, 1, 0, 0}, imitating[GROUP] = {1, 1, 1, 1, 0};
    options_defaults(train_options, &s);
    for (int i = 0; i < 2; i++) {
        s.rl.imitation = 0;
        both[i]->episode_weights(&s, &c, weights);
        cr_expect_arr_eq(weights, plain, sizeof weights);
        s.rl.imitation = 0.1;
        both[i]->episode_weights(&s, &c, weights);
        cr_expect_arr_eq(weights, imitating, sizeof weights, "those above the mean, too");
    }
}
