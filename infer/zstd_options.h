/* Options as zstd and gzip have them: -d, -t and -l given to compress mean the commands decompress, test and
 * list. */
#ifndef LACONIC_INFER_ZSTD_OPTIONS_H
#define LACONIC_INFER_ZSTD_OPTIONS_H

#include "base/status.h"

/* argv[1] is the command. If that is compress and an option asks for another command, argv[1] becomes that
 * one, and the option and all levels are taken out. Caller frees *text, in which changed arguments stand,
 * after the last use of argv. */
enum status zstd_options_apply(int *argc, char **argv, char **text);

#endif
