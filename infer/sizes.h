/* Sizes and ranges as people write them on a command line. */
#ifndef LACONIC_INFER_SIZES_H
#define LACONIC_INFER_SIZES_H

#include <stdint.h>
#include "base/status.h"

/* "4096", "64K", "64M", "1G", "2T" and the same with iB behind: powers of 1024. `option` is for the sentence:
 * STATUS_USAGE. */
enum status size_parse(const char *option, const char *text, uint64_t *size);

/* "A:B", "A:" (to the end: CODEC_SIZE_UNKNOWN), ":B"; A at most B. */
enum status range_parse(const char *text, uint64_t *begin, uint64_t *end);

#endif
