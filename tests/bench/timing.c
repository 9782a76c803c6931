/* The median of repeated runs. */
#include <stdlib.h>
#include "bench.h"

enum { MOST_RUNS = 1000 };

static int compare_seconds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The mean of the two in the middle where their number is even, as the PyTorch program's median is. */
double timing_median(double *seconds, int count) {
    qsort(seconds, (size_t)count, sizeof *seconds, compare_seconds);
    return count % 2 ? seconds[count / 2] : (seconds[count / 2 - 1] + seconds[count / 2]) / 2;
}

static double run_once(const struct timing_plan *plan) {
    if (plan->prepare)
        plan->prepare(plan->context);
    double start = progress_clock();
    plan->run(plan->context);
    return progress_clock() - start;
}

static void tell(const struct timing_plan *plan, int runs) {
    if (plan->progress)
        progress_update(plan->progress, runs, runs, runs == 1 ? "warm" : "");
}

struct timing timing_measure(const struct timing_plan *plan) {
    double seconds[MOST_RUNS], total = 0;
    struct timing timing = {0};
    run_once(plan);
    tell(plan, 1);
    while (timing.runs < MOST_RUNS && (timing.runs < plan->repeat || total < plan->seconds)) {
        double last = run_once(plan);
        total += last;
        seconds[timing.runs++] = last;
        tell(plan, timing.runs + 1);
    }
    timing.median = timing_median(seconds, timing.runs); /* sorts */
    timing.best = seconds[0];
    return timing;
}
