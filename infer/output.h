/* Naming, writing, protecting and finishing the output of compress and decompress. */
#ifndef LACONIC_INFER_OUTPUT_H
#define LACONIC_INFER_OUTPUT_H

#include <sys/stat.h>
#include <xxhash.h>
#include "base/file.h"
#include "transfer.h"

struct output {
    FILE *stream; /* where the command writes */
    /* ---- private ---- */
    char *name;                /* "-": standard output */
    struct file_writer writer; /* stream NULL: standard output */
    int descriptor;
    off_t position, hole; /* of the next byte; zeros in front of it that are not written yet */
    bool sparse;
    uint64_t size;
    XXH64_state_t *hash; /* of all bytes; NULL: nobody will ask */
    dev_t device;
    ino_t inode; /* of the finished file */
};

/* Begins the output of the file `path`, which keeps its name from `kept_from` on in another folder. `input`:
 * what fstat() says of it. output_abort() is to follow in every case. */
enum status output_open(struct output *output, const struct transfer *transfer, const char *path,
                        size_t kept_from, const struct stat *input);

/* All is written: the output gets the input's owner, permissions and times, then its name. input NULL: it had
 * none of these. */
enum status output_finish(struct output *output, const struct stat *input);

/* Reads the finished file again, from the device where the system lets us: is it what was written? Only with
 * --rm. */
enum status output_verify(const struct output *output);

void output_abort(struct output *output); /* closes, frees and, before output_finish(), removes */

#endif
