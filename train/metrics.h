/* The numbers of a run: one row per report, kept in memory, written to metrics.jsonl and into the checkpoint.
 */
#ifndef LACONIC_TRAIN_METRICS_H
#define LACONIC_TRAIN_METRICS_H

#include <stdint.h>
#include <stdio.h>
#include "store/h5.h"

enum { METRICS_MAXIMUM = 160, METRIC_NAME_CAPACITY = 48 };

struct metrics {
    char names[METRICS_MAXIMUM][METRIC_NAME_CAPACITY]; /* columns, in the order they first appeared */
    int columns;
    int64_t rows, capacity;
    int added[METRICS_MAXIMUM]; /* values in each mean of the current row */
    double *values;             /* [capacity, METRICS_MAXIMUM]; NaN where a row has no such value */
    FILE *stream;               /* metrics.jsonl, or NULL */
};

/* Starts metrics.jsonl at `path` anew with the rows already held (after metrics_read). */
enum status metrics_start(struct metrics *metrics, const char *path);
void metrics_close(struct metrics *metrics);

enum status metrics_begin_row(struct metrics *metrics);
void metrics_set(struct metrics *metrics, const char *name, double value); /* of the current row */
/* Folds a value into the current row, for what is measured several times: the mean, the least or the largest
 * of all that were given. */
void metrics_add(struct metrics *metrics, const char *name, double value);
void metrics_add_least(struct metrics *metrics, const char *name, double value);
void metrics_add_largest(struct metrics *metrics, const char *name, double value);
double metrics_get(const struct metrics *metrics, const char *name); /* of the current row; NaN: not there */
enum status metrics_end_row(struct metrics *metrics);                /* one line of JSON, flushed */

/* As arrays GROUP/NAME [rows]. */
enum status metrics_write(struct h5_file *file, const char *group, const struct metrics *metrics);
enum status metrics_read(struct h5_file *file, const char *group, struct metrics *metrics);

#endif
