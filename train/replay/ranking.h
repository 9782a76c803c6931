/* Which of two episodes about one text is the better one: whoever asks, asks here.
 *
 * Searching for short codes goes by their number of tokens, learning by the reward under the present weights,
 * both among exact episodes only; with rl.goal reward both go by the reward of any.
 */
#ifndef LACONIC_TRAIN_REPLAY_RANKING_H
#define LACONIC_TRAIN_REPLAY_RANKING_H

#include "train/settings.h"

enum ranking {
    RANKING_SHORTEST,     /* exact; fewer tokens, then the lower nll */
    RANKING_EXACT_REWARD, /* exact; the higher reward */
    RANKING_REWARD        /* the higher reward, exact or not */
};

/* What is ranked. Fields that the ranking does not look at may be left out. */
struct merit {
    bool exact;
    int tokens;    /* of z */
    float nll;     /* of x given z, nats */
    double reward; /* under the weights of whoever asks */
};

enum ranking ranking_of_search(const struct train_settings *settings);
enum ranking ranking_of_learning(const struct train_settings *settings);

/* Whether `candidate` takes the place of `leader`, the best so far; NULL: there is none, and any that may be
 * ranked at all does. Of equals the first stays. */
bool ranking_prefers(enum ranking ranking, const struct merit *candidate, const struct merit *leader);

/* The best of several that are offered one after the other. Begins as {ranking, -1, {0}}. */
struct leader {
    enum ranking ranking;
    int64_t at; /* the number that it was offered with; -1: none may be ranked so far */
    struct merit merit;
};
void leader_offer(struct leader *leader, const struct merit *candidate, int64_t at);

#endif
