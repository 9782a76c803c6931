/* A pool of workers that spin for the next job before they sleep: kernels call every few tens of
 * microseconds.
 *
 * A job is announced by one atomic word, (job number << 8 | parts). A worker whose number is not below
 * `parts` never touches the job, and the caller waits for all others, so the job's fields change only when
 * nobody reads.
 *
 * A part is run by who claims it first: its worker, or the caller once its own part is done. So a worker that
 * the system does not let run (other programs keep the CPUs) holds nobody up. What a part computes does not
 * depend on who runs it.
 *
 * A child of fork() has the pool without its workers: the caller then runs every part, until the next job
 * makes new ones. The fork waits for the job under way, so that the child finds the pool at rest.
 */
#include "base/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/float_environment.h"

enum { SPINS = 20000, PARTS_BITS = 8, PARTS_MASK = (1 << PARTS_BITS) - 1, STACK_BYTES = 2 << 20 };

_Static_assert((int)THREADS_MAXIMUM <= (int)PARTS_MASK, "parts must fit the announcement");

struct job {
    size_t items, grain;
    int parts;
    threads_task *task;
    void *context;
};

static struct {
    pthread_mutex_t callers; /* one job at a time, whoever calls */
    int count;               /* parts of a job at most, the caller's included; 0 before the start */
    int alive;               /* threads of this process that work, the caller's included */
    bool orphaned;           /* a fork left the workers behind */
    int spins;
    bool stopping;
    pthread_t threads[THREADS_MAXIMUM];
    struct job job;
    _Alignas(64) atomic_uint_fast64_t announced;
    _Alignas(64) atomic_int unfinished;            /* parts given to workers and not done */
    atomic_uint_fast64_t claimed[THREADS_MAXIMUM]; /* number of the last job whose part this was run */
    atomic_int sleepers;                           /* workers asleep on `announcement` */
    atomic_bool caller_sleeps;
    pthread_mutex_t sleep;
    pthread_cond_t announcement, completion;
} pool = {.callers = PTHREAD_MUTEX_INITIALIZER,
          .sleep = PTHREAD_MUTEX_INITIALIZER,
          .announcement = PTHREAD_COND_INITIALIZER,
          .completion = PTHREAD_COND_INITIALIZER};

static _Thread_local bool inside_task;
static _Thread_local int own_number; /* of the part this thread runs, else of the worker it is */

static void spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The first `units % parts` parts have one unit of `grain` items more than the rest. */
static size_t part_begin(const struct job *job, int part) {
    size_t units = job->items / job->grain + (job->items % job->grain != 0);
    size_t parts = (size_t)job->parts, p = (size_t)part;
    size_t unit = units / parts * p + (p < units % parts ? p : units % parts);

    return unit == units ? job->items : unit * job->grain;
}

static void run_part(const struct job *job, int part) {
    int worker = own_number;
    inside_task = true;
    own_number = part;
    job->task(job->context, part_begin(job, part), part_begin(job, part + 1), part);
    own_number = worker;
    inside_task = false;
}

/* May this thread run the part? Once for each job; a job before the last claimed one is over. */
static bool claim(int part, uint64_t number) {
    uint_fast64_t last = atomic_load(&pool.claimed[part]);
    return last < number && atomic_compare_exchange_strong(&pool.claimed[part], &last, number);
}

/* Both sides are sequentially consistent: either the worker sees the announcement or the caller the sleeper.
 */
static uint64_t await_announcement(uint64_t seen) {
    uint64_t word;

    for (int i = 0; i < pool.spins; i++) {
        if ((word = atomic_load(&pool.announced)) != seen)
            return word;
        spin_pause();
    }
    pthread_mutex_lock(&pool.sleep);
    atomic_fetch_add(&pool.sleepers, 1);
    while ((word = atomic_load(&pool.announced)) == seen)
        pthread_cond_wait(&pool.announcement, &pool.sleep);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.sleep);
    return word;
}

static void announce(int parts) {
    uint64_t number = (atomic_load(&pool.announced) >> PARTS_BITS) + 1;

    atomic_store(&pool.unfinished, parts - 1);
    atomic_store(&pool.announced, number << PARTS_BITS | (uint64_t)parts);
    if (atomic_load(&pool.sleepers) > 0) {
        pthread_mutex_lock(&pool.sleep);
        pthread_cond_broadcast(&pool.announcement);
        pthread_mutex_unlock(&pool.sleep);
    }
}

static void report_completion(void) {
    if (atomic_fetch_sub(&pool.unfinished, 1) == 1 && atomic_load(&pool.caller_sleeps)) {
        pthread_mutex_lock(&pool.sleep);
        pthread_cond_signal(&pool.completion);
        pthread_mutex_unlock(&pool.sleep);
    }
}

static void await_completion(void) {
    for (int i = 0; i < pool.spins; i++) {
        if (atomic_load(&pool.unfinished) == 0)
            return;
        spin_pause();
    }
    pthread_mutex_lock(&pool.sleep);
    atomic_store(&pool.caller_sleeps, true);
    while (atomic_load(&pool.unfinished) > 0)
        pthread_cond_wait(&pool.completion, &pool.sleep);
    atomic_store(&pool.caller_sleeps, false);
    pthread_mutex_unlock(&pool.sleep);
}

