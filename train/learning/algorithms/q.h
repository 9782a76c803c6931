/* Q over tokens, for the methods that learn one.
 *
 * The compressor's softmax is the Boltzmann policy of Q at temperature q.scale, so greedy decoding is greedy
 * in Q. With q.dueling (after Wang et al. 2016, arXiv 1511.06581)
 *
 *     Q(s, a) = V(s) + scale ln pi(a | s),      V: the value head,
 *
 * so that an unseen action cannot rise above V; without it Q = scale x logit and V(s) = scale ln sum e^logit.
 * In both, V(s) is the soft value, scale ln sum over a of e^(Q(s, a) / scale). */
#ifndef LACONIC_TRAIN_LEARNING_ALGORITHMS_Q_H
#define LACONIC_TRAIN_LEARNING_ALGORITHMS_Q_H

#include "train/learning/algorithm.h"

float q_action(const struct rl_batch *batch, const struct token_statistics *statistics,
               int t); /* Q(s_t, a_t) */
float q_largest(const struct rl_batch *batch, const struct token_statistics *statistics,
                int t);                                                                       /* max over a */
float q_soft(const struct rl_batch *batch, const struct token_statistics *statistics, int t); /* V(s_t) */
/* Target network's Q of the action that the live network prefers (double Q-learning). */
float q_double(const struct rl_batch *batch, int t);
/* The largest target Q among the actions that replayed rows of the same text took in this very state. */
float q_in_support(const struct rl_batch *batch, int r, int t);

/* Adds d(loss)/dQ(s_t, a_t) and d(loss)/dV(s_t) to the gradients. */
void q_gradient(struct rl_batch *batch, int t, float dq);
void q_soft_gradient(struct rl_batch *batch, int t, float dv);

/* Adds the CQL penalty q.cql (ln sum e^(Q / scale) - Q(a) / scale) on every token (Kumar et
 * al. 2020, arXiv 2006.04779, equation 4), imitation of the best, and the figures of the live Q. */
void q_finish(struct rl_batch *batch);

#endif
