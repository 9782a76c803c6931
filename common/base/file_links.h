/* Symbolic links at the end of a path. */
#ifndef LACONIC_BASE_FILE_LINKS_H
#define LACONIC_BASE_FILE_LINKS_H

#include <stdbool.h>

/* The path that opening `path` for writing would reach: behind links, whether there is a file or not. Returns
 * 0 and a name for the caller to free, or an errno: ELOOP for links in a circle. */
int file_links_follow(const char *path, char **target);

/* Is it one of the system's names for an open descriptor (/dev/stdout, /dev/fd/3)? Its file is open already
 * and not to be replaced under that name. */
bool file_links_to_descriptor(const char *path);

#endif
