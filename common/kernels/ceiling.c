/* Ceilings: the loops on all threads, timed. */
#include "kernels/ceiling.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "base/progress.h"
#include "base/threads.h"
#include "kernels/ceiling_loop.h"
#include "kernels/cpu_features.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lanes.h"

static const double effort_seconds = 0.06, piece_seconds = 0.001; /* arithmetic: the best piece counts */
enum { RUNS = 8 };                                                /* memory: the best run counts */

/* ---- arithmetic ---- */

/* A back end without instructions for bf16 multiplies split pairs as float32, so their loop is its ceiling.
 */
static const struct ceiling_loop *find_loop(bool in_bf16) {
    static const struct ceiling_loop *const loops[] = {
#if defined(__x86_64__)
        &ceiling_avx2,
        &ceiling_avx512,
        &ceiling_avx512bf16,
        &ceiling_amx,
#endif
        &ceiling_scalar
    };
    size_t i = 0, last = sizeof loops / sizeof *loops - 1;
    /* lanes do not need fused multiply-add, these loops do */
    const char *name = in_bf16 ? gemm_bf16_selected() : cpu_has_avx2() ? lanes->name : "scalar";
    while (i < last && strcmp(loops[i]->name, name) != 0)
        i++;
    return loops[i];
}

struct effort {
    const struct ceiling_loop *loop;
    double deadline;
    double speed[THREADS_MAXIMUM]; /* rounds per second, of the best piece */
    float kept[THREADS_MAXIMUM];
};

/* All threads work until the deadline, so that none has what they share for itself. */
static void loop_task(void *context, size_t begin, size_t end, int worker) {
    struct effort *effort = context;
    size_t rounds = 1024;
    (void)begin, (void)end; /* one item per thread */
    while (effort->speed[worker] == 0 || progress_clock() < effort->deadline) {
        double start = progress_clock();
        effort->kept[worker] += effort->loop->run(rounds);
        double seconds = progress_clock() - start, speed = (double)rounds / seconds;
        if (seconds < piece_seconds)
            rounds *= 2;
        else if (speed > effort->speed[worker])
            effort->speed[worker] = speed;
    }
}

/* Of threads that share CPUs each may find one to itself for a piece, but not all at once. */
static double cpus_per_thread(void) {
    cpu_set_t set;
    int threads = threads_count();
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : threads;
    return cpus < threads ? (double)cpus / threads : 1;
}

double ceiling_flops(bool in_bf16) {
    struct effort effort = {.loop = find_loop(in_bf16), .deadline = progress_clock() + effort_seconds};
    double rounds = 0;
    threads_for((size_t)threads_count(), 1, loop_task, &effort);
    for (int i = 0; i < threads_count(); i++)
        rounds += effort.speed[i];
    return rounds * effort.loop->flops * cpus_per_thread();
}

const char *ceiling_name(bool in_bf16) {
    return find_loop(in_bf16)->name;
}

/* ---- memory ---- */

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

enum status ceiling_memory(struct ceiling_memory *memory) {
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
