/* Target networks: slow copies of the live models and of the value head, so that what is learned towards does
 * not move with every step (Mnih et al. 2015; by Polyak averaging as in Lillicrap et al. 2015, arXiv
 * 1509.02971). */
#ifndef LACONIC_TRAIN_LEARNING_TARGETS_H
#define LACONIC_TRAIN_LEARNING_TARGETS_H

#include "t5/model.h"
#include "train/learning/value_head.h"
#include "train/settings.h"

/* Everything is borrowed. */
struct targets {
    struct t5_model *compressor, *decompressor;
    const struct t5_model *live_compressor, *live_decompressor;
    struct value_head *value; /* has both in itself */
};

/* The targets become what the live networks are. Packed copies follow at t5_refresh(). */
void targets_copy(const struct targets *targets);

/* After the update of this number, from 1: by target.mode a step of the average, or a copy now and then. */
void targets_follow(const struct targets *targets, const struct train_settings *settings, int64_t update);

#endif
