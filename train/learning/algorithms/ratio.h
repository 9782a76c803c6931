/* Importance ratios, for the policy gradients that learn from replayed samples. Mutations and demonstrations
 * have no behaviour probability; they enter a batch to be imitated, and only when rl.imitation asks for it
 * and they did better than their text's mean. */
#ifndef LACONIC_TRAIN_LEARNING_ALGORITHMS_RATIO_H
#define LACONIC_TRAIN_LEARNING_ALGORITHMS_RATIO_H

#include "train/learning/algorithm.h"

/* algorithm.episode_weights of these methods. */
void ratio_episode_weights(const struct train_settings *settings, const struct candidates *candidates,
                           float *weights);

/* pi / mu of token t in a row whose behaviour probabilities are known, kept finite. */
float ratio_of(const struct rl_batch *batch, int t);

/* Sums over tokens for the batch's figures. */
struct ratio_tally {
    double ratio, largest;
    int clipped, tokens;
};
void ratio_count(struct ratio_tally *tally, float ratio, bool clipped);
void ratio_report(const struct ratio_tally *tally, struct rl_batch_figures *figures);

#endif
