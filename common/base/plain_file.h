/* Opening what must be a plain file: a model, a data set, a configuration, a run's log. Pipes and devices may
 * wait for ever or do something when they are opened, so they are refused before. */
#ifndef LACONIC_BASE_PLAIN_FILE_H
#define LACONIC_BASE_PLAIN_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include "base/status.h"

/* For reading; never waits. The caller closes *descriptor. STATUS_IO with the reason. */
enum status plain_file_open(const char *path, int *descriptor);

/* For writing; made where it is missing, and what it holds stays. Never waits. The caller closes *stream.
 * STATUS_IO with the reason. */
enum status plain_file_stream(const char *path, FILE **stream);

/* "a folder", "a pipe", "a socket", "a device", "a file" */
const char *file_kind_name(mode_t mode);

#endif
