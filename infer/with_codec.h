/* Files through a codec: loads the model, opens the codec, runs the transfer, closes both. */
#ifndef LACONIC_INFER_WITH_CODEC_H
#define LACONIC_INFER_WITH_CODEC_H

#include "codec/codec.h"
#include "setup.h"
#include "transfer.h"

/* *codec is set while the transfer's run() is called. */
enum status with_codec(const struct setup *setup, struct codec **codec, const struct transfer *transfer,
                       char **files, int file_count);

#endif
