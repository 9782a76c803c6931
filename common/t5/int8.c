/* Weights in 8 bits: memory, quantising, back to float32. */
#include "t5/int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "t5/quantise.h"

static size_t size_of(const struct t5_parameter *p) {
    return (size_t)p->rows * (size_t)p->columns;
}

enum status t5_int8_open(struct t5_int8 *n, const struct t5_layout *layout) {
    size_t numbers = 0, rows = 0, floats = 0;
    *n = (struct t5_int8){.places = calloc((size_t)layout->parameter_count, sizeof *n->places)};
    for (int i = 0; i < layout->parameter_count && n->places; i++) {
        const struct t5_parameter *p = &layout->parameters[i];
        bool quantised = t5_is_quantised(p);
        n->places[i] = (struct t5_int8_place){quantised ? numbers : floats, rows};
        numbers += quantised ? size_of(p) : 0;
        rows += quantised ? (size_t)p->rows : 0;
        floats += quantised ? 0 : size_of(p);
    }
    n->q = calloc(numbers + 1, sizeof *n->q);
    n->scales = calloc(rows + 1, sizeof *n->scales);
    n->floats = calloc(floats + 1, sizeof *n->floats);
    if (n->places && n->q && n->scales && n->floats)
        return STATUS_OK;
    t5_int8_close(n);
    return fail(STATUS_MEMORY, "no memory for the %zu MiB of a T5 model in 8 bits", numbers >> 20);
}

void t5_int8_close(struct t5_int8 *n) {
    free(n->q);
    free(n->scales);
    free(n->floats);
    free(n->places);
    *n = (struct t5_int8){0};
}

/* ---- parameters ---- */

int8_t *t5_int8_rows(const struct t5_int8 *n, int parameter, float **scales) {
    const struct t5_int8_place *place = &n->places[parameter];
    *scales = n->scales + place->row;
    return n->q + place->number;
}

float *t5_int8_floats(const struct t5_int8 *n, int parameter) {
    return n->floats + n->places[parameter].number;
}

/* ---- from float32 and back ---- */

static enum status check_weights(const float *weights, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(weights[i]))
            return fail(STATUS_FORMAT,
                        "a weight of the model is not a number: the training went wrong, use an "
                        "earlier checkpoint");
    return STATUS_OK;
}

static void quantise_rows(int8_t *q, float *scales, const struct t5_parameter *p, const float *from) {
    size_t columns = (size_t)p->columns;
    for (size_t r = 0; r < (size_t)p->rows; r++, q += columns, from += columns) {
        scales[r] = t5_row_scale(from, columns);
        t5_quantise(q, from, scales[r], columns);
    }
}

static void dequantise_rows(float *to, const struct t5_parameter *p, const int8_t *q, const float *scales) {
    size_t columns = (size_t)p->columns;
    for (size_t r = 0; r < (size_t)p->rows; r++)
        for (size_t k = 0; k < columns; k++)
            to[r * columns + k] = scales[r] * (float)q[r * columns + k];
}

enum status t5_int8_quantise(const struct t5_int8 *n, const struct t5_layout *layout, const float *weights) {
    TRY(check_weights(weights, layout->weight_count));
    for (int i = 0; i < layout->parameter_count; i++) {
        const struct t5_parameter *p = &layout->parameters[i];
        float *scales;
        if (t5_is_quantised(p)) {
            int8_t *q = t5_int8_rows(n, i, &scales);
            quantise_rows(q, scales, p, weights + p->offset);
        } else {
            memcpy(t5_int8_floats(n, i), weights + p->offset, size_of(p) * sizeof *weights);
        }
    }
    return STATUS_OK;
}

void t5_int8_dequantise(const struct t5_int8 *n, const struct t5_layout *layout, float *weights) {
    for (int i = 0; i < layout->parameter_count; i++) {
        const struct t5_parameter *p = &layout->parameters[i];
        float *scales;
        if (t5_is_quantised(p)) {
            const int8_t *q = t5_int8_rows(n, i, &scales);
            dequantise_rows(weights + p->offset, p, q, scales);
        } else {
            memcpy(weights + p->offset, t5_int8_floats(n, i), size_of(p) * sizeof *weights);
        }
    }
}

/* ---- from a file ---- */

/* The rule's rows have a scale of 16 bits, and a 127 unless all of them is zero. */
static bool is_canonical(const int8_t *q, float scale, size_t n) {
    uint32_t bits;
    int largest = 0;
    memcpy(&bits, &scale, sizeof bits);
    for (size_t i = 0; i < n; i++) {
        int magnitude = q[i] < 0 ? -q[i] : q[i];
        largest = magnitude > largest ? magnitude : largest;
    }
    return (bits & 0xff) == 0 && (scale > 0.0f ? largest == 127 : bits == 0 && largest == 0);
}

bool t5_int8_canonicalise(int8_t *q, float *scale, size_t n) {
    float before = *scale, largest = 0.0f;
    if (!isfinite(before * 128.0f))
        return false;
    if (is_canonical(q, before, n))
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
