/* Advantage-weighted regression (Peng et al. 2019, arXiv 1910.00177):
 *
 *     loss = sum over episodes of w -ln C(z | x),      w = exp((R - V) / beta).
 *
 * V is the soft value of the behaviour policies on this text, beta ln sum over its episodes of exp(R / beta),
 * so that the weights of a text sum to one whatever its difficulty. Off-policy as it stands: no importance
 * ratios. beta (rl.temperature) leads from imitating all of it to imitating the best. */
#include <math.h>
#include "train/learning/algorithm.h"

static void episode_weights(const struct train_settings *s, const struct candidates *c, float *weights) {
    double best = (double)c->rewards[0], sum = 0, beta = s->rl.temperature;
    for (int i = 1; i < c->count; i++)
        best = fmax(best, (double)c->rewards[i]);
    for (int i = 0; i < c->count; i++)
        sum += exp(((double)c->rewards[i] - best) / beta);
    for (int i = 0; i < c->count; i++)
        weights[i] = (float)(exp(((double)c->rewards[i] - best) / beta) / sum);
}

const struct algorithm algorithm_awr = {.name = "awr", .episode_weights = episode_weights};
