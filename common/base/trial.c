/* Temporary folders for round trips. */
#include "base/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMPARE_SIZE = 1 << 16 };

static enum status fail_memory(void) {
    return fail(STATUS_MEMORY, "cannot keep a path: memory ran out");
}

void trial_clear(const struct trial *trial) {
    if (trial->archive)
        unlink(trial->archive);
    if (trial->restored)
        unlink(trial->restored);
}

void trial_close(struct trial *trial) {
    trial_clear(trial);
    if (trial->folder)
        rmdir(trial->folder);
    free(trial->restored);
    free(trial->archive);
    free(trial->folder);
    *trial = (struct trial){0};
}

static enum status make_folder(char **folder, const char *prefix) {
    const char *parent = getenv("TMPDIR");

    if (asprintf(folder, "%s/%s-XXXXXX", parent && *parent ? parent : "/tmp", prefix) < 0) {
        *folder = NULL;
        return fail_memory();
    }
    if (mkdtemp(*folder))
        return STATUS_OK;
    enum status status =
        fail(STATUS_IO, "cannot make a temporary folder %s: %s; set TMPDIR to one that can be written",
             *folder, strerror(errno));
    free(*folder);
    *folder = NULL;
    return status;
}

static enum status make_path(const char *folder, const char *name, char **path) {
    if (asprintf(path, "%s/%s", folder, name) >= 0)
        return STATUS_OK;
    *path = NULL;
    return fail_memory();
}

enum status trial_open(struct trial *trial, const char *prefix) {
    *trial = (struct trial){0};
    enum status status = make_folder(&trial->folder, prefix);
    if (status == STATUS_OK)
        status = make_path(trial->folder, "archive.lcn", &trial->archive);
    if (status == STATUS_OK)
        status = make_path(trial->folder, "restored", &trial->restored);
    if (status != STATUS_OK)
        trial_close(trial);
    return status;
}

/* Byte number of the first difference is part of the sentence: it is where the search for the fault begins.
 */
static enum status compare_streams(FILE *one, FILE *other, const char *path) {
    static unsigned char a[COMPARE_SIZE], b[COMPARE_SIZE];
    uint64_t done = 0;

    for (;;) {
        size_t a_count = fread(a, 1, sizeof a, one), b_count = fread(b, 1, sizeof b, other);
        size_t both = a_count < b_count ? a_count : b_count, same = 0;
        while (same < both && a[same] == b[same])
            same++;
        if (same < both || a_count != b_count)
            return fail(STATUS_MISMATCH, "%s was not restored: byte %" PRIu64 " is the first that differs",
                        path, done + same);
        if (ferror(one) || ferror(other))
            return fail(STATUS_IO, "cannot compare %s with what was restored: %s", path, strerror(errno));
        if (a_count == 0)
            return STATUS_OK;
        done += a_count;
    }
}

enum status trial_check(const struct trial *trial, const char *path) {
    FILE *one = fopen(path, "rb"), *other = fopen(trial->restored, "rb");
    enum status status;

    if (one && other)
        status = compare_streams(one, other, path);
    else
        status = fail(STATUS_IO, "cannot read %s: %s", one ? trial->restored : path, strerror(errno));
    if (other)
        fclose(other);
    if (one)
        fclose(one);
    return status;
}

enum status trial_measure(const char *path, uint64_t *bytes) {
    struct stat info;

    if (stat(path, &info) != 0)
        return fail(STATUS_IO, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return fail(STATUS_IO, "cannot measure %s: it is not a regular file", path);
    *bytes = (uint64_t)info.st_size;
    return STATUS_OK;
}
