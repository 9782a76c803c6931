/* One step of each stage of a run: the rooms put together. */
#ifndef LACONIC_TRAIN_RUN_STAGES_H
#define LACONIC_TRAIN_RUN_STAGES_H

#include "train/acting/act.h"
#include "train/learning/source.h"
#include "train/run/trainer.h"

struct step_result {
    struct learner_result compressor, decompressor; /* means over the updates of the step */
};

/* Supervised warm start (supervised_stage.c). */
struct step_result supervised_step(struct trainer *trainer);

/* Rl stage (rl_stage.c). The live weights are copied to the target networks when it begins; an iteration
 * acts, stores, learns off-policy from the replay, and lets the targets follow. Figures go into the current
 * row of metrics. */
void rl_stage_begin(struct trainer *trainer);
struct step_result rl_stage_step(struct trainer *trainer);

/* Its parts. */
void rl_stage_act(struct trainer *trainer);
struct learner_result rl_stage_learn_compression(struct trainer *trainer);
struct learner_result rl_stage_learn_decompression(struct trainer *trainer);
/* What the parts look at; valid as long as the trainer. */
struct acting rl_stage_acting(struct trainer *trainer);
struct episode_source rl_stage_source(struct trainer *trainer);

/* Acting with the live models, on texts that are not learned from. */
struct acting search_acting(struct trainer *trainer);

#endif
