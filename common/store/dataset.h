/* Data sets: the bytes of some files, cut into chunks, split, with their provenance. Format:
 * docs/datasets-format.md.
 *
 * A reader maps the file: chunks are pointers into it, memory use does not grow with the data set.
 */
#ifndef LACONIC_STORE_DATASET_H
#define LACONIC_STORE_DATASET_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "text/chunking.h"
#include "text/tokenizer.h"

enum dataset_split { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLIT_COUNT };
extern const char *const dataset_split_names[SPLIT_COUNT]; /* "train", "valid", "test" */

struct dataset; /* opaque */

struct dataset_chunk {
    const uint8_t *bytes; /* owned by the data set, valid until dataset_close() */
    size_t size;          /* 1 .. CHUNK_MAXIMUM */
};

struct dataset_source {
    const char *name; /* file name without folders */
    uint64_t size;    /* bytes */
    const char *sha256;
};

enum status dataset_open(struct dataset **dataset, const char *path);
void dataset_close(struct dataset *dataset);

uint64_t dataset_count(const struct dataset *dataset, enum dataset_split split);
struct dataset_chunk dataset_get(const struct dataset *dataset, enum dataset_split split, uint64_t index);
uint64_t dataset_bytes(const struct dataset *dataset, enum dataset_split split);

const struct chunking *dataset_chunking(const struct dataset *dataset);
const struct tokenizer *dataset_tokenizer(const struct dataset *dataset);
int dataset_source_count(const struct dataset *dataset);
struct dataset_source dataset_source(const struct dataset *dataset, int index);
const char *
dataset_hash(const struct dataset *dataset); /* SHA-256 over sources, chunking, split, tokenizer */

struct dataset_recipe {
    const char *const *paths;
    const char *const *names; /* of the sources as the data set tells them; NULL: their file names */
    int path_count;
    struct chunking chunking;
    double shares[SPLIT_COUNT]; /* of each source's bytes, in order train, valid, test; sum 1 */
    int merges;                 /* 0: byte tokenizer; else byte-level BPE learned from the training split */
};

/* Streams the files into `path` (at most a few MiB in memory, plus what BPE learning samples). */
enum status dataset_make(const struct dataset_recipe *recipe, const char *path);

#endif
