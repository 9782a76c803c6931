/* The two phases of a run. */
#ifndef LACONIC_TRAIN_PHASE_H
#define LACONIC_TRAIN_PHASE_H

#include "train/settings.h"

enum phase { PHASE_SUPERVISED, PHASE_RL, PHASE_COUNT };

/* As files call it, whatever the algorithm. */
static inline const char *phase_key(enum phase phase) {
    return phase == PHASE_SUPERVISED ? "supervised" : "reinforce";
}

/* As messages call it: phase two goes by the algorithm that learns in it. */
static inline const char *phase_name(const struct train_settings *settings, enum phase phase) {
    return phase == PHASE_SUPERVISED ? "supervised" : settings->rl.algorithm;
}

#endif
