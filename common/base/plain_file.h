/* Opening what must be a plain file: a model, a data set, a configuration. Pipes and devices may wait for
 * ever or do something when they are opened, so they are refused before. */
#ifndef LACONIC_BASE_PLAIN_FILE_H
#define LACONIC_BASE_PLAIN_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/status.h"

/* For reading; never waits. The caller closes *descriptor. STATUS_IO with the reason. */
enum status plain_file_open(const char *path, int *descriptor);

/* "a folder", "a pipe", "a socket", "a device", "a file" */
const char *file_kind_name(mode_t mode);

#endif
