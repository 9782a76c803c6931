/* Running other programs: no shell, standard output into memory or counted, standard error passed through. */
#ifndef LACONIC_EXPERIMENTS_PROCESS_H
#define LACONIC_EXPERIMENTS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buffer.h"
#include "base/status.h"

struct process {
    const char *const *argv; /* NULL-ended; argv[0] without '/' is looked up in PATH */
    const char *input;       /* file given as standard input; NULL: /dev/null */
    bool plain_environment;  /* only PATH and LC_ALL=C, so that no variable changes what the program does */
};

struct process_outcome {
    bool found;            /* false: there is no such program, nothing below counts */
    uint64_t output_bytes; /* written to standard output */
    double seconds;        /* wall time */
};

/* Waits for the end. `output` (NULL: only count) receives standard output. A program that fails, or a signal
 * that asks this process to stop (signals_ask_to_stop()), is a status and a sentence; in the latter case the
 * program is ended first. */
enum status process_run(const struct process *process, struct buffer *output,
                        struct process_outcome *outcome);

/* Path of the program `name` beside this one. Caller frees *path. */
enum status process_beside(const char *name, char **path);

#endif