static void *work(void *argument) {
    own_number = (int)(intptr_t)argument;
    uint64_t seen = 0;
    float_environment_set();

    for (;;) {
        seen = await_announcement(seen);
        if (own_number >= (int)(seen & PARTS_MASK))
            continue;
        if (pool.stopping)
            return NULL;
        if (!claim(own_number, seen >> PARTS_BITS))
            continue;
        run_part(&pool.job, own_number);
        report_completion();
    }
}

/* The caller's share, and whatever nobody has begun. */
static void run_parts(int parts) {
    uint64_t number = atomic_load(&pool.announced) >> PARTS_BITS;
    run_part(&pool.job, 0);
    for (int part = 1; part < parts; part++)
        if (claim(part, number)) {
            run_part(&pool.job, part);
            atomic_fetch_sub(&pool.unfinished, 1);
        }
}

static int available_cpus(void) {
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count > THREADS_MAXIMUM ? THREADS_MAXIMUM : count;
}

static enum status count_from_environment(int *count) {
    const char *text = getenv("LACONIC_THREADS");

    if (!text || !*text)
        return STATUS_OK;
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || value < 1 || value > THREADS_MAXIMUM)
        return fail(STATUS_USAGE, "LACONIC_THREADS is '%s': set it to a number from 1 to %d, or unset it",
                    text, THREADS_MAXIMUM);
    *count = (int)value;
    return STATUS_OK;
}

/* Workers begin with no job announced, and with all signals blocked: handlers run on the threads of the
 * program. */
static int create_workers(void) {
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    if (error)
        return error;
    pthread_attr_setstacksize(&attributes, STACK_BYTES); /* whatever ulimit -s says */

    atomic_store(&pool.announced, 0);
    for (int i = 0; i < THREADS_MAXIMUM; i++)
        atomic_store(&pool.claimed[i], 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (pool.alive = 1; pool.alive < pool.count && error == 0; pool.alive += error == 0)
        error = pthread_create(&pool.threads[pool.alive], &attributes, work, (void *)(intptr_t)pool.alive);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

/* ---- fork ---- */

static void before_fork(void) {
    pthread_mutex_lock(&pool.callers);
}

static void after_fork_parent(void) {
    pthread_mutex_unlock(&pool.callers);
}

/* Whoever held `sleep`, or slept, is not in this process. */
static void after_fork_child(void) {
    pthread_mutex_init(&pool.sleep, NULL);
    pthread_cond_init(&pool.announcement, NULL);
    pthread_cond_init(&pool.completion, NULL);
    atomic_store(&pool.sleepers, 0);
    pool.orphaned |= pool.alive > 1;
    pool.alive = pool.count > 0;
    pthread_mutex_unlock(&pool.callers);
}

static void watch_forks(void) {
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void threads_survive_fork(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
}

/* With fewer workers than before, or none, the caller runs more of the parts. */
static void replace_orphans(void) {
    if (!pool.orphaned)
        return;
    pool.orphaned = false;
    create_workers();
}

/* ---- the pool ---- */

enum status threads_check(int count) {
    if (count >= 0 && count <= THREADS_MAXIMUM)
        return STATUS_OK;
    return fail(STATUS_USAGE, "cannot work with %d threads: give a number from 1 to %d, or 0 for all CPUs",
                count, THREADS_MAXIMUM);
}

enum status threads_start(int count) {
    int cpus = available_cpus();

    TRY(threads_check(count));
    if (count == 0) {
        count = cpus;
        TRY(count_from_environment(&count));
    }
    threads_survive_fork();
    threads_stop();
    pool.spins = count <= cpus ? SPINS : 0; /* spinning only helps who does not keep others off a CPU */
    pool.count = count;
    int error = create_workers();
    if (error) {
        threads_stop();
        return fail(STATUS_MEMORY, "cannot start %d threads: %s; try fewer", count, strerror(error));
    }
    return STATUS_OK;
}

void threads_stop(void) {
    if (pool.count == 0)
        return;
    pool.stopping = true;
    announce(pool.alive);
    for (int i = 1; i < pool.alive; i++)
        pthread_join(pool.threads[i], NULL);
    pool.stopping = pool.orphaned = false;
    pool.count = pool.alive = 0;
}

int threads_count(void) {
    return pool.count > 0 ? pool.count : 1;
}

void threads_for(size_t items, size_t grain, threads_task *task, void *context) {
    if (items == 0)
        return;
    if (grain == 0)
        grain = 1;
    if (inside_task) {
        task(context, 0, items, own_number);
        return;
    }
    size_t units = items / grain + (items % grain != 0);
    int parts = units < (size_t)threads_count() ? (int)units : threads_count();
    struct job job = {items, grain, parts, task, context};
    if (parts == 1) {
        run_part(&job, 0);
        return;
    }
    pthread_mutex_lock(&pool.callers);
    replace_orphans();
    pool.job = job;
    announce(parts);
    run_parts(parts);
    await_completion();
    pthread_mutex_unlock(&pool.callers);
}
