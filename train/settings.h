/* Everything a training run can be told, one field per row of the option table in settings.c. */
#ifndef LACONIC_TRAIN_SETTINGS_H
#define LACONIC_TRAIN_SETTINGS_H

#include "store/options.h"
#include "train/acting/behaviour_list.h"
#include "train/learning/algorithm_list.h"
#include "train/task/reward_list.h"

/* Options that choose between names, as numbers: the names stand in settings.c. */
enum precision { PRECISION_BF16, PRECISION_FP32 };
enum run_clock { CLOCK_WALL, CLOCK_CPU };
enum algorithm_number {
#define ALGORITHM_NUMBER(name) ALGORITHM_##name,
    ALGORITHM_LIST(ALGORITHM_NUMBER)
#undef ALGORITHM_NUMBER
        ALGORITHM_COUNT
};
enum rl_baseline { BASELINE_GROUP, BASELINE_VALUE };
enum search_goal { GOAL_EXACT, GOAL_REWARD };
enum q_support { SUPPORT_ALL, SUPPORT_GROUP };
enum q_path { PATH_SINGLE, PATH_MULTI, PATH_BOTH };
enum target_mode { TARGET_POLYAK, TARGET_PERIODIC };
enum decompressor_mode { DECOMPRESSOR_LIVE, DECOMPRESSOR_FROZEN, DECOMPRESSOR_PERIODIC };
enum reward_normalize { NORMALIZE_NONE, NORMALIZE_GROUP };
enum reward_shaping { SHAPING_TERMINAL, SHAPING_DENSE };

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
    char model[OPTION_TEXT_CAPACITY], decompressor_model[OPTION_TEXT_CAPACITY], data[OPTION_TEXT_CAPACITY],
        data_hash[OPTION_TEXT_CAPACITY];
    enum precision precision;
    enum run_clock clock;
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
        enum algorithm_number algorithm;
        enum rl_baseline baseline;
        enum search_goal goal;
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
        enum q_support support;
        enum q_path path;
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
        enum target_mode mode;
        double tau;
        int64_t every;
    } target;
    struct {
        enum decompressor_mode mode;
        int64_t every;
        double drop, drop_rows;
    } decompressor;
    struct {
#define REWARD_FIELD(name, weight, help) struct reward_weight name;
        REWARD_LIST(REWARD_FIELD)
#undef REWARD_FIELD
        double ramp;
        enum reward_normalize normalize;
        enum reward_shaping shaping;
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
        int best; /* row of evaluation_figures (judging/evaluation.h) */
    } checkpoint;
};

extern const char *const precision_names[], *const algorithm_names[]; /* NULL-ended, by their enums */
extern const struct option_row train_options[];

#endif
