/* The codec's modes by name, and levels. */
#include "modes.h"

#include <string.h>

static const char *const names[CODEC_MODES] = {
    [CODEC_AUTO] = "auto", [CODEC_IR] = "ir", [CODEC_LM] = "lm", [CODEC_HYBRID] = "hybrid"};

const char *mode_name(enum codec_mode mode) {
    return names[mode];
}

enum status mode_parse(const char *name, enum codec_mode *mode) {
    for (int i = 0; i < CODEC_MODES; i++)
        if (strcmp(name, names[i]) == 0) {
            *mode = (enum codec_mode)i;
            return STATUS_OK;
        }
    return fail(STATUS_USAGE,
                "--mode %s is not possible in this version: use --mode auto (per block the smallest), "
                "--mode lm (the decompressor as a language model), --mode hybrid (z and what it leaves open) "
                "or --mode ir "
                "(z wherever it rebuilds its chunk)",
                name);
}

enum status level_check(long level) {
    if (level < 1 || level > CODEC_LEVEL_MAXIMUM)
        return fail(STATUS_USAGE, "--level takes 1 to %d, not %ld", CODEC_LEVEL_MAXIMUM, level);
    return STATUS_OK;
}
