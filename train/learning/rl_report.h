/* What an update of the compressor says of itself, in numbers. */
#ifndef LACONIC_TRAIN_LEARNING_RL_REPORT_H
#define LACONIC_TRAIN_LEARNING_RL_REPORT_H

#include "train/learning/algorithm.h"
#include "train/metrics.h"

/* Folds entropy, log ratios and the algorithm's own figures into the current row of metrics: the row shows
 * the mean, the least or the largest over the iteration's updates. Returns -ln C(z | x) per token, weighted
 * by row where the algorithm only imitates. */
double rl_report(const struct rl_batch *batch, const struct algorithm *algorithm, struct metrics *metrics);

#endif
