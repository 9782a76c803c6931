/* Files through a codec: loads the model, opens the codec, runs the transfer, closes both. */
#ifndef LACONIC_INFER_WITH_CODEC_H
#define LACONIC_INFER_WITH_CODEC_H

#include "codec/codec.h"
#include "setup.h"
#include "transfer.h"

/* *codec is set while the transfer's run() is called. memory_limit: as --memlimit gives it, NULL: none. */
enum status with_codec(const struct setup *setup, const char *memory_limit, struct codec **codec,
                       const struct transfer *transfer, char **files, int file_count);

/* The row of a cli_option table. */
#define MEMLIMIT_OPTION(target)                                                                              \
    { "memlimit", 0, "SIZE", "refuse what needs more memory than SIZE (64M, 1G)", CLI_TEXT, target }

/* For archives, which name their model: where none was given, run() begins with codec_for_archive(). */
struct archive_codec {
    struct codec *codec; /* NULL: no file yet needed one */
    struct model_pair pair;
    uint8_t hash[MODEL_HASH_BYTES]; /* of the pair */
    uint64_t memory_limit;          /* 0: none */
    bool given;                     /* the model is the one of -m, whatever an archive says */
};

enum status with_archive_codec(const struct setup *setup, const char *memory_limit,
                               struct archive_codec *self, const struct transfer *transfer, char **files,
                               int file_count);

/* self->codec becomes that of the model which the first frame of the input names; the input stays where it
 * is. While frames of other models are read, it becomes theirs. */
enum status codec_for_archive(struct archive_codec *self, FILE *input);

#endif
