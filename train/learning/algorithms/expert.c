/* Expert iteration by verified search (Anthony et al. 2017, arXiv 1705.08439; as reward-ranked fine-tuning:
 * Dong et al. 2023, arXiv 2304.06767).
 *
 * The behaviour policies are the expert: they search for a short code and the target decompressor verifies
 * it. The compressor imitates what they found,
 *
 *     loss = -ln C(z* | x),      z* = the exact episode of the highest reward
 *
 * (rl.goal reward: of all episodes). A text without an exact episode teaches nothing. */
#include "train/learning/algorithm.h"

static void episode_weights(const struct train_settings *settings, const struct candidates *c,
                            float *weights) {
    (void)settings;
    if (c->best >= 0)
        weights[c->best] = 1.0f;
}

const struct algorithm algorithm_expert = {.name = "expert", .episode_weights = episode_weights};
