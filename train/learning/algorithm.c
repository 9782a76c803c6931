/* The table of algorithms. */
#include "train/learning/algorithm.h"
#include <stddef.h>

#define ALGORITHM_ROW(name) &algorithm_##name,
const struct algorithm *const algorithms[] = {ALGORITHM_LIST(ALGORITHM_ROW) NULL};
#undef ALGORITHM_ROW
