/* Bitwise context mixing over the tokens of z. Integer divisions truncate towards zero, as C's do. */
#include "codec/prior.h"

#include <assert.h>
#include "codec/bits.h"
#include <stdlib.h>
#include <string.h>

enum {
    ORDERS = 3,           /* contexts of no, one and two tokens */
    TABLE_BITS = 20,      /* slots of each hashed order, as a power of two */
    SEEN_LIMIT = 40,      /* slower than 1 in 40 no slot learns, so that it follows the text */
    SEEN_AT_START = 12,   /* how firmly the checkpoint's counts stand */
    CONFIDENCES = 5,      /* classes of how much a slot has seen */
    WEIGHT_ONE = 1 << 16, /* a mixing weight of 1 */
    WEIGHT_LIMIT = 1 << 24,
    LEARNING_RATE = 14,  /* of the weights */
    STRETCH_LIMIT = 2047 /* ln(p / (1 - p)) in 1/256 */
};

/* The probability of a 1 at one node of the tree in one context, in 1/65536. */
struct slot {
    uint16_t one;
    uint8_t seen;  /* how often it was used, up to SEEN_LIMIT; 0: empty */
    uint8_t check; /* of the context, to notice another one in the same place */
};

struct prior {
    int vocabulary;
    int depth; /* bits of a token */
    int16_t stretch[RANGE_BIT_ONE];
    int32_t weights[CONFIDENCES][CONFIDENCES][ORDERS]; /* by the confidence of order 1 and of order 2 */
    size_t slot_count;
    struct slot slots[]; /* order 0 by node [1 << depth], then the tables of order 1 and order 2 */
};

static const int32_t weights_at_start[ORDERS] = {16384, 16384, 40960};

/* 4096 / (1 + exp(-x / 256)) at x = -2048, -1920 .. 2048 */
static const int16_t squash_knots[33] = {1,    2,    4,    6,    10,   17,   27,   45,   74,   120,  194,
                                         311,  488,  747,  1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
                                         3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095};

static int squash(int64_t x) {
    int place = (int)(x > STRETCH_LIMIT ? STRETCH_LIMIT : x < -STRETCH_LIMIT ? -STRETCH_LIMIT : x) + 2048;
    int knot = place / 128, rest = place % 128;
    return (squash_knots[knot] * (128 - rest) + squash_knots[knot + 1] * rest + 64) / 128;
}

/* The inverse: the smallest x whose squash is at least p. */
static void fill_stretch(int16_t stretch[RANGE_BIT_ONE]) {
    int p = 0;
    for (int x = -STRETCH_LIMIT; x <= STRETCH_LIMIT; x++)
        for (; p <= squash(x); p++)
            stretch[p] = (int16_t)x;
    assert(p == RANGE_BIT_ONE);
}

/* Order 0 starts from the checkpoint: a count weighs 64, and 1 is added so that no token is impossible. */
static enum status fill_order0(struct prior *prior, const uint32_t *counts) {
    size_t leaves = (size_t)1 << prior->depth;
    uint64_t *sum = calloc(2 * leaves, sizeof *sum); /* below each node, leaves last */
    if (!sum)
        return fail(STATUS_MEMORY, "no memory for the counts of %d tokens", prior->vocabulary);
    for (int id = 0; id < prior->vocabulary; id++)
        sum[leaves + (size_t)id] = (uint64_t)counts[id] * 64 + 1;
    for (size_t node = leaves - 1; node > 0; node--) {
        uint64_t right = sum[2 * node + 1], both = sum[node] = sum[2 * node] + right;
        uint64_t one = both ? right * 65536 / both : 0;
        uint64_t seen = both / 64;
        prior->slots[node].one = (uint16_t)(one < 16 ? 16 : one > 65520 ? 65520 : one);
        prior->slots[node].seen = (uint8_t)(seen < SEEN_AT_START ? seen : SEEN_AT_START);
    }
    free(sum);
    return STATUS_OK;
}

