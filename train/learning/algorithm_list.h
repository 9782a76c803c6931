/* The algorithms, by which the compressor may learn: NAME is the value of rl.algorithm, algorithm_NAME the
 * loss (algorithms/NAME.c). */
#ifndef LACONIC_TRAIN_LEARNING_ALGORITHM_LIST_H
#define LACONIC_TRAIN_LEARNING_ALGORITHM_LIST_H

#define ALGORITHM_LIST(X)                                                                                    \
    X(expert)                                                                                                \
    X(awr)                                                                                                   \
    X(ppo)                                                                                                   \
    X(vtrace)                                                                                                \
    X(dqn)                                                                                                   \
    X(pcl)                                                                                                   \
    X(ilql)                                                                                                  \
    X(a2c)

#endif
