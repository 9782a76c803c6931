/* One batch of replayed episodes as an algorithm sees it: rows of actions with rewards and behaviour
 * probabilities, what the live and the target compressor say of every action, and, to be filled in by the
 * algorithm, the slope of its loss for each (kernels/policy.h).
 *
 * Tokens of all rows stand one behind the other. Row r has tokens start[r] .. start[r + 1) - 1: the tokens of
 * z, then the end token. The state s_t is x and the tokens before; after the end token there is no state.
 */
#ifndef LACONIC_TRAIN_LESSON_H
#define LACONIC_TRAIN_LESSON_H

#include "kernels/policy.h"
#include "train/replay.h"
#include "train/settings.h"

/* Of one network, [tokens] each. No algorithm asks the target for `largest`, `entropy` or `argmax`, nor the
 * live network for `elsewhere`: NULL there. */
struct lesson_reading {
    float *logit, *log_sum, *largest, *entropy; /* nats */
    float *elsewhere; /* target only: logit of the action that the live network prefers */
    float *value;     /* V(s_t), by the value head */
    int32_t *argmax;
};

struct lesson_row {
    int text;       /* rows of one text have one number and stand together */
    float weight;   /* what algorithm.weigh() gave it */
    float reward;   /* of the episode, under the present weights, after normalisation */
    float baseline; /* mean reward of all the text's episodes */
    bool known;     /* behaviour probabilities are known */
    bool best;      /* the text's best episode: candidates.best */
};

/* Means over the lesson's tokens unless said otherwise; NaN: nothing to say. */
struct lesson_figures {
    double ratio, ratio_largest, clipped; /* importance ratios; share of them that were clipped */
    double value, q, q_least, q_largest;
    double q_error; /* squared, of Q or V against its target */
};

struct lesson {
    const struct train_settings *settings;
    int rows, tokens, vocabulary;
    const int32_t *start;   /* [rows + 1] */
    const int32_t *actions; /* [tokens] */
    struct lesson_row *row; /* [rows] */
    float *reward;          /* [tokens] r_t; sums to row.reward */
    float *behaviour;       /* [tokens] ln of the behaviour policy, where row.known */
    struct lesson_reading live, target;
    struct {
        float *logit, *log_sum, *entropy, *value; /* [tokens] d(loss)/d(...), zero at first */
    } slope;
    struct lesson_figures figures;
};

enum status lesson_open(struct lesson *lesson, int row_limit, int token_limit);
void lesson_close(struct lesson *lesson);

/* ln pi(a_t | s_t) of a reading. */
static inline float lesson_log_probability(const struct lesson_reading *r, int t) {
    return r->logit[t] - r->log_sum[t];
}

/* Adds weight * -ln pi(a_t | s_t) to the loss. */
static inline void lesson_imitate(struct lesson *l, int t, float weight) {
    l->slope.logit[t] -= weight;
    l->slope.log_sum[t] += weight;
}

/* The same for all tokens of the rows that are their text's best ones; weight rl.imitation. */
void lesson_imitate_best(struct lesson *lesson);

/* Sum of discounted rewards from token t of row r to its end. */
float lesson_return(const struct lesson *lesson, int r, int t);

#endif
