/* The context-mixing model's tables: shared by the part that lays them out and starts them
 * (byte_model_start.c) and the part that predicts and learns (byte_model.c). */
#ifndef LACONIC_CODEC_BYTE_MODEL_INTERNAL_H
#define LACONIC_CODEC_BYTE_MODEL_INTERNAL_H

#include "codec/byte_match.h"
#include "codec/byte_slots.h"
#include "codec/logistic.h"
#include "codec/mixer.h"

enum {
    ORDERS = 6,          /* contexts of one to six bytes */
    CONTEXTS = 10,       /* and of the word, of two words, of the expected byte, of bytes before the last */
    HISTORIES = 4 * 128, /* short ones, then long ones by how much the slot has seen */
    OPINIONS = 3,        /* inputs of a context */
    /* inputs behind those of the contexts */
    INPUT_ORDER0 = OPINIONS * CONTEXTS,
    INPUT_ONE,
    INPUT_MATCH,
    INPUT_MATCH_LINEAR,
    INPUT_GUIDE,
    INPUT_GUIDE_LINEAR,
    INPUTS,
    /* weight sets: by node; by match and guide; by order, guide and bit; by the last three bytes */
    GUIDE_CLASSES = 8,
    SETS_NODE = 0,
    SETS_MATCH = SETS_NODE + 256,
    SETS_ORDER = SETS_MATCH + 12 * GUIDE_CLASSES,
    SETS_BYTES = SETS_ORDER + (ORDERS + 1) * GUIDE_CLASSES * 8,
    SETS = SETS_BYTES + 512,
    /* the adaptive maps */
    MAPS = 2,
    MAP_KNOTS = 2 * LOGISTIC_LIMIT / LOGISTIC_UNIT + 1
};

_Static_assert((int)INPUTS <= (int)MIXER_INPUTS, "the mixer has room for all inputs");

/* A probability in 1/65536 at log odds of whole nats, learned in one context. */
struct map {
    uint16_t knots[MAP_KNOTS];
};

struct byte_model {
    int bucket_bits, map_bits;
    bool guided;
    size_t size; /* of this struct and everything behind it */
    struct logistic logistic;
    struct slot_rates rates;
    struct slot order0[256];
    estimate histories[CONTEXTS][HISTORIES];
    estimate matches[MATCH_CLASSES][MATCH_WRONG];
    struct mixer mixer;
    struct match_log log;
    uint16_t uses[SETS];
    struct mixer_set sets[SETS];
    /* behind the struct, at multiples of 64 bytes */
    struct bucket *buckets; /* [1 << bucket_bits] */
    struct map *maps[MAPS]; /* [1 << map_bits] */
};

#endif
