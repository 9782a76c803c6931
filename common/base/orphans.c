/* Temporary files of processes that were killed. */
#include "base/orphans.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/machine.h"

enum { ENTRIES_MAXIMUM = 10000, DAY = 24 * 60 * 60 };

struct maker {
    uint32_t space;
    long process;
};

void orphans_suffix(char suffix[ORPHANS_SUFFIX_CAPACITY], unsigned serial) {
    snprintf(suffix, ORPHANS_SUFFIX_CAPACITY, ".%08" PRIx32 "-%ld-%u.tmp", machine_here().space,
             (long)getpid(), serial);
}

/* Reads the end of ".NAME.SPACE-PROCESS-SERIAL.tmp"; whatever reads back otherwise than it is written is no
 * file of ours. */
static bool parse_maker(const char *name, struct maker *maker) {
    char again[ORPHANS_SUFFIX_CAPACITY];
    unsigned serial;
    size_t length = strlen(name);

    if (name[0] != '.' || length < 5 || strcmp(name + length - 4, ".tmp") != 0)
        return false;
    const char *suffix = name + length - 4;
    while (suffix > name + 1 && suffix[-1] != '.')
        suffix--;
    suffix--;
    if (suffix == name ||
        sscanf(suffix, ".%8" SCNx32 "-%ld-%u.tmp", &maker->space, &maker->process, &serial) != 3)
        return false;
    snprintf(again, sizeof again, ".%08" PRIx32 "-%ld-%u.tmp", maker->space, maker->process, serial);
    return strcmp(suffix, again) == 0;
}

static bool is_orphan(const struct maker *maker, const struct stat *info) {
    if (!S_ISREG(info->st_mode))
        return false;
    if (maker->space == machine_here().space)
        return process_is_gone(maker->process, 0);
    return time(NULL) - info->st_mtime > DAY;
}

/* Is it another folder than the last one? */
static bool is_news(int folder) {
    static _Atomic uint64_t last;
    struct stat info;

    if (fstat(folder, &info) != 0)
        return false;
    uint64_t this = (uint64_t)info.st_dev * 0x9E3779B97F4A7C15U + (uint64_t)info.st_ino;
    return atomic_exchange(&last, this) != this;
}

void orphans_remove(const char *folder) {
    DIR *stream = opendir(folder);
    struct maker maker;
    struct stat info;

    if (!stream)
        return; /* a folder one may write but not read */
    struct dirent *entry = is_news(dirfd(stream)) ? readdir(stream) : NULL;
    for (int i = 0; entry && i < ENTRIES_MAXIMUM; i++, entry = readdir(stream))
        if (parse_maker(entry->d_name, &maker) &&
            fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            is_orphan(&maker, &info))
            unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
}
