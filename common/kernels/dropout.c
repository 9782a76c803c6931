/* Counter-based dropout. */
#include "kernels/dropout.h"
#include <assert.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"

uint64_t dropout_key(uint64_t key, uint32_t place) {
    uint64_t z = key + (uint64_t)(place + 1) * 0x9e3779b97f4a7c15u; /* splitmix64's step and finaliser */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void dropout_apply(float *y, const float *x, size_t n, float rate, uint64_t key, uint64_t first) {
    uint32_t seed = (uint32_t)dropout_key(key, (uint32_t)(first >> 32));
    lane_ops->dropout(y, x, n, dropout_threshold(rate), 1.0f / (1.0f - rate), seed, (uint32_t)first);
}

struct dropping {
    struct values x;
    float rate;
    uint64_t key;
};

static void drop_task(void *context, size_t begin, size_t end, int worker) {
    enum { PIECE = 256 };
    (void)worker;
    const struct dropping *d = context;
    if (d->x.f32) {
        dropout_apply(d->x.f32 + begin, d->x.f32 + begin, end - begin, d->rate, d->key, begin);
        return;
    }
    for (size_t i = begin; i < end; i += PIECE) {
        float wide[PIECE];
        size_t n = end - i < PIECE ? end - i : PIECE;
        lane_ops->bf16_widen(wide, d->x.b16 + i, n);
        dropout_apply(wide, wide, n, d->rate, d->key, i);
        lane_ops->bf16_round(d->x.b16 + i, wide, n);
    }
}

void dropout_values(struct values x, size_t n, float rate, uint64_t key) {
    struct dropping d = {x, rate, key};
    assert(n <= UINT32_MAX);
    threads_for(n, 8192, drop_task, &d);
}
