/* From an input file to an output file, as compressors do it: names, overwriting, terminals, times, several
 * files.
 *
 * The output is whole or absent: it is written under a temporary name and renamed when all went well.
 */
#ifndef LACONIC_INFER_TRANSFER_H
#define LACONIC_INFER_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/status.h"
#include "codec/codec.h"

enum transfer_naming {
    TRANSFER_ADD_SUFFIX,   /* FILE to FILE.lcn */
    TRANSFER_STRIP_SUFFIX, /* FILE.lcn to FILE */
    TRANSFER_NO_OUTPUT     /* only reads */
};

struct transfer_file {
    const char *name; /* of the input, for sentences; "standard input" for that */
    const char *output_name;
    FILE *input, *output; /* output NULL with TRANSFER_NO_OUTPUT */
    uint64_t size;        /* of the input; 0: unknown */
};

struct transfer {
    const char *program; /* "laconic compress" */
    enum transfer_naming naming;
    const char *output; /* -o; NULL: by name */
    bool to_stdout, force, keep, remove;
    bool binary_output, binary_input; /* not for terminals unless forced */
    enum status (*run)(void *context, const struct transfer_file *file);
    void *context;
};

/* Bytes of a regular file from where its stream stands; CODEC_SIZE_UNKNOWN of anything else. */
uint64_t transfer_size_to_come(const struct transfer_file *file);

/* Options that contradict each other or the number of files: STATUS_USAGE. */
enum status transfer_check(const struct transfer *transfer, int file_count);

/* A report in JSON wants standard output for itself: STATUS_USAGE where the content goes there. */
enum status transfer_check_json(const struct transfer *transfer, bool json, char **files, int file_count);

/* Runs every file, standard input if there is none. With several files a failure is reported at once and the
 * others follow; then the last sentence counts them. */
enum status transfer_all(const struct transfer *transfer, char **files, int file_count);

#endif
