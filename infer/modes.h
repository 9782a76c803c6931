/* The codec's modes by name, and levels, for command lines. */
#ifndef LACONIC_INFER_MODES_H
#define LACONIC_INFER_MODES_H

#include "base/status.h"
#include "codec/codec.h"

const char *mode_name(enum codec_mode mode); /* "auto", "ir", "lm", "hybrid" */
enum status mode_parse(const char *name, enum codec_mode *mode);

/* The row of a cli_option table; the target is a long that begins as CODEC_LEVEL_DEFAULT. */
#define LEVEL_OPTION(target)                                                                                 \
    {                                                                                                        \
        "level", CLI_DIGITS, "N", "1 (fast) to 9 (tries most), also as -1 to -9; default 3", CLI_INTEGER,    \
            target                                                                                           \
    }
enum status level_check(long level);

#endif
