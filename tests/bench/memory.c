/* The speed of memory, over an array beyond any cache: summing it, and a = b + s c. */
#include <stdlib.h>
#include "base/threads.h"
#include "bench.h"

enum { RUNS = 8 }; /* the best counts */

enum { FLOATS = 64 << 20, STRIDE = 32, GRAIN = 1 << 16 };

struct traffic {
    float *a, *b, *c; /* thirds of one block; `a` its beginning */
    float kept[THREADS_MAXIMUM];
};

static void fill_task(void *context, size_t begin, size_t end, int worker) {
    struct traffic *t = context;
    (void)worker;
    for (size_t i = begin; i < end; i++)
        t->a[i] = 1.0f;
}

/* Independent sums, so that the loads and not the additions are waited for. */
static void read_task(void *context, size_t begin, size_t end, int worker) {
    struct traffic *t = context;
    float sum[STRIDE] = {0};
    for (size_t i = begin; i + STRIDE <= end; i += STRIDE)
        for (size_t lane = 0; lane < STRIDE; lane++)
            sum[lane] += t->a[i + lane];
    for (size_t lane = 0; lane < STRIDE; lane++)
        t->kept[worker] += sum[lane];
}

static void triad_task(void *context, size_t begin, size_t end, int worker) {
    struct traffic *t = context;
    float *restrict a = t->a;
    const float *restrict b = t->b, *restrict c = t->c;
    (void)worker;
    for (size_t i = begin; i < end; i++)
        a[i] = b[i] + 0.5f * c[i];
}

/* Items per second, the best run. */
static double traffic_speed(struct traffic *traffic, size_t items, threads_task *task) {
    double best = 0;
    for (int i = 0; i < RUNS; i++) {
        double start = progress_clock();
        threads_for(items, GRAIN, task, traffic);
        double speed = (double)items / (progress_clock() - start);
        best = speed > best ? speed : best;
    }
    return best;
}

enum status bench_memory(struct memory_speed *memory) {
    const size_t third = FLOATS / 3 / GRAIN * GRAIN;
    struct traffic traffic = {.a = aligned_alloc(64, FLOATS * sizeof(float))};
    if (!traffic.a)
        return fail(STATUS_MEMORY, "no memory to measure its speed: %zu MiB are needed",
                    FLOATS * sizeof(float) >> 20);
    traffic.b = traffic.a + third;
    traffic.c = traffic.b + third;
    threads_for(FLOATS, GRAIN, fill_task, &traffic); /* so that pages are there and stand near their thread */
    memory->read = traffic_speed(&traffic, FLOATS, read_task) * sizeof(float);
    memory->triad = traffic_speed(&traffic, third, triad_task) * 3 * sizeof(float);
    free(traffic.a);
    return STATUS_OK;
}
