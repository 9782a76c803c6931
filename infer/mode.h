/* The --mode option of compress and evaluate. */
#ifndef LACONIC_INFER_MODE_H
#define LACONIC_INFER_MODE_H

#include "base/status.h"
#include "codec/codec.h"

enum status mode_parse(const char *name, enum codec_mode *mode);

#endif
