/* What acting achieved, in numbers. */
#include <stdio.h>
#include "train/acting/act.h"

/* Why proposals came to nothing. */
static void report_refusals(const struct refusals *refused, struct metrics *metrics) {
    metrics_set(metrics, "refused_unended", (double)refused->unended);
    metrics_set(metrics, "refused_long", (double)refused->longer);
    metrics_set(metrics, "refused_repeated", (double)refused->repeated);
}

/* Sums over the episodes of a rollout. */
struct sums {
    double terms[REWARD_TERMS_MAXIMUM], reward;
    int count[POLICY_COUNT], exact[POLICY_COUNT];
    double size[POLICY_COUNT], bytes[POLICY_COUNT];
    double best_reward, best_size; /* over texts: of the best episode, of the shortest exact one per byte */
    int solved;                    /* texts with an exact code */
};

static void add_episode(struct sums *s, const struct episode *e, int text_bytes) {
    s->count[e->policy]++;
    s->exact[e->policy] += e->exact;
    s->size[e->policy] += e->size;
    s->bytes[e->policy] += text_bytes;
    s->reward += (double)e->reward;
    for (int k = 0; k < REWARD_COUNT; k++)
        s->terms[k] += (double)e->terms[k];
}

static void add_text(struct sums *s, const struct rollout *r, int i) {
    int highest = rollout_best(r, i, RANKING_REWARD), shortest = rollout_best(r, i, RANKING_SHORTEST);
    for (int e = 0; e < r->count[i]; e++)
        add_episode(s, rollout_episode(r, i, e), r->text[i].bytes);
    s->best_reward += highest >= 0 ? (double)rollout_episode(r, i, highest)->reward : 0;
    s->best_size += shortest >= 0 ? (double)rollout_episode(r, i, shortest)->size / r->text[i].bytes : 0;
    s->solved += shortest >= 0;
}

/* One column per policy: NAME_POLICY. */
static void set_of_policy(struct metrics *metrics, const char *name, int policy, double value) {
    char column[METRIC_NAME_CAPACITY];
    snprintf(column, sizeof column, "%s_%s", name, behaviours[policy].name);
    metrics_set(metrics, column, value);
}

static void report_policies(const struct sums *s, int total, struct metrics *metrics) {
    for (int p = 0; p < POLICY_COUNT; p++) {
        if (s->count[p] == 0)
            continue;
        set_of_policy(metrics, "share", p, (double)s->count[p] / total);
        set_of_policy(metrics, "exact_match", p, (double)s->exact[p] / s->count[p]);
        set_of_policy(metrics, "tokens", p, s->size[p] / s->count[p]);
        set_of_policy(metrics, "tokens_per_byte", p, s->size[p] / s->bytes[p]);
    }
}

static void report_rewards(const struct sums *s, int total, const struct train_settings *settings,
                           struct metrics *metrics) {
    char column[METRIC_NAME_CAPACITY];
    for (int k = 0; k < REWARD_COUNT; k++) {
        if (k == REWARD_edits && !reward_uses(settings, REWARD_edits))
            continue; /* not measured */
        snprintf(column, sizeof column, "reward_%s", reward_terms[k].name);
        metrics_set(metrics, column, s->terms[k] / total);
    }
}

void act_report(const struct rollout *r, const struct train_settings *settings, struct metrics *metrics) {
    struct sums sums = {0};
    int total = rollout_total(r);
    report_refusals(&r->refused, metrics);
    if (total == 0)
        return;
    for (int i = 0; i < r->texts; i++)
        add_text(&sums, r, i);
    metrics_set(metrics, "reward", sums.reward / total);
    metrics_set(metrics, "reward_best", sums.best_reward / r->texts);
    metrics_set(metrics, "text_exact_match", (double)sums.solved / r->texts);
    if (sums.solved > 0)
        metrics_set(metrics, "text_tokens_per_byte", sums.best_size / sums.solved);
    report_rewards(&sums, total, settings, metrics);
    report_policies(&sums, total, metrics);
}
