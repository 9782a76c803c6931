/* Opinions about a bit, their mixture, and what is learned when the bit is known. */
#include "codec/byte_model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "codec/byte_model_internal.h"

enum { MAP_RATE = 6 }; /* a knot moves 1/64 of its error */

/* ---- what is known before a byte ---- */

struct view {
    uint32_t contexts[CONTEXTS];
    const struct bucket *buckets[CONTEXTS];
    int expected; /* byte the match expects; -1: none, or it was wrong in this byte */
    int match_class, match_wrong;
    uint32_t below[512]; /* D's frequencies: of the bytes below each node of the tree, leaves last */
    bool guided;
    uint32_t last; /* three bytes */
};

/* What is known about one bit. */
struct opinion {
    struct mixture mixture;
    const struct slot *slots[CONTEXTS];
    int history[CONTEXTS]; /* index of the estimate */
    int expected;          /* bit the match expects; -1: none */
    struct map *maps[MAPS];
    uint16_t *near[MAPS]; /* knots that will learn */
    int one;              /* for the range coder */
};

static uint32_t hash_context(uint64_t bytes, uint32_t kind) {
    uint64_t hash = (bytes + kind * UINT64_C(0x2C1B3C6D297A2D39)) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)((hash ^ hash >> 29) * UINT64_C(0x85EBCA6B2C1B3C6D) >> 32);
}

static void hash_contexts(uint32_t contexts[CONTEXTS], const struct byte_history *history, int expected) {
    uint32_t kind = 0;
    for (; kind < ORDERS; kind++)
        contexts[kind] = hash_context(history->last & ((UINT64_C(256) << 8 * kind) - 1), kind);
    uint64_t last = history->last & 255, length = history->match.length;
    uint64_t awaited =
        (uint64_t)(expected + 1) | (uint64_t)(length > 15) << 9 | (uint64_t)(length > 31) << 10;
    contexts[kind] = hash_context(history->word, kind), kind++;
    contexts[kind] = hash_context((uint64_t)history->word << 32 | history->word_before, kind), kind++;
    contexts[kind] = hash_context(awaited << 8 | last, kind), kind++;
    contexts[kind] = hash_context(history->last >> 8 & 0xFFFF, kind);
}

static void sum_frequencies(struct view *view, const uint32_t *frequencies) {
    memcpy(view->below + 256, frequencies, 256 * sizeof *frequencies);
    for (int node = 255; node > 0; node--)
        view->below[node] = view->below[2 * node] + view->below[2 * node + 1];
    assert(view->below[1] <= 65536);
}

static void prefetch_buckets(const struct byte_model *model, const uint32_t contexts[CONTEXTS], int half) {
    for (int c = 0; c < CONTEXTS; c++)
        slots_prefetch(model->buckets, model->bucket_bits, contexts[c], (uint32_t)half);
}

static void look(const struct byte_model *model, struct view *view, const struct byte_history *history,
                 const uint32_t *frequencies) {
    view->expected = match_expected(&model->log, &history->match);
    view->match_class = match_class(history->match.length);
    view->match_wrong = (int)history->match.wrong;
    view->last = (uint32_t)history->last & 0xFFFFFF;
    view->guided = frequencies != NULL;
    if (frequencies)
        sum_frequencies(view, frequencies);
    hash_contexts(view->contexts, history, view->expected);
    prefetch_buckets(model, view->contexts, 0);
}

static void find_buckets(const struct byte_model *model, struct view *view, int half, bool take) {
    for (int c = 0; c < CONTEXTS; c++) {
        const struct bucket *bucket =
            slots_find(model->buckets, model->bucket_bits, view->contexts[c], (uint32_t)half, take);
        view->buckets[c] = bucket ? bucket : &slots_unseen;
    }
}

/* ---- opinions about a bit ---- */

static int history_index(const struct slot *slot) {
    if (slot->history < SLOT_HISTORY_LONG || slot->seen < 15)
        return slot->history;
    return slot->history + (slot->seen < 60 ? 128 : 256);
}

/* Probability, the same by how much it rests on, and what followed such a history elsewhere. */
static void ask_slot(const struct byte_model *model, struct opinion *opinion, int c,
                     const struct slot *slot) {
    int16_t *inputs = opinion->mixture.inputs + OPINIONS * c;
    int index = history_index(slot);
    opinion->slots[c] = slot;
    opinion->history[c] = index;
    int firm = slot->seen < 7 ? slot->seen : 7;
    int guess = logistic_stretch(&model->logistic, estimate_one(model->histories[c][index]));
    inputs[0] = (int16_t)logistic_stretch(&model->logistic, slot->one);
    inputs[1] = (int16_t)((slot->one - SLOT_EVEN) * firm / 512);
    inputs[2] = (int16_t)(slot->seen ? guess : 0);
}

