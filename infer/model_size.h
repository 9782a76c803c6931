/* What a model costs whoever needs it to decompress archives. */
#ifndef LACONIC_INFER_MODEL_SIZE_H
#define LACONIC_INFER_MODEL_SIZE_H

#include <stdint.h>
#include "base/status.h"
#include "store/model_file.h"

/* Bytes of a packed model's file. A checkpoint also holds what only training needs and every weight in 32
 * bits: of it the bytes of the file that `laconic pack` would write, which decompresses the same archives. */
enum status model_size(const char *path, const struct model_pair *pair, uint64_t *bytes);

#endif
