/* What the writer and the reader of data sets share: names inside the file, and the hash.
 * docs/datasets-format.md. */
#ifndef LACONIC_STORE_DATASET_FORMAT_H
#define LACONIC_STORE_DATASET_FORMAT_H

#include <sha256.h>
#include "store/dataset.h"

enum {
    DATASET_VERSION = 1,
    DATASET_SOURCES_MAXIMUM = 100000,
    DATASET_SAMPLE_BYTES = 8 << 20, /* of the training split, for learning merges */
    DATASET_NAME_CAPACITY = 128     /* names inside the file, "sources/12" */
};

#define DATASET_FORMAT "laconic data set"

/* One source and how its bytes fall into the splits; rows of sources/N/splits in the file. */
struct dataset_part {
    uint64_t bytes, chunks;
};
struct dataset_origin {
    char *name; /* owned */
    uint64_t size;
    char sha256[SHA256_DIGEST_STRING_LENGTH];
    struct dataset_part parts[SPLIT_COUNT];
};

extern const char *const dataset_share_names[SPLIT_COUNT]; /* attributes of the root */

/* Hash of a data set in hexadecimal: over the sources' sizes and hashes (not their names), chunking, shares,
 * merges. */
void dataset_make_hash(const struct dataset_origin *origins, int origin_count,
                       const struct chunking *chunking, const double shares[SPLIT_COUNT],
                       const struct tokenizer *tokenizer, char hash[SHA256_DIGEST_STRING_LENGTH]);

#endif
