/* Probabilities and their log odds, in integers: what logistic mixing (Mahoney 2005) calculates with.
 *
 * Log odds ln(p / (1 - p)) are whole numbers in 1/128, within -LOGISTIC_LIMIT .. LOGISTIC_LIMIT (11 nats:
 * probabilities from 1 to 65535 in 65536). The tables are filled by integer arithmetic alone and are the same
 * on every machine.
 */
#ifndef LACONIC_CODEC_LOGISTIC_H
#define LACONIC_CODEC_LOGISTIC_H

#include <stdint.h>

enum {
    LOGISTIC_LIMIT = 1408,
    LOGISTIC_UNIT = 128, /* one nat */
    LOGISTIC_COARSE = 4096
};

struct logistic {
    uint16_t squash[2 * LOGISTIC_LIMIT + 1]; /* from -LOGISTIC_LIMIT on */
    int16_t stretch[LOGISTIC_COARSE];        /* of probabilities in 1/4096 */
};

void logistic_fill(struct logistic *tables);

static inline int logistic_clamp(int x) {
    return x > LOGISTIC_LIMIT ? LOGISTIC_LIMIT : x < -LOGISTIC_LIMIT ? -LOGISTIC_LIMIT : x;
}

/* The probability, in 1/65536, of log odds x within the limits. */
static inline int logistic_squash(const struct logistic *tables, int x) {
    return tables->squash[x + LOGISTIC_LIMIT];
}

/* The log odds of a probability p in 1/65536, 0 <= p < 65536, of which the top 12 bits count. */
static inline int logistic_stretch(const struct logistic *tables, int p) {
    return tables->stretch[p >> 4];
}

#endif
