/* Running other programs: no shell; standard output into memory, to a stream or counted. */
#ifndef LACONIC_BASE_PROCESS_H
#define LACONIC_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"

struct process {
    const char *const *argv; /* NULL-ended; argv[0] without '/' is looked up in PATH */
    const char *input;       /* file given as standard input; NULL: /dev/null */
    FILE *sink;              /* receives standard output; NULL: nobody */
    bool discard_stderr;     /* standard error goes to /dev/null; else it is passed through */
    bool plain_environment;  /* only PATH and LC_ALL=C, so that no variable changes what the program does */
};

struct process_outcome {
    bool found;            /* false: there is no such program, nothing below counts */
    uint64_t output_bytes; /* written to standard output */
    double seconds;        /* wall time */
    /* Resident memory at its largest, in KiB. Linux lets a new program inherit this mark from the process
     * that starts it, so it is never below that one's: measure from a small process. */
    uint64_t peak_kib;
};

/* Waits for the end. `output` (NULL: nobody) receives standard output too. A program that fails, or a signal
 * that asks this process to stop (signals_ask_to_stop()), is a status and a sentence; in the latter case the
 * program is ended first. */
enum status process_run(const struct process *process, struct buffer *output,
                        struct process_outcome *outcome);

/* Cuts an output down to its last line, without the newline and with a NUL behind it: where commands with
 * --json put their object. */
enum status process_last_line(struct buffer *output);

#endif
