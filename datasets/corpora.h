/* The corpora that laconic data list, fetch and make --recipe know. */
#ifndef LACONIC_DATASETS_CORPORA_H
#define LACONIC_DATASETS_CORPORA_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

struct corpus_file {
    const char *name; /* NULL ends a table */
    uint64_t bytes;
    const char *sha256; /* NULL: not known for certain; the size is checked all the same */
};

struct corpus {
    const char *name; /* NULL ends the table */
    const char *summary, *licence;
    const char *source;  /* URL without the archive's name */
    const char *archive; /* ends in .zip or .tar.gz */
    const char *folder;  /* where its files go, below the folder of all corpora; "": directly there */
    const char *split;   /* as after --split, or NULL for the default */
    const struct corpus_file *files;
};

extern const struct corpus corpora[];

enum status corpus_find(const char *name,
                        const struct corpus **corpus); /* STATUS_USAGE names the nearest one */
uint64_t corpus_bytes(const struct corpus *corpus);

/* FOLDER/folder/name; caller frees. */
enum status corpus_path(const char *folder, const struct corpus *corpus, const struct corpus_file *file,
                        char **path);

#endif
