/* Ceilings: the loops on all threads, timed. */
#include "kernels/ceiling.h"
#include <sched.h>
#include <string.h>
#include "base/progress.h"
#include "base/threads.h"
#include "kernels/ceiling_loop.h"
#include "kernels/cpu_features.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"

static const double effort_seconds = 0.06, piece_seconds = 0.001; /* the best piece counts */

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
    const char *name = in_bf16 ? gemm_bf16_selected() : cpu_has_avx2() ? lane_ops->name : "scalar";
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
