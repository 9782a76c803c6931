/* The parts of an iteration of the rl stage (rl_stage.c goes through them). */
#ifndef LACONIC_TRAIN_RUN_RL_STAGE_H
#define LACONIC_TRAIN_RUN_RL_STAGE_H

#include "train/run/trainer.h"

/* Behaviour policies fill the rollout, the target decompressor scores it, the replay keeps it; figures go
 * into the current row of metrics. */
void rl_stage_act(struct trainer *trainer);

/* All behaviour policies on the texts of the rollout, scored by this decompressor. Without actor->replay
 * nothing is recalled. */
void rl_stage_propose(struct trainer *trainer, struct actor *actor, const struct t5_model *decompressor);

/* A group of episodes about a text of this part, drawn from the replay, and its text. */
struct replay_group rl_stage_draw(struct trainer *trainer, bool newest_only, enum text_part part,
                                  struct text *text);

/* One step of the compressor down its algorithm's loss; figures as above. */
struct learner_result learn_compression(struct trainer *trainer);
/* One step of the decompressor on replayed codes and demonstrations. */
struct learner_result learn_decompression(struct trainer *trainer);

#endif
