/* The frame around compress, decompress and test. */
#include "with_codec.h"

enum status with_codec(const struct setup *setup, struct codec **codec, const struct transfer *transfer,
                       char **files, int file_count) {
    struct model_pair pair = {0};
    *codec = NULL;
    enum status status = setup_model(setup, &pair);
    if (status == STATUS_OK)
        status = codec_open(codec, &pair);
    if (status == STATUS_OK)
        status = transfer_all(transfer, files, file_count);
    codec_close(*codec);
    *codec = NULL;
    model_pair_free(&pair);
    return status;
}
