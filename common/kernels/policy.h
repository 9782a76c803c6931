/* A policy over the vocabulary, per token: what reinforcement learning wants of logits, and the way back.
 *
 * With p = softmax(logits), everything that the losses of train/learning/algorithms ask for is made of three
 * quantities of each token: the logit of the action taken, ln sum e^logit, and the entropy of p. An algorithm
 * gives the derivative of its loss for each; policy_gradient() turns these into d(loss)/d(logits):
 *
 *     d(logit of a)/d(logits) = onehot(a)      d(ln sum)/d(logits) = p      dH/d(logits) = -p (ln p + H)
 *
 * -ln p(a) = ln sum - logit(a), so a weight w on it is the derivatives -w and +w.
 */
#ifndef LACONIC_KERNELS_POLICY_H
#define LACONIC_KERNELS_POLICY_H

#include <stdint.h>

/* Arrays [tokens]; any may be NULL. */
struct policy_statistics {
    float *logit;       /* of the action */
    float *log_sum;     /* ln sum e^logit */
    float *largest;     /* logit */
    int32_t *argmax;    /* its id, ties: the smallest */
    float *entropy;     /* nats */
    float *other_logit; /* logit of the ids in `others` */
};

/* logits [tokens, vocabulary], actions [tokens] and others [tokens] or NULL are only read; the arrays of
 * `statistics` are filled. All belong to the caller. No scratch is needed: exponentials live on the stack, a
 * piece of a row at a time. */
void policy_measure(const float *logits, const int32_t *actions, const int32_t *others, int tokens,
                    int vocabulary, const struct policy_statistics *statistics);

/* d(loss)/d(quantity), [tokens] each. */
struct policy_gradients {
    const float *dlogit, *dlog_sum;
    const float *dentropy; /* NULL: none */
};

/* logits become their gradient, in place. */
void policy_gradient(float *logits, const int32_t *actions, int tokens, int vocabulary,
                     const struct policy_gradients *gradients);

/* sum over ids of p (ln p - ln q), p and q the softmax of two rows of logits; nats. */
double policy_divergence(const float *p_logits, const float *q_logits, int vocabulary);

#endif
