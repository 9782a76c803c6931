/* Loaded before the C library (LD_PRELOAD): writes down in which order files are synced and get their names,
 * and lets bad luck happen between the two.
 *
 *     WATCH_LOG=FILE    "sync NAME", "rename FROM TO", "link FROM TO" and "remove NAME", a line each, without
 * folders WATCH_GROW=FILE   another program appends to FILE when the first file is synced WATCH_SPOIL=1 the
 * disk changes a byte of every file that gets its name
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void append(const char *path, const char *text) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0 || write(descriptor, text, strlen(text)) < 0)
        abort();
    close(descriptor);
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void note(const char *what, const char *from, const char *to) {
    char line[2 * PATH_MAX + 64];
    const char *log = getenv("WATCH_LOG");
    snprintf(line, sizeof line, "%s %s%s%s\n", what, last_part(from), *to ? " " : "", last_part(to));
    if (log)
        append(log, line);
}

static void spoil(const char *path) {
    char byte = 0;
    int descriptor = getenv("WATCH_SPOIL") ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    if (pread(descriptor, &byte, 1, 20) != 1)
        abort();
    byte ^= 1;
    if (pwrite(descriptor, &byte, 1, 20) != 1)
        abort();
    close(descriptor);
}

typedef int one_number(int);
typedef int one_name(const char *);
typedef int two_names(const char *, const char *);

/* ISO C has no way from a pointer to data to one to a function. */
#define NEXT(type, name)                                                                                     \
    static type *next;                                                                                       \
    if (!next)                                                                                               \
    *(void **)(&next) = dlsym(RTLD_NEXT, name)

int fsync(int descriptor) {
    static int grown;
    char link[64], path[PATH_MAX] = "";
    const char *grow = getenv("WATCH_GROW");
    NEXT(one_number, "fsync");
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    if (readlink(link, path, sizeof path - 1) < 0)
        abort();
    note("sync", path, "");
    if (grow && !grown++)
        append(grow, "x");
    return next(descriptor);
}

int rename(const char *from, const char *to) {
    NEXT(two_names, "rename");
    note("rename", from, to);
    spoil(from);
    return next(from, to);
}

int link(const char *from, const char *to) {
    NEXT(two_names, "link");
    note("link", from, to);
    spoil(from);
    return next(from, to);
}

int unlink(const char *path) {
    NEXT(one_name, "unlink");
    note("remove", path, "");
    return next(path);
}
