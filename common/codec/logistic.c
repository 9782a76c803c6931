/* Fills the tables of squash and stretch. */
#include "codec/logistic.h"

#include <assert.h>

/* e^(-1/128) in 1/2^32 */
static const uint64_t DECAY = UINT64_C(4261543595);

/* squash(x) = 65536 / (1 + e^-x), rounded; squash(-x) = 65536 - squash(x). */
static void fill_squash(struct logistic *tables) {
    uint64_t power = UINT64_C(1) << 32; /* e^(-x / 128) in 1/2^32 */
    for (int x = 0; x <= LOGISTIC_LIMIT; x++) {
        uint64_t whole = (UINT64_C(1) << 32) + power;
        uint64_t p = ((UINT64_C(1) << 48) + whole / 2) / whole;
        tables->squash[LOGISTIC_LIMIT + x] = (uint16_t)p;
        tables->squash[LOGISTIC_LIMIT - x] = (uint16_t)(65536 - p);
        power = power * DECAY >> 32;
    }
}

/* The inverse: the smallest x whose squash is at least the middle of the step. */
static void fill_stretch(struct logistic *tables) {
    int x = -LOGISTIC_LIMIT;
    for (int i = 0; i < LOGISTIC_COARSE; i++) {
        while (logistic_squash(tables, x) < 16 * i + 8)
            x++;
        tables->stretch[i] = (int16_t)x;
    }
    assert(x <= LOGISTIC_LIMIT);
}

void logistic_fill(struct logistic *tables) {
    fill_squash(tables);
    fill_stretch(tables);
}
