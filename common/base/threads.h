/* A pool of worker threads and a parallel for with fixed partitions.
 *
 * threads_for() cuts [0, items) into at most threads_count() contiguous parts, the same parts for the same
 * arguments every time, runs them and returns when all are done. The caller's thread works too. A call from
 * inside a task runs inline. Without threads_start() everything runs on the caller. Workers compute in our
 * floating-point environment (float_environment.h); the caller's thread in its own.
 *
 * The pool goes on in a child of fork(), with new workers and the same parts. fork() waits for a job under
 * way, so it must not be called from a task.
 */
#ifndef LACONIC_BASE_THREADS_H
#define LACONIC_BASE_THREADS_H

#include <stddef.h>
#include "base/status.h"

enum { THREADS_MAXIMUM = 64 };

/* count 0: LACONIC_THREADS if set, else the CPUs this process may run on. Bad counts: STATUS_USAGE. */
enum status threads_start(int count);
enum status threads_check(int count); /* is this a count? */
void threads_stop(void);
int threads_count(void);
/* What threads_start() begins with, once: for who has fork handlers that are to run before the pool's. */
void threads_survive_fork(void);

/* One part: items [begin, end) for worker number `worker` in [0, threads_count()). */
typedef void threads_task(void *context, size_t begin, size_t end, int worker);

/* `grain`: smallest part worth a thread; part borders are multiples of it. */
void threads_for(size_t items, size_t grain, threads_task *task, void *context);

#endif
