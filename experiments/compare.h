/* laconic experiment compare: a trained pair on files it has not seen, beside gzip, xz and zstd. */
#ifndef LACONIC_EXPERIMENTS_COMPARE_H
#define LACONIC_EXPERIMENTS_COMPARE_H

#include "base/status.h"

enum status command_compare(int argc, char **argv);

#endif
