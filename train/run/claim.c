/* A run's folder belongs to one trainer at a time. */
#include "train/run/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/signals.h"

enum { MARK_CAPACITY = 256, TRIES = 5, EMPTY_SECONDS = 60 };

/* One line, for people too: "process 1234 on HOST since TIME, began N, space N, start N, machine N". */
struct mark {
    char text[MARK_CAPACITY];
    long process;
    char host[65], since[32];
    uint64_t began;
    struct machine from;
};

static void write_mark(char text[MARK_CAPACITY]) {
    struct machine here = machine_here();
    time_t now = time(NULL);
    struct tm utc;
    char since[32] = "";

    if (gmtime_r(&now, &utc))
        strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(text, MARK_CAPACITY,
             "process %ld on %s since %s, began %" PRIu64 ", space %08" PRIx32 ", start %08" PRIx32
             ", machine %08" PRIx32 "\n",
             (long)getpid(), here.host, since, process_began(getpid()), here.space, here.start, here.machine);
}

static bool parse_mark(struct mark *mark) {
    return sscanf(mark->text,
                  "process %ld on %64s since %31[^,], began %" SCNu64 ", space %8" SCNx32 ", start %8" SCNx32
                  ", machine %8" SCNx32,
                  &mark->process, mark->host, mark->since, &mark->began, &mark->from.space, &mark->from.start,
                  &mark->from.machine) == 7;
}

/* ---- another's mark ---- */

enum holder { GONE, ALIVE, UNKNOWN };

/* Containers on one machine do not see each other's processes, but its locks: one that can be had is held by
 * nobody. */
static enum holder judge_by_lock(int descriptor) {
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return GONE;
    return errno == EWOULDBLOCK ? ALIVE : UNKNOWN;
}

/* A mark without a word is one whose trainer has just made it, or died at that. */
static enum holder judge_empty(int descriptor) {
    struct stat info;

    return fstat(descriptor, &info) == 0 && time(NULL) - info.st_mtime > EMPTY_SECONDS ? GONE : UNKNOWN;
}

static enum holder judge(const struct mark *mark, int descriptor) {
    struct machine here = machine_here();

    if (mark->from.space == here.space)
        return process_is_gone(mark->process, mark->began) ? GONE : ALIVE;
    if (mark->from.start == here.start)
        return judge_by_lock(descriptor);
    return mark->from.machine == here.machine ? GONE : UNKNOWN;
}

static enum status refuse(const char *folder, const struct mark *mark, bool known, enum holder holder) {
    char who[MARK_CAPACITY] = "another trainer", advice[512] = "";

    if (known)
        snprintf(who, sizeof who, "process %ld on %s since %s", mark->process, mark->host, mark->since);
    if (holder == UNKNOWN)
        snprintf(advice, sizeof advice, "; if that is gone, remove %.400s/lock", folder);
    return fail(STATUS_USAGE, "%s is in use by %s; wait for its end or choose another folder with -o%s",
                folder, who, advice);
}

/* The mark under the name is removed only if it is still the one that was judged. */
static void remove_judged(const char *path, int judged) {
    struct stat ours, there;

    if (fstat(judged, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
        ours.st_dev == there.st_dev)
        unlink(path);
}

/* STATUS_OK: there is no mark any more. */
static enum status clear_old_mark(const char *folder, const char *path) {
    struct mark mark = {.text = ""};
    int descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (descriptor < 0)
        return errno == ENOENT ? STATUS_OK : file_fail_write(path, errno);
    ssize_t length = read(descriptor, mark.text, sizeof mark.text - 1);
    bool known = length > 0 && parse_mark(&mark);
    enum holder holder = known ? judge(&mark, descriptor) : judge_empty(descriptor);
    if (holder == GONE) {
        log_info("taking %s over from %s%s", folder, known ? mark.host : "a trainer",
                 known ? ", whose trainer is gone" : " that is gone");
        remove_judged(path, descriptor);
    }
    close(descriptor);
    return holder == GONE ? STATUS_OK : refuse(folder, &mark, known, holder);
}

/* ---- our mark ---- */

static bool write_text(int descriptor, const char *text) {
    size_t size = strlen(text);

    return write(descriptor, text, size) == (ssize_t)size;
}

/* EEXIST: another was there first. */
static int make_mark(struct run_claim *claim) {
    char text[MARK_CAPACITY];
    int error = 0;

    claim->descriptor = open(claim->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (claim->descriptor < 0)
        return errno;
    write_mark(text);
    if (!write_text(claim->descriptor, text)) {
        error = errno ? errno : ENOSPC;
        unlink(claim->path);
        close(claim->descriptor);
        return error;
    }
    flock(claim->descriptor,
          LOCK_EX | LOCK_NB); /* more certainty where there are locks, nothing lost other_logit */
    return 0;
}

static enum status take(struct run_claim *claim, const char *folder) {
    for (int i = 0; i < TRIES; i++) {
        int error = make_mark(claim);
        if (error == 0)
            return STATUS_OK;
        if (error != EEXIST)
            return file_fail_write(claim->path, error);
        TRY(clear_old_mark(folder, claim->path));
    }
    return refuse(folder, &(struct mark){.text = ""}, false, UNKNOWN);
}

/* ---- the folder ---- */

static enum status check_is_new(const char *folder) {
    static const char *const names[] = {"checkpoint.h5", "best.h5",     "supervised.h5",
                                        "metrics.jsonl", "config.json", "examples.txt"};
    enum { NAMES = sizeof names / sizeof names[0] };
    char path[4096];

    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        struct stat info;
        if (lstat(path, &info) != 0)
            continue;
        return i == 0 ? fail(STATUS_USAGE,
                             "%s exists: continue with --resume or choose another folder with -o", path)
                      : fail(STATUS_USAGE,
                             "%s exists, of a run without a checkpoint to resume from: choose another folder "
                             "with -o, or move the old run away",
                             path);
    }
    return STATUS_OK;
}

/* Where the file system has locks, only one at a time looks at an old mark. */
static int lock_folder(const char *folder) {
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; descriptor >= 0 && i < 20 && flock(descriptor, LOCK_EX | LOCK_NB) != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return descriptor;
}

enum status run_claim(struct run_claim *claim, const char *folder, bool resume) {
    *claim = (struct run_claim){.descriptor = -1};
    TRY(file_make_folder(folder));
    if (asprintf(&claim->path, "%s/lock", folder) < 0) {
        claim->path = NULL;
        return fail(STATUS_MEMORY, "no memory for the name of a lock");
    }
    int descriptor = lock_folder(folder);
    enum status status = take(claim, folder);
    if (descriptor >= 0)
        close(descriptor);
    if (status != STATUS_OK) {
        free(claim->path);
        claim->path = NULL;
        return status;
    }
    signals_register_temporary(claim->path);
    if (!resume)
        status = check_is_new(folder);
    if (status != STATUS_OK)
        run_release(claim);
    return status;
}

void run_release(struct run_claim *claim) {
    if (!claim->path)
        return;
    remove_judged(claim->path, claim->descriptor);
    signals_forget_temporary(claim->path);
    close(claim->descriptor);
    free(claim->path);
    claim->path = NULL;
}
