/* A text that is read more than once: a file as it lies on the disk; of a pipe, of the first bytes of a file
 * or of a split of a data set a copy in TMPDIR, which nobody else sees and which goes with the program. */
#ifndef LACONIC_INFER_CONTENT_H
#define LACONIC_INFER_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/status.h"
#include "store/dataset.h"
#include "transfer.h"

struct content {
    FILE *stream;
    uint64_t begin, size; /* bytes before it in the stream, bytes of it */
    uint64_t promised;    /* the size as `laconic compress` would know it: CODEC_SIZE_UNKNOWN of a pipe */
    bool is_copy;
};

/* limit: only so many bytes of it; 0: all. */
enum status content_open_file(struct content *content, const struct transfer_file *file, uint64_t limit);
/* The chunks of the split one behind the other. */
enum status content_open_split(struct content *content, const struct dataset *dataset,
                               enum dataset_split split, uint64_t limit);
void content_close(struct content *content); /* safe on a zeroed one; a file stays its owner's */

enum status content_rewind(struct content *content);
/* The next bytes, at most `capacity`; 0: there are no more. */
enum status content_read(struct content *content, uint8_t *bytes, size_t capacity, size_t *size);

#endif
