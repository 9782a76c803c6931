/* One batch of replayed episodes as an algorithm sees it: rows of actions with rewards and behaviour
 * probabilities, what the live and the target compressor say of every action, and, to be filled in by the
 * algorithm, the gradient of its loss for each (kernels/policy.h).
 *
 * Tokens of all rows stand one behind the other. Row r has tokens start[r] .. start[r + 1) - 1: the tokens of
 * z, then the end token. The state s_t is x and the tokens before; after the end token there is no state.
 *
 * Simple use, in an algorithm's loss_gradient():
 *     for (int r = 0; r < b->rows; r++)
 *         for (int t = b->start[r]; t < b->start[r + 1]; t++)
 *             rl_batch_imitate(b, t, b->row[r].reward - b->row[r].baseline);
 */
#ifndef LACONIC_TRAIN_LEARNING_RL_BATCH_H
#define LACONIC_TRAIN_LEARNING_RL_BATCH_H

#include "kernels/policy.h"
#include "train/replay/replay.h"
#include "train/settings.h"

/* Of one network, [tokens] each. No algorithm asks the target for `largest`, `entropy` or `argmax`, nor the
 * live network for `other_logit`: NULL there. */
struct token_statistics {
    float *logit, *log_sum, *largest, *entropy; /* nats */
    float *other_logit; /* target only: logit of the action that the live network prefers */
    float *value;       /* V(s_t), by the value head */
    int32_t *argmax;
};

struct rl_batch_row {
    int text;                 /* rows of one text have one number and stand together */
    float weight;             /* what algorithm.episode_weights() gave it */
    float reward;             /* of the episode, under the present weights, after normalisation */
    float baseline;           /* mean reward of all the text's episodes */
    bool has_log_probability; /* behaviour probabilities are known */
    bool best;                /* the text's best episode: candidates.best */
};

/* Means over the batch's tokens unless said otherwise; NaN: nothing to say. */
struct rl_batch_figures {
    double ratio, ratio_largest, clipped; /* importance ratios; share of them that were clipped */
    double value, q, q_least, q_largest;
    double q_error; /* squared, of Q or V against its target */
};

struct rl_batch {
    const struct train_settings *settings;
    int rows, tokens, vocabulary;
    const int32_t *start;     /* [rows + 1] */
    const int32_t *actions;   /* [tokens] */
    struct rl_batch_row *row; /* [rows] */
    float *reward;            /* [tokens] r_t; sums to row.reward */
    float *behaviour;         /* [tokens] ln of the behaviour policy, where row.has_log_probability */
    struct token_statistics live, target;
    float *dlogit, *dlog_sum, *dentropy, *dvalue; /* [tokens] d(loss)/d(...), zero at first */
    struct rl_batch_figures figures;
};

enum status rl_batch_open(struct rl_batch *batch, int row_limit, int token_limit);
void rl_batch_close(struct rl_batch *batch);

/* No gradient and nothing to say: what an algorithm begins with. */
void rl_batch_clear(struct rl_batch *batch);

/* ln pi(a_t | s_t) of one network. */
static inline float rl_batch_log_probability(const struct token_statistics *r, int t) {
    return r->logit[t] - r->log_sum[t];
}

/* Adds weight * -ln pi(a_t | s_t) to the loss. */
static inline void rl_batch_imitate(struct rl_batch *b, int t, float weight) {
    b->dlogit[t] -= weight;
    b->dlog_sum[t] += weight;
}

/* The same for all tokens of the rows that are their text's best ones; weight rl.imitation. */
void rl_batch_imitate_best(struct rl_batch *batch);

/* The same for all tokens of all rows; weight: the row's. */
void rl_batch_imitate_rows(struct rl_batch *batch);

/* A loss that was a sum over tokens becomes their mean. */
void rl_batch_divide_by_tokens(struct rl_batch *batch);

/* Sum of discounted rewards from token t of row r to its end. */
float rl_batch_return(const struct rl_batch *batch, int r, int t);

#endif
