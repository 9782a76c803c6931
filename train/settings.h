/* Everything a training run can be told, one field per row of the option table in settings.c. */
#ifndef LACONIC_TRAIN_SETTINGS_H
#define LACONIC_TRAIN_SETTINGS_H

#include "store/options.h"

struct train_settings {
    char model[OPTION_TEXT_ROOM], decompressor_model[OPTION_TEXT_ROOM], data[OPTION_TEXT_ROOM],
        precision[OPTION_TEXT_ROOM];
    bool absolute_positions;
    int64_t seed, threads;
    double minutes;

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
        double copies, drop, drop_rows;
    } demonstration;
    struct {
        int64_t steps, texts, updates;
        char algorithm[OPTION_TEXT_ROOM];
        double compressor_rate, decompressor_rate, temperature, demonstrations;
    } rl;
    struct {
        int64_t samples, greedy, demonstrations, deletions, combinations, top_k;
        double temperature, top_p;
    } behaviour;
    struct {
        int64_t capacity;
        double newest;
    } replay;
    struct {
        double rate;
    } target;
    struct {
        double length, loss, exact;
    } reward;
    struct {
        int64_t chunks, every, prior;
    } evaluation;
    struct {
        double minutes;
    } checkpoint;
};

extern const struct option_row train_options[];

/* What single rows cannot see: fields that contradict each other. */
enum status train_settings_check(const struct train_settings *settings);

#endif
