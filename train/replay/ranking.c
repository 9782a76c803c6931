/* The order of episodes about one text. */
#include "train/replay/ranking.h"

enum ranking ranking_of_search(const struct train_settings *settings) {
    return settings->rl.goal == GOAL_REWARD ? RANKING_REWARD : RANKING_SHORTEST;
}

enum ranking ranking_of_learning(const struct train_settings *settings) {
    return settings->rl.goal == GOAL_REWARD ? RANKING_REWARD : RANKING_EXACT_REWARD;
}

bool ranking_prefers(enum ranking ranking, const struct merit *candidate, const struct merit *leader) {
    if (ranking != RANKING_REWARD && !candidate->exact)
        return false;
    if (!leader)
        return true;
    if (ranking != RANKING_SHORTEST)
        return candidate->reward > leader->reward;
    return candidate->tokens < leader->tokens ||
           (candidate->tokens == leader->tokens && candidate->nll < leader->nll);
}

void leader_offer(struct leader *leader, const struct merit *candidate, int64_t at) {
    if (!ranking_prefers(leader->ranking, candidate, leader->at >= 0 ? &leader->merit : NULL))
        return;
    leader->merit = *candidate;
    leader->at = at;
}
