/* Our own files, found from the path of the running code. */
#include "base/place.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Below the prefix, or absolute where it was configured outside of it. */
static const char *const installed[PLACES] = {[PLACE_COMMANDS] = LACONIC_BINDIR,
                                              [PLACE_TOOLS] = LACONIC_LIBEXECDIR "/laconic",
                                              [PLACE_MODELS] = LACONIC_DATADIR "/laconic/models",
                                              [PLACE_CONFIGS] = LACONIC_DATADIR "/laconic/configs"};
static const char *const in_tree[PLACES] = {[PLACE_COMMANDS] = LACONIC_BUILD_FOLDER,
                                            [PLACE_TOOLS] = LACONIC_BUILD_FOLDER,
                                            [PLACE_MODELS] = LACONIC_SOURCE_FOLDER "/infer/models",
                                            [PLACE_CONFIGS] = LACONIC_SOURCE_FOLDER "/configs"};
/* Where code of ours is installed: the front command, tools, the shared library. */
static const char *const own_places[] = {LACONIC_BINDIR, LACONIC_LIBEXECDIR "/laconic", LACONIC_LIBDIR};
enum { OWN_PLACES = sizeof own_places / sizeof own_places[0] };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char own_folder[PATH_MAX]; /* of this code; "" if the system does not tell */
static char folders[PLACES][PATH_MAX];

/* ---- this code ---- */

/* The shared library's file, if this is part of one. */
static bool find_library(char path[PATH_MAX]) {
    Dl_info info;
    if (!dladdr(folders, &info) || !info.dli_fname)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    return slash && strstr(slash, ".so") && realpath(info.dli_fname, path);
}

static bool find_program(char path[PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static void find_own_folder(void) {
    if (!find_library(own_folder) && !find_program(own_folder))
        own_folder[0] = '\0';
    char *slash = strrchr(own_folder, '/');
    if (slash)
        *slash = '\0';
}

/* ---- folders ---- */

/* Cuts "/bin" and the like off the own folder; false where it does not end so. */
static bool find_own_prefix(const char *own, char prefix[PATH_MAX]) {
    size_t length = strlen(own_folder), cut = strlen(own);
    if (own[0] == '/' || length <= cut || own_folder[length - cut - 1] != '/' ||
        strcmp(own_folder + length - cut, own) != 0)
        return false;
    snprintf(prefix, PATH_MAX, "%.*s", (int)(length - cut - 1), own_folder);
    return true;
}

static bool join(char path[PATH_MAX], const char *prefix, const char *folder) {
    int length = folder[0] == '/' ? snprintf(path, PATH_MAX, "%s", folder)
                                  : snprintf(path, PATH_MAX, "%s/%s", prefix, folder);
    return length < PATH_MAX;
}

static bool find_beside(enum place place) {
    char prefix[PATH_MAX];
    for (int i = 0; i < OWN_PLACES; i++)
        if (find_own_prefix(own_places[i], prefix) && join(folders[place], prefix, installed[place]) &&
            access(folders[place], F_OK) == 0)
            return true;
    return false;
}

static bool runs_in_build_tree(void) {
    size_t length = strlen(LACONIC_BUILD_FOLDER);
    return strncmp(own_folder, LACONIC_BUILD_FOLDER, length) == 0 &&
           (own_folder[length] == '/' || own_folder[length] == '\0');
}

static void find_all(void) {
    find_own_folder();
    for (int place = 0; place < PLACES; place++) {
        if (find_beside((enum place)place))
            continue;
        if (runs_in_build_tree())
            join(folders[place], "", in_tree[place]);
        else
            join(folders[place], LACONIC_PREFIX, installed[place]);
    }
}

const char *place_folder(enum place place) {
    pthread_once(&once, find_all);
    return folders[place];
}

/* ---- programs ---- */

static bool is_program(const char *folder, const char *name, char **path) {
    if (asprintf(path, "%s/%s", folder, name) < 0)
        *path = NULL;
    if (*path && access(*path, X_OK) == 0)
        return true;
    free(*path);
    *path = NULL;
    return false;
}

enum status place_program(const char *name, char **path) {
    const char *tools = place_folder(PLACE_TOOLS), *commands = place_folder(PLACE_COMMANDS);
    if (is_program(own_folder, name, path) || is_program(tools, name, path) ||
        is_program(commands, name, path))
        return STATUS_OK;
    return fail(STATUS_IO,
                "cannot find the program %s, neither in %s nor in %s; build or install all of laconic", name,
                own_folder, tools);
}