static size_t prior_size(size_t slot_count) {
    return sizeof(struct prior) + slot_count * sizeof(struct slot);
}

enum status prior_open(struct prior **out, const uint32_t *counts, int vocabulary) {
    *out = NULL;
    if (vocabulary < 2 || vocabulary > PRIOR_VOCABULARY_MAXIMUM)
        return fail(STATUS_LIMIT, "the codec handles vocabularies of 2 to %d tokens, not %d",
                    PRIOR_VOCABULARY_MAXIMUM, vocabulary);
    int depth = 1;
    while (1 << depth < vocabulary)
        depth++;
    size_t slot_count = ((size_t)1 << depth) + ((size_t)(ORDERS - 1) << TABLE_BITS);
    struct prior *prior = calloc(1, prior_size(slot_count));
    if (!prior)
        return fail(STATUS_MEMORY, "no memory for the token model (%zu bytes)", prior_size(slot_count));
    prior->vocabulary = vocabulary;
    prior->depth = depth;
    prior->slot_count = slot_count;
    fill_stretch(prior->stretch);
    for (int i = 0; i < CONFIDENCES * CONFIDENCES; i++)
        memcpy(prior->weights[i / CONFIDENCES][i % CONFIDENCES], weights_at_start, sizeof weights_at_start);
    enum status status = fill_order0(prior, counts);
    if (status != STATUS_OK) {
        prior_close(prior);
        return status;
    }
    *out = prior;
    return STATUS_OK;
}

void prior_close(struct prior *prior) {
    free(prior);
}

void prior_copy(struct prior *to, const struct prior *from) {
    assert(to->slot_count == from->slot_count && to->vocabulary == from->vocabulary);
    memcpy(to, from, prior_size(from->slot_count));
}

/* What the model thinks at one node: a copy of each order's slot, where it belongs, and the mixture. */
struct view {
    struct slot slots[ORDERS];
    size_t places[ORDERS];
    int stretched[ORDERS];
    int confidence[ORDERS];
    int one; /* probability of a 1 for the range coder */
};

static int confidence_of(int seen) {
    if (seen < 2)
        return seen;
    return seen <= 3 ? 2 : seen <= 10 ? 3 : 4;
}

/* An empty slot, or one that served another context, starts from what the order below thinks. */
static void view_hashed_slot(const struct prior *prior, struct view *view, int order, uint32_t context,
                             uint32_t node) {
    uint32_t hash = (context + node) * UINT32_C(0x9E3779B1);
    hash = (hash ^ hash >> 15) * UINT32_C(0x85EBCA6B);
    size_t table = ((size_t)1 << prior->depth) + ((size_t)(order - 1) << TABLE_BITS);
    view->places[order] = table + (hash >> (32 - TABLE_BITS));
    struct slot slot = prior->slots[view->places[order]];
    uint8_t check = (uint8_t)hash;
    if (slot.seen == 0 || slot.check != check)
        slot = (struct slot){.one = view->slots[order - 1].one, .check = check};
    view->slots[order] = slot;
}

static void view_node(const struct prior *prior, struct view *view, const uint32_t contexts[ORDERS],
                      uint32_t node) {
    view->places[0] = node;
    view->slots[0] = prior->slots[node];
    for (int order = 1; order < ORDERS; order++)
        view_hashed_slot(prior, view, order, contexts[order], node);
    for (int order = 0; order < ORDERS; order++) {
        view->stretched[order] = prior->stretch[view->slots[order].one >> 4];
        view->confidence[order] = confidence_of(view->slots[order].seen);
    }
    const int32_t *weights = prior->weights[view->confidence[1]][view->confidence[2]];
    int64_t mixed = 0;
    for (int order = 0; order < ORDERS; order++)
        mixed += (int64_t)weights[order] * view->stretched[order];
    view->one = squash(mixed / WEIGHT_ONE);
}

