/* Files through a codec: loads the model, opens the codec, runs the transfer, closes both. */
#ifndef LACONIC_INFER_WITH_CODEC_H
#define LACONIC_INFER_WITH_CODEC_H

#include "codec/codec.h"
#include "setup.h"
#include "transfer.h"

/* *codec is set while the transfer's run() is called; without a model where none is needed nor given.
 * memory_limit: as --memlimit gives it, NULL: none. */
enum status with_codec(const struct setup *setup, bool needs_model, const char *memory_limit,
                       struct codec **codec, const struct transfer *transfer, char **files, int file_count);

/* The row of a cli_option table. */
#define MEMLIMIT_OPTION(target)                                                                              \
    { "memlimit", 0, "SIZE", "refuse what needs more memory than SIZE (64M, 1G)", CLI_TEXT, target }

/* For archives, whose frames name their models: where none was given, they are looked for as they come. */
struct archive_codec {
    struct codec *codec;
    struct model_pair pair; /* of the codec, as long as no frame names another one */
};

enum status with_archive_codec(const struct setup *setup, const char *memory_limit,
                               struct archive_codec *self, const struct transfer *transfer, char **files,
                               int file_count);

#endif
