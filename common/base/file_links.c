/* Symbolic links at the end of a path. */
#include "base/file_links.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAXIMUM = 40 }; /* as many as Linux follows */

/* One step: *path becomes what the link says, seen from the link's folder. False: it is no link. */
static bool follow_one(char **path, int *error) {
    char leads[PATH_MAX];
    char *next = NULL;
    ssize_t length = readlink(*path, leads, sizeof leads);

    if (length < 0)
        return false;
    const char *slash = leads[0] == '/' ? NULL : strrchr(*path, '/');
    int folder = slash ? (int)(slash - *path) + 1 : 0;
    if (asprintf(&next, "%.*s%.*s", folder, *path, (int)length, leads) < 0) {
        *error = ENOMEM;
        return false;
    }
    free(*path);
    *path = next;
    return true;
}

int file_links_follow(const char *path, char **target) {
    int error = 0, links = 0;

    *target = strdup(path);
    if (!*target)
        return ENOMEM;
    while (!error && follow_one(target, &error))
        error = ++links > LINKS_MAXIMUM ? ELOOP : 0;
    if (error) {
        free(*target);
        *target = NULL;
    }
    return error;
}

bool file_links_to_descriptor(const char *path) {
    static const char *const places[] = {"/dev/fd/", "/proc/self/fd/"};
    char leads[PATH_MAX];
    ssize_t length = readlink(path, leads, sizeof leads - 1);

    leads[length < 0 ? 0 : length] = '\0';
    for (int i = 0; i < 2; i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0 ||
            strncmp(leads, places[i], strlen(places[i])) == 0)
            return true;
    return false;
}
