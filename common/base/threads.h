/* A pool of worker threads and a parallel for with fixed partitions.
 *
 * threads_for() cuts [0, items) into at most threads_count() contiguous parts, the same parts for the same
 * arguments every time, runs them and returns when all are done. The caller's thread works too. A call from
 * inside a task runs inline. Without threads_start() everything runs on the caller.
 */
#ifndef LACONIC_BASE_THREADS_H
#define LACONIC_BASE_THREADS_H

#include <stddef.h>
#include "base/status.h"

enum { THREADS_MAXIMUM = 64 };

/* count 0: LACONIC_THREADS if set, else the CPUs this process may run on. Bad counts: STATUS_USAGE. */
enum status threads_start(int count);
void threads_stop(void);
int threads_count(void);

/* One part: items [begin, end) for worker number `worker` in [0, threads_count()). */
typedef void threads_task(void *context, size_t begin, size_t end, int worker);

/* `grain`: smallest part worth a thread; part borders are multiples of it. */
void threads_for(size_t items, size_t grain, threads_task *task, void *context);

#endif