static int32_t clamp_weight(int32_t weight) {
    return weight > WEIGHT_LIMIT ? WEIGHT_LIMIT : weight < -WEIGHT_LIMIT ? -WEIGHT_LIMIT : weight;
}

static void learn_bit(struct prior *prior, struct view *view, int bit) {
    int error = (bit ? RANGE_BIT_ONE - 1 : 0) - view->one;
    int32_t *weights = prior->weights[view->confidence[1]][view->confidence[2]];
    for (int order = 0; order < ORDERS; order++) {
        struct slot *slot = &view->slots[order];
        int32_t step = view->stretched[order] * error * LEARNING_RATE / 65536;
        weights[order] = clamp_weight(weights[order] + step);
        slot->one = (uint16_t)(slot->one + ((bit ? 65535 : 0) - slot->one) * 2 / (2 * slot->seen + 3));
        if (slot->seen < SEEN_LIMIT)
            slot->seen++;
        prior->slots[view->places[order]] = *slot;
    }
}

static void hash_contexts(const struct prior_context *context, uint32_t contexts[ORDERS]) {
    contexts[0] = 0;
    contexts[1] = ((uint32_t)context->last + 1) * UINT32_C(0x2C1B3C6D);
    contexts[2] = (contexts[1] + (uint32_t)context->before_last + 1) * UINT32_C(0x297A2D39);
}

/* Every leaf under the right child is beyond the vocabulary: the bit can only be 0 and is not coded. */
static bool is_forced(const struct prior *prior, uint32_t node, int level) {
    uint32_t first = ((2 * node + 1) << level) - (UINT32_C(1) << prior->depth);
    return first >= (uint32_t)prior->vocabulary;
}

static void move_on(struct prior_context *context, int32_t token) {
    context->before_last = context->last;
    context->last = token;
}

/* Without a coder the token is only learned. */
static int32_t walk_tree(struct prior *prior, struct range_coder *coder, struct prior_context *context,
                         int32_t token) {
    uint32_t contexts[ORDERS], node = 1;
    struct view view;
    hash_contexts(context, contexts);
    for (int level = prior->depth - 1; level >= 0; level--) {
        int bit = 0;
        if (!is_forced(prior, node, level)) {
            view_node(prior, &view, contexts, node);
            bit = token >> level & 1;
            if (coder)
                bit = range_code_bit(coder, view.one, bit);
            learn_bit(prior, &view, bit);
        }
        node = 2 * node + (uint32_t)bit;
    }
    move_on(context, (int32_t)(node - (UINT32_C(1) << prior->depth)));
    return context->last;
}

int32_t prior_code_token(struct prior *prior, struct range_coder *coder, struct prior_context *context,
                         int32_t token) {
    assert(coder->decoding || (token >= 0 && token < prior->vocabulary));
    return walk_tree(prior, coder, context, token);
}

void prior_learn(struct prior *prior, struct prior_context *context, const int32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        walk_tree(prior, NULL, context, ids[i]);
}

/* In 1 / BITS_ONE of a bit. */
static uint64_t price_token(const struct prior *prior, const struct prior_context *context, int32_t token) {
    uint32_t contexts[ORDERS], node = 1;
    struct view view;
    uint64_t bits = 0;
    hash_contexts(context, contexts);
    for (int level = prior->depth - 1; level >= 0; level--) {
        int bit = token >> level & 1;
        if (!is_forced(prior, node, level)) {
            view_node(prior, &view, contexts, node);
            bits += bits_price((uint32_t)(bit ? view.one : RANGE_BIT_ONE - view.one), RANGE_BIT_ONE);
        }
        node = 2 * node + (uint32_t)bit;
    }
    return bits;
}

double prior_price(const struct prior *prior, struct prior_context *context, const int32_t *ids,
                   size_t count) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits += price_token(prior, context, ids[i]);
        move_on(context, ids[i]);
    }
    return (double)bits / BITS_ONE;
}
