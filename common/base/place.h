/* Where our own files lie: programs, models, configurations.
 *
 * An installation may be moved as a whole, or be put together under DESTDIR: what lies under the same prefix
 * as this very program (or the shared library that this code is part of) comes first, found from its own
 * path. Then, for programs run in the build tree, the build and source folders; then the prefix that was
 * configured.
 */
#ifndef LACONIC_BASE_PLACE_H
#define LACONIC_BASE_PLACE_H

#include "base/status.h"

enum place {
    PLACE_COMMANDS, /* bin: the front command */
    PLACE_TOOLS,    /* libexec/laconic: the programs it becomes */
    PLACE_MODELS,   /* share/laconic/models */
    PLACE_CONFIGS,  /* share/laconic/configs */
    PLACES
};

/* A path without a slash at its end, in static storage; the folder may be missing. From any thread. */
const char *place_folder(enum place place);

/* Path of our program `name`: beside this one, else among the tools or the commands. Caller frees *path. */
enum status place_program(const char *name, char **path);

#endif
