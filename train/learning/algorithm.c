/* The table of algorithms. */
#include "train/learning/algorithm.h"
#include <stddef.h>
#include <string.h>

#define ALGORITHM_LIST(X)                                                                                    \
    X(expert, "expert")                                                                                      \
    X(awr, "awr")                                                                                            \
    X(ppo, "ppo")                                                                                            \
    X(vtrace, "vtrace")                                                                                      \
    X(dqn, "dqn")                                                                                            \
    X(pcl, "pcl")                                                                                            \
    X(ilql, "ilql")                                                                                          \
    X(a2c, "a2c")

#define ROW(symbol, name) &algorithm_##symbol,
#define NAME(symbol, name) name,
const struct algorithm *const algorithms[] = {ALGORITHM_LIST(ROW) NULL};
const char *const algorithm_names[] = {ALGORITHM_LIST(NAME) NULL};
#undef ROW
#undef NAME

const struct algorithm *algorithm_find(const char *name) {
    for (int i = 0; algorithms[i]; i++)
        if (strcmp(algorithm_names[i], name) == 0)
            return algorithms[i];
    return NULL;
}
