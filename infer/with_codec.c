/* The frame around compress, decompress and test. */
#include "with_codec.h"

#include "sizes.h"

enum status with_codec(const struct setup *setup, const char *memory_limit, struct codec **codec,
                       const struct transfer *transfer, char **files, int file_count) {
    struct model_pair pair = {0};
    uint64_t limit = 0;
    *codec = NULL;
    if (memory_limit)
        TRY(size_parse("--memlimit", memory_limit, &limit));
    enum status status = setup_model(setup, &pair);
    if (status == STATUS_OK)
        status = codec_check_memory(&pair, (struct codec_use){0}, limit);
    if (status == STATUS_OK)
        status = codec_open(codec, &pair);
    if (status == STATUS_OK)
        codec_set_memory_limit(*codec, limit);
    if (status == STATUS_OK)
        status = transfer_all(transfer, files, file_count);
    codec_close(*codec);
    *codec = NULL;
    model_pair_free(&pair);
    return status;
}
