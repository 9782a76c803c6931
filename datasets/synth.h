/* Synthetic texts of the project's own: as much as is wanted, the same on every machine for the same seed.
 *
 * A generator makes one record after the other from a state it seeds itself, with integer arithmetic only. A
 * record is whatever it writes at once: a line with its newline, or a few bytes of a binary language. To add
 * a generator, define its struct in a file of its own (synth_doubled.c is the shortest) and name it in the
 * table of synth.c.
 */
#ifndef LACONIC_DATASETS_SYNTH_H
#define LACONIC_DATASETS_SYNTH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/status.h"

enum { SYNTH_RECORD_CAPACITY = 1024 };

struct synth_generator {
    const char *name, *summary;
    size_t state_size;
    void (*begin)(void *state, uint64_t seed);  /* state is zeroed */
    size_t (*record)(void *state, char *bytes); /* writes 1 to SYNTH_RECORD_CAPACITY bytes; how many */
};

extern const struct synth_generator synth_service_logs;
extern const struct synth_generator synth_doubled;

extern const struct synth_generator *const synth_generators[]; /* ends with NULL */
const struct synth_generator *synth_find(const char *name);    /* NULL: no such name */

/* Exactly `bytes` bytes; the last record may be cut. A longer text starts with the shorter one of the same
 * seed. */
enum status synth_write(const struct synth_generator *generator, uint64_t seed, uint64_t bytes, FILE *stream);

#endif
