/* Off-policy losses of the compressor. To add one, write its function and add a row to the table in
 * algorithm.c; the option rl.algorithm knows it by its name from then on.
 *
 * All have the form  loss = sum over episodes of weight(episode) * -ln C(z | x):  an algorithm is its
 * weights. */
#ifndef LACONIC_TRAIN_ALGORITHM_H
#define LACONIC_TRAIN_ALGORITHM_H

#include "train/replay.h"

struct algorithm {
    const char *name;
    /* weights[count] of a replayed group, the episodes about one text; non-negative, 0 leaves an episode out.
     */
    void (*weigh)(const struct train_settings *settings, const struct episode *const *episodes, int count,
                  float *weights);
};

extern const struct algorithm algorithms[];
extern const char *const algorithm_names[];               /* NULL-ended, in the table's order */
const struct algorithm *algorithm_find(const char *name); /* NULL: unknown */

#endif
