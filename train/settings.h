/* Everything a training run can be told, one field per row of the option table in settings.c. */
#ifndef LACONIC_TRAIN_SETTINGS_H
#define LACONIC_TRAIN_SETTINGS_H

#include <string.h>
#include "store/options.h"
#include "train/acting/behaviour_list.h"
#include "train/task/reward_list.h"

/* A reward term's weight and the share of it at the beginning of the rl stage (reward.ramp leads to the
 * whole).
 */
struct reward_weight {
    double weight, from;
};

/* Of a behaviour policy: episodes per text, and the share of texts it acts on, from the beginning to the end
 * of the rl stage. */
struct behaviour_share {
    int64_t count;
    double begin, end;
};

struct train_settings {
    char model[OPTION_TEXT_ROOM], decompressor_model[OPTION_TEXT_ROOM], data[OPTION_TEXT_ROOM],
        data_hash[OPTION_TEXT_ROOM], precision[OPTION_TEXT_ROOM], clock[OPTION_TEXT_ROOM];
    bool absolute_positions;
    int64_t seed, threads;
    double minutes, local_bias;

    struct {
        int64_t merges;
    } ir;
    struct {
        int64_t rows;
    } batch;
    struct {
        double beta1, beta2, epsilon, weight_decay, clip, warmup, final_share;
    } optimizer;
    struct {
        int64_t steps;
        double share, compressor_rate, decompressor_rate;
    } supervised;
    struct {
        double empty, copies, drop, drop_rows, merge;
        int64_t pairs;
        bool shortest;
    } demonstration;
    struct {
        int64_t steps, texts, updates, episodes;
        char algorithm[OPTION_TEXT_ROOM], baseline[OPTION_TEXT_ROOM], goal[OPTION_TEXT_ROOM];
        double compressor_rate, decompressor_rate, temperature, demonstrations, imitation, entropy, clip,
            discount, unseen, unseen_act;
    } rl;
    struct {
        double rate, weight;
    } value;
    struct {
        double ratio, trace;
    } vtrace;
    struct {
        double scale, cql, expectile;
        int64_t steps;
        bool dueling;
        char support[OPTION_TEXT_ROOM], path[OPTION_TEXT_ROOM];
    } q;
    struct {
#define BEHAVIOUR_FIELD(name, option, count, most, help) struct behaviour_share option;
        BEHAVIOUR_LIST(BEHAVIOUR_FIELD)
#undef BEHAVIOUR_FIELD
        int64_t rounds, top_k;
        double temperature, top_p, epsilon;
    } behaviour;
    struct {
        int64_t capacity, best;
        double newest, half_life, reward_scale, best_share;
    } replay;
    struct {
        char mode[OPTION_TEXT_ROOM];
        double tau;
        int64_t every;
    } target;
    struct {
        char mode[OPTION_TEXT_ROOM];
        int64_t every;
        double drop, drop_rows;
    } decompressor;
    struct {
#define REWARD_FIELD(name, weight, help) struct reward_weight name;
        REWARD_LIST(REWARD_FIELD)
#undef REWARD_FIELD
        double ramp;
        char normalize[OPTION_TEXT_ROOM], shaping[OPTION_TEXT_ROOM];
    } reward;
    struct {
        int64_t chunks, every, prior, examples, search;
    } evaluation;
    struct {
        double length, exact_match, q, constant, gradient;
        int64_t patience;
        bool stop;
    } collapse;
    struct {
        double minutes;
        char best[OPTION_TEXT_ROOM];
    } checkpoint;
};

/* Whether an option of several names has this one: chooses(s->target.mode, "polyak"). */
static inline bool chooses(const char *option, const char *name) {
    return strcmp(option, name) == 0;
}

/* What search looks for, rl.goal. */
enum search_goal { GOAL_EXACT, GOAL_REWARD };
static inline enum search_goal settings_goal(const struct train_settings *settings) {
    return chooses(settings->rl.goal, "reward") ? GOAL_REWARD : GOAL_EXACT;
}

extern const struct option_row train_options[];

/* What single rows cannot see: fields that contradict each other. */
enum status train_settings_check(const struct train_settings *settings);

#endif
