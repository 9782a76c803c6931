/* The two phases of a run: the supervised warm start and the rl stage. */
#ifndef LACONIC_TRAIN_PHASE_H
#define LACONIC_TRAIN_PHASE_H

enum phase { PHASE_SUPERVISED, PHASE_RL, PHASE_COUNT };

/* As files call it. */
static inline const char *phase_key(enum phase phase) {
    return phase == PHASE_SUPERVISED ? "supervised" : "rl";
}

/* As messages call it. */
static inline const char *phase_name(enum phase phase) {
    return phase == PHASE_SUPERVISED ? "supervised warm start" : "rl stage";
}

#endif
