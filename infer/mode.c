/* Names of modes. */
#include "mode.h"

#include <string.h>

static const char *const names[] = {[CODEC_AUTO] = "auto", [CODEC_IR] = "ir"};

enum status mode_parse(const char *name, enum codec_mode *mode) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *mode = (enum codec_mode)i;
            return STATUS_OK;
        }
    return fail(STATUS_USAGE,
                "--mode %s is not possible in this version: use --mode auto (per block the smallest) "
                "or --mode ir (z wherever it rebuilds its chunk)",
                name);
}
