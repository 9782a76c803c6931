/* Lays the context-mixing model's tables out in one piece of memory and fills them for the start of a frame.
 */
#include "codec/byte_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "codec/byte_model_internal.h"

enum { BUCKET_BITS_MAXIMUM = 19, MAP_BITS_MAXIMUM = 16 };

/* ---- memory ---- */

int byte_model_window(uint64_t content_size) {
    int window = BYTE_MODEL_WINDOW_MINIMUM;
    while (window < BYTE_MODEL_WINDOW_MAXIMUM && UINT64_C(1) << window < content_size)
        window++;
    return window;
}

struct byte_arrays {
    struct bucket *buckets;
    struct map *maps[MAPS];
    uint32_t *entries, *heads[MATCH_LENGTHS];
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* The place of the next array; NULL while only the size is wanted. */
static void *place(char *base, size_t *size, size_t bytes) {
    void *here = base ? base + *size : NULL;
    *size += (bytes + 63) / 64 * 64;
    return here;
}

/* The arrays behind the struct at `base`; returns the size of it all. */
static size_t place_arrays(struct byte_arrays *arrays, char *base, int window) {
    size_t size = 0;
    place(base, &size, sizeof(struct byte_model));
    arrays->buckets = place(base, &size, sizeof(struct bucket) << smaller(window + 3, BUCKET_BITS_MAXIMUM));
    for (int m = 0; m < MAPS; m++)
        arrays->maps[m] = place(base, &size, sizeof(struct map) << smaller(window, MAP_BITS_MAXIMUM));
    arrays->entries = place(base, &size, sizeof(uint32_t) << window);
    for (int l = 0; l < MATCH_LENGTHS; l++)
        arrays->heads[l] = place(base, &size, sizeof(uint32_t) << (window - 1));
    return size;
}

static void lay_out(struct byte_model *model, int window) {
    struct byte_arrays arrays;
    place_arrays(&arrays, (char *)model, window);
    model->bucket_bits = smaller(window + 3, BUCKET_BITS_MAXIMUM);
    model->map_bits = smaller(window, MAP_BITS_MAXIMUM);
    model->log.bits = window;
    model->buckets = arrays.buckets;
    for (int m = 0; m < MAPS; m++)
        model->maps[m] = arrays.maps[m];
    model->log.entries = arrays.entries;
    for (int l = 0; l < MATCH_LENGTHS; l++)
        model->log.heads[l] = arrays.heads[l];
    model->mixer.sets = model->sets;
    model->mixer.uses = model->uses;
}

enum status byte_model_open(struct byte_model **out, int window, bool guided) {
    struct byte_arrays measured;
    *out = NULL;
    if (window < BYTE_MODEL_WINDOW_MINIMUM || window > BYTE_MODEL_WINDOW_MAXIMUM)
        return fail(STATUS_LIMIT, "a context-mixing model has a window of 2^%d to 2^%d bytes, not 2^%d",
                    BYTE_MODEL_WINDOW_MINIMUM, BYTE_MODEL_WINDOW_MAXIMUM, window);
    size_t size = place_arrays(&measured, NULL, window);
    struct byte_model *model = aligned_alloc(64, size);
    if (!model)
        return fail(STATUS_MEMORY, "no memory for the context-mixing model (%zu bytes)", size);
    memset(model, 0, sizeof *model);
    model->size = size;
    model->guided = guided;
    lay_out(model, window);
    logistic_fill(&model->logistic);
    slot_rates_fill(&model->rates);
    byte_model_reset(model);
    *out = model;
    return STATUS_OK;
}

enum status byte_model_open_like(struct byte_model **out, const struct byte_model *other) {
    return byte_model_open(out, other->log.bits, other->guided);
}

void byte_model_close(struct byte_model *model) {
    free(model);
}

void byte_model_copy(struct byte_model *to, const struct byte_model *from) {
    assert(to->size == from->size);
    int window = from->log.bits;
    memcpy(to, from, from->size);
    lay_out(to, window);
}

/* ---- the start ---- */

/* Bits of a history count the less the older they are, each step by a fifth. */
static estimate estimate_of_history(uint32_t history) {
    uint64_t ones = 410, all = 819;
    for (uint64_t weight = 1024; history > 1; history >>= 1, weight = weight * 4 / 5) {
        ones += weight * (history & 1);
        all += weight;
    }
    return estimate_make((uint32_t)(ones * 65535 / all), 6);
}

static void reset_estimates(struct byte_model *model) {
    for (int c = 0; c < CONTEXTS; c++)
        for (int h = 0; h < HISTORIES; h++)
            model->histories[c][h] =
                estimate_of_history((uint32_t)(h < SLOT_HISTORY_LONG ? h : SLOT_HISTORY_LONG | h % 128));
    for (int class = 0; class < MATCH_CLASSES; class ++)
        for (int wrong = 0; wrong < MATCH_WRONG; wrong++)
            model->matches[class][wrong] =
                estimate_make((uint32_t)(65535 - 16384 * (wrong + 1) / (class + 2)), 0);
    for (int node = 0; node < 256; node++)
        model->order0[node] = slots_unseen.slots[0];
}

static void reset_mixer(struct byte_model *model) {
    int16_t weights[MIXER_INPUTS] = {0};
    for (int i = 0; i < INPUT_ORDER0; i++)
        weights[i] = model->guided ? 375 : 750;
    weights[INPUT_ORDER0] = 562;
    weights[INPUT_MATCH] = 2250;
    weights[INPUT_GUIDE] = 3000;
    mixer_reset(&model->mixer, weights, SETS);
}

static void reset_maps(struct byte_model *model) {
    struct map map;
    for (int k = 0; k < MAP_KNOTS; k++)
        map.knots[k] = (uint16_t)logistic_squash(&model->logistic, k * LOGISTIC_UNIT - LOGISTIC_LIMIT);
    for (int m = 0; m < MAPS; m++)
        for (size_t c = 0; c < (size_t)1 << model->map_bits; c++)
            model->maps[m][c] = map;
}

void byte_model_reset(struct byte_model *model) {
    reset_estimates(model);
    reset_mixer(model);
    reset_maps(model);
    model->log.last = 0;
    memset(model->buckets, 0, sizeof(struct bucket) << model->bucket_bits);
    memset(model->log.entries, 0, sizeof(uint32_t) << model->log.bits);
    for (int l = 0; l < MATCH_LENGTHS; l++)
        memset(model->log.heads[l], 0, sizeof(uint32_t) << (model->log.bits - 1));
}
