/* Weights in 8 bits: room, making, widening. */
#include "t5/narrow.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "t5/parameters.h"
#include "t5/quantise.h"

static size_t size_of(const struct t5_parameter *p) {
    return (size_t)p->rows * (size_t)p->columns;
}

enum status t5_narrow_open(struct t5_narrow *n, const struct t5_model *model) {
    size_t numbers = 0, rows = 0, floats = 0;
    *n = (struct t5_narrow){.places = calloc((size_t)model->parameter_count, sizeof *n->places)};
    for (int i = 0; i < model->parameter_count && n->places; i++) {
        const struct t5_parameter *p = &model->parameters[i];
        bool quantised = t5_is_quantised(p);
        n->places[i] = (struct t5_narrow_place){quantised ? numbers : floats, rows};
        numbers += quantised ? size_of(p) : 0;
        rows += quantised ? (size_t)p->rows : 0;
        floats += quantised ? 0 : size_of(p);
    }
    n->q = calloc(numbers + 1, sizeof *n->q);
    n->scales = calloc(rows + 1, sizeof *n->scales);
    n->floats = calloc(floats + 1, sizeof *n->floats);
    if (n->places && n->q && n->scales && n->floats)
        return STATUS_OK;
    t5_narrow_close(n);
    return fail(STATUS_MEMORY, "no memory for the %zu MiB of a T5 model in 8 bits", numbers >> 20);
}

void t5_narrow_close(struct t5_narrow *n) {
    free(n->q);
    free(n->scales);
    free(n->floats);
    free(n->places);
    *n = (struct t5_narrow){0};
}

/* ---- parameters ---- */

int8_t *t5_narrow_rows(const struct t5_narrow *n, int parameter, float **scales) {
    const struct t5_narrow_place *place = &n->places[parameter];
    *scales = n->scales + place->row;
    return n->q + place->number;
}

float *t5_narrow_floats(const struct t5_narrow *n, int parameter) {
    return n->floats + n->places[parameter].number;
}

/* Offsets ascend. */
int t5_parameter_at(const struct t5_model *model, size_t offset) {
    int low = 0, high = model->parameter_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (model->parameters[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    assert(model->parameters[low].offset == offset);
    return low;
}

/* ---- from float32 ---- */

static void quantise_rows(const struct t5_narrow *n, const struct t5_model *model, int parameter) {
    const struct t5_parameter *p = &model->parameters[parameter];
    const float *from = model->weights + p->offset;
    size_t columns = (size_t)p->columns;
    float *scales;
    int8_t *q = t5_narrow_rows(n, parameter, &scales);
    for (size_t r = 0; r < (size_t)p->rows; r++) {
        scales[r] = t5_row_scale(from + r * columns, columns);
        t5_quantise(q + r * columns, from + r * columns, scales[r], columns);
    }
}

static enum status check_weights(const struct t5_model *model) {
    for (size_t i = 0; i < model->weight_count; i++)
        if (!isfinite(model->weights[i]))
            return fail(STATUS_FORMAT,
                        "a weight of the model is not a number: the training went wrong, use an "
                        "earlier checkpoint");
    return STATUS_OK;
}

enum status t5_narrow_take(struct t5_narrow *n, const struct t5_model *model) {
    if (model->narrow) {
        *n = *model->narrow;
        return STATUS_OK;
    }
    *n = (struct t5_narrow){0};
    TRY(check_weights(model));
    TRY(t5_narrow_open(n, model));
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *p = &model->parameters[i];
        if (t5_is_quantised(p))
            quantise_rows(n, model, i);
        else
            memcpy(t5_narrow_floats(n, i), model->weights + p->offset, size_of(p) * sizeof(float));
    }
    return STATUS_OK;
}

void t5_narrow_release(struct t5_narrow *n, const struct t5_model *model) {
    if (!model->narrow)
        t5_narrow_close(n);
    *n = (struct t5_narrow){0};
}

/* ---- from a file ---- */

/* The rule's rows have a scale of 16 bits, and a 127 unless all of them is zero. */
static bool is_settled(const int8_t *q, float scale, size_t n) {
    uint32_t bits;
    int largest = 0;
    memcpy(&bits, &scale, sizeof bits);
    for (size_t i = 0; i < n; i++) {
        int magnitude = q[i] < 0 ? -q[i] : q[i];
        largest = magnitude > largest ? magnitude : largest;
    }
    return (bits & 0xff) == 0 && (scale > 0.0f ? largest == 127 : bits == 0 && largest == 0);
}

bool t5_narrow_settle(int8_t *q, float *scale, size_t n) {
    float before = *scale, largest = 0.0f;
    if (!isfinite(before * 128.0f))
        return false;
    if (is_settled(q, before, n))
        return true;
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(before * (float)q[i]));
    *scale = t5_row_scale(&largest, 1);
    for (size_t i = 0; i < n; i++) {
        float weight = before * (float)q[i];
        t5_quantise(&q[i], &weight, *scale, 1);
    }
    return true;
}

/* ---- back ---- */

void t5_narrow_widen(const struct t5_narrow *n, const struct t5_model *model, int parameter, float *to) {
    const struct t5_parameter *p = &model->parameters[parameter];
    size_t columns = (size_t)p->columns;
    if (!t5_is_quantised(p)) {
        memcpy(to, t5_narrow_floats(n, parameter), size_of(p) * sizeof *to);
        return;
    }
    float *scales;
    const int8_t *q = t5_narrow_rows(n, parameter, &scales);
    for (size_t r = 0; r < (size_t)p->rows; r++)
        for (size_t k = 0; k < columns; k++)
            to[r * columns + k] = scales[r] * (float)q[r * columns + k];
}

enum status t5_widen(struct t5_model *model) {
    if (model->weights || !model->narrow)
        return STATUS_OK;
    TRY(t5_open_weights(model));
    for (int i = 0; i < model->parameter_count; i++)
        t5_narrow_widen(model->narrow, model, i, model->weights + model->parameters[i].offset);
    return STATUS_OK;
}