static void ask_match(const struct byte_model *model, struct opinion *opinion, const struct view *view,
                      int bit) {
    int16_t *inputs = opinion->mixture.inputs;
    inputs[INPUT_MATCH] = inputs[INPUT_MATCH_LINEAR] = 0;
    opinion->expected = view->expected < 0 ? -1 : view->expected >> (7 - bit) & 1;
    if (view->expected < 0)
        return;
    int right = estimate_one(model->matches[view->match_class][view->match_wrong]);
    int sign = opinion->expected ? 1 : -1;
    inputs[INPUT_MATCH] = (int16_t)(sign * logistic_stretch(&model->logistic, right));
    inputs[INPUT_MATCH_LINEAR] = (int16_t)(sign * ((right - SLOT_EVEN) / 64));
}

/* Returns the class of how sure D is. */
static int ask_guide(const struct byte_model *model, struct opinion *opinion, const struct view *view,
                     int node) {
    int16_t *inputs = opinion->mixture.inputs;
    inputs[INPUT_GUIDE] = inputs[INPUT_GUIDE_LINEAR] = 0;
    if (!view->guided)
        return 0;
    int one = (int)(view->below[2 * node + 1] * UINT32_C(65536) / view->below[node]);
    int odds = logistic_stretch(&model->logistic, one);
    inputs[INPUT_GUIDE] = (int16_t)odds;
    inputs[INPUT_GUIDE_LINEAR] = (int16_t)((one - SLOT_EVEN) / 64);
    int sure = abs(odds) / LOGISTIC_UNIT;
    return sure < GUIDE_CLASSES ? sure : GUIDE_CLASSES - 1;
}

static void choose_sets(struct mixture *mixture, const struct view *view, int order, int guide, int node,
                        int bit) {
    uint32_t last = view->last;
    int match = view->expected < 0 ? 0 : 1 + view->match_class / 3;
    mixture->sets[0] = SETS_NODE + node;
    mixture->sets[1] = SETS_MATCH + match * GUIDE_CLASSES + guide;
    mixture->sets[2] = SETS_ORDER + (order * GUIDE_CLASSES + guide) * 8 + bit;
    mixture->sets[3] = SETS_BYTES + (int)((last >> 21 & 7) << 6 | (last >> 5 & 7) << 3 | (last >> 13 & 7));
    mixture->final = node;
}

/* The rows of half a byte lie together, for the memory is slow; and it is asked long before they are. */
static void find_maps(const struct byte_model *model, struct opinion *opinion, const struct view *view,
                      uint32_t half, uint32_t node) {
    for (int m = 0; m < MAPS; m++) {
        uint32_t context = (view->last & (m == 0 ? 0xFF : 0xFFFF)) << 8 | half;
        uint32_t rows = context * UINT32_C(0x9E3779B1) >> (32 - model->map_bits + 4) << 4;
        opinion->maps[m] = &model->maps[m][rows + node];
        __builtin_prefetch(&opinion->maps[m]->knots[MAP_KNOTS / 4], 1);
        __builtin_prefetch(&opinion->maps[m]->knots[MAP_KNOTS * 3 / 4], 1);
    }
}

/* Between two knots; the nearer one will learn. */
static int ask_map(struct opinion *opinion, int m) {
    uint16_t *knots = opinion->maps[m]->knots;
    int place = opinion->mixture.result + LOGISTIC_LIMIT;
    int knot = place / LOGISTIC_UNIT, rest = place % LOGISTIC_UNIT;
    if (knot == MAP_KNOTS - 1)
        knot--, rest = LOGISTIC_UNIT;
    opinion->near[m] = &knots[knot + (rest > LOGISTIC_UNIT / 2)];
    return (knots[knot] * (LOGISTIC_UNIT - rest) + knots[knot + 1] * rest) / LOGISTIC_UNIT;
}

static void refine(const struct byte_model *model, struct opinion *opinion) {
    int mixed = logistic_squash(&model->logistic, opinion->mixture.result);
    int one = (mixed + ask_map(opinion, 0) + 2 * ask_map(opinion, 1) + 2) / 4;
    opinion->one = one < 1 ? 1 : one > 65535 ? 65535 : one;
}

