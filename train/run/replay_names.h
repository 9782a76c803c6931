/* A checkpoint keeps episodes' reward terms and behaviour policies by their rows; the names of those rows
 * stand beside them, so that a build whose tables have other rows still reads what the numbers meant. */
#ifndef LACONIC_TRAIN_RUN_REPLAY_NAMES_H
#define LACONIC_TRAIN_RUN_REPLAY_NAMES_H

#include "train/replay/replay.h"

/* Attributes `terms` (- for a term that these settings do not measure) and `policies` of GROUP. */
enum status replay_names_write(struct h5_file *file, const char *group,
                               const struct train_settings *settings);

/* Gives the episodes of a replay that was read from GROUP this build's rows. STATUS_MISMATCH when one of them
 * was proposed by a policy that is gone, or when these settings weigh a term that was not measured. A file
 * without names is taken as this build's. */
enum status replay_names_apply(struct h5_file *file, const char *group, const struct train_settings *settings,
                               struct replay *replay);

#endif
