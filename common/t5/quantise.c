/* Only IEEE operations with one result: no libm, no fused multiply-add. */
#include "t5/quantise.h"
#include <string.h>

bool t5_is_quantised(const struct t5_parameter *p) {
    return p->rank == 2 && !strstr(p->name, "relative_attention_bias") &&
           !strstr(p->name, "absolute_positions");
}

/* To 16 significant bits, to nearest, ties away from zero. */
static float round_scale(float scale) {
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    bits = (bits + 0x80) & ~UINT32_C(0xff);
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

/* To the nearest integer, ties to even. */
static float round_number(float x) {
    const float shifter = 12582912.0f; /* 1.5 * 2^23 */
    return x + shifter - shifter;
}

float t5_row_scale(const float *w, size_t n) {
    float largest = 0.0f;
    for (size_t i = 0; i < n; i++) {
        float magnitude = w[i] < 0.0f ? -w[i] : w[i];
        largest = magnitude > largest ? magnitude : largest;
    }
    return round_scale(largest / 127.0f);
}

void t5_quantise(int8_t *q, const float *w, float scale, size_t n) {
    for (size_t i = 0; i < n; i++)
        q[i] = scale > 0.0f ? (int8_t)round_number(w[i] / scale) : 0;
}