static void ask_all(const struct byte_model *model, struct opinion *opinion, const struct view *view,
                    int node, int bit) {
    int level = bit % 4, half = bit < 4 ? 0 : node >> level, order = 0;
    int inner = 1 << level | (node & ((1 << level) - 1)); /* node of the half byte */
    find_maps(model, opinion, view, (uint32_t)half, (uint32_t)inner);
    for (int c = 0; c < CONTEXTS; c++) {
        ask_slot(model, opinion, c, &view->buckets[c]->slots[inner - 1]);
        if (c < ORDERS && opinion->slots[c]->seen)
            order = c + 1;
    }
    int16_t *inputs = opinion->mixture.inputs;
    inputs[INPUT_ORDER0] = (int16_t)logistic_stretch(&model->logistic, model->order0[node].one);
    inputs[INPUT_ONE] = LOGISTIC_UNIT;
    ask_match(model, opinion, view, bit);
    int guide = ask_guide(model, opinion, view, node);
    choose_sets(&opinion->mixture, view, order, guide, node, bit);
    mixer_mix(&model->mixer, &opinion->mixture);
    refine(model, opinion);
}

/* ---- learning ---- */

/* Steps are rounded away from zero, so that a knot can come to either end. */
static void learn_knot(uint16_t *knot, int bit) {
    if (bit)
        *knot = (uint16_t)(*knot + ((65535 - *knot + (1 << MAP_RATE) - 1) >> MAP_RATE));
    else
        *knot = (uint16_t)(*knot - ((*knot + (1 << MAP_RATE) - 1) >> MAP_RATE));
}

static void learn_bit(struct byte_model *model, const struct opinion *opinion, struct view *view, int node,
                      int bit) {
    mixer_learn(&model->mixer, &model->logistic, &opinion->mixture, bit);
    for (int m = 0; m < MAPS; m++)
        learn_knot(opinion->near[m], bit);
    for (int c = 0; c < CONTEXTS; c++) {
        estimate_learn(&model->histories[c][opinion->history[c]], &model->rates, bit);
        slot_learn((struct slot *)opinion->slots[c], &model->rates, bit);
    }
    slot_learn(&model->order0[node], &model->rates, bit);
    if (opinion->expected >= 0)
        estimate_learn(&model->matches[view->match_class][view->match_wrong], &model->rates,
                       opinion->expected == bit);
}

/* ---- bytes ---- */

static bool is_letter(int byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 128;
}

static void move_on(struct byte_history *history, int byte) {
    history->last = history->last << 8 | (uint64_t)byte;
    if (is_letter(byte)) {
        history->word = (history->word + (uint32_t)(byte | 32)) * UINT32_C(0x9E3779B1);
    } else if (history->word) {
        history->word_before = history->word;
        history->word = 0;
    }
}

/* Without a coder the byte is only learned. */
static int walk_tree(struct byte_model *model, struct range_coder *coder, struct byte_history *history,
                     const uint32_t *frequencies, int byte) {
    struct view view;
    struct opinion opinion = {0};
    int node = 1;
    look(model, &view, history, frequencies);
    for (int level = 0; level < 8; level++) {
        if (level % 4 == 0)
            find_buckets(model, &view, level ? node : 0, true);
        ask_all(model, &opinion, &view, node, level);
        int bit = byte >> (7 - level) & 1;
        if (coder)
            bit = range_code_fine_bit(coder, opinion.one, bit);
        if (level == 3)
            prefetch_buckets(model, view.contexts, 2 * node + bit);
        if (level == 7)
            match_prefetch(&model->log, &history->match, (2 * node + bit) & 255);
        learn_bit(model, &opinion, &view, node, bit);
        if (opinion.expected != bit)
            view.expected = -1;
        node = 2 * node + bit;
    }
    match_append(&model->log, &history->match, node & 255);
    move_on(history, node & 255);
    return node & 255;
}

int byte_model_code(struct byte_model *model, struct range_coder *coder, struct byte_history *history,
                    const uint32_t *frequencies, int byte) {
    return walk_tree(model, coder, history, frequencies, byte);
}

void byte_model_learn(struct byte_model *model, struct byte_history *history, const uint8_t *bytes,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        walk_tree(model, NULL, history, NULL, bytes[i]);
}

double byte_model_price(const struct byte_model *model, struct byte_history *history,
                        const uint32_t *frequencies, int byte) {
    struct view view;
    struct opinion opinion = {0};
    double bits = 0;
    int node = 1;
    look(model, &view, history, frequencies);
    for (int level = 0; level < 8; level++) {
        int bit = byte >> (7 - level) & 1;
        if (level % 4 == 0)
            find_buckets(model, &view, level ? node : 0, false);
        ask_all(model, &opinion, &view, node, level);
        bits -= log2((bit ? opinion.one : RANGE_FINE_ONE - opinion.one) / (double)RANGE_FINE_ONE);
        if (opinion.expected != bit)
            view.expected = -1;
        node = 2 * node + bit;
    }
    match_follow(&model->log, &history->match, byte);
    move_on(history, byte);
    return bits;
}
