/* The algorithms. */
#include "train/algorithm.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

/* Advantage-weighted regression (Peng et al. 2019, arXiv 1910.00177): weight = exp((R - V) / beta).
 * V is the soft value of the behaviour policies on this text, beta ln sum over the group of exp(R / beta), so
 * that the weights of a text sum to one whatever its difficulty. Off-policy as it stands: no importance
 * ratios. */
static void weigh_awr(const struct train_settings *s, const struct episode *const *episodes, int count,
                      float *weights) {
    double best = episodes[0]->reward, sum = 0, beta = s->rl.temperature;
    for (int i = 1; i < count; i++)
        best = fmax(best, (double)episodes[i]->reward);
    for (int i = 0; i < count; i++)
        sum += exp(((double)episodes[i]->reward - best) / beta);
    for (int i = 0; i < count; i++)
        weights[i] = (float)(exp(((double)episodes[i]->reward - best) / beta) / sum);
}

const struct algorithm algorithms[] = {{"awr", weigh_awr}};
const char *const algorithm_names[] = {"awr", NULL};

const struct algorithm *algorithm_find(const char *name) {
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}
