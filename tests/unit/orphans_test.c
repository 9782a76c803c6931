/* What killed processes leave behind: found by who made it, never taken from a process that may still run. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "base/file.h"
#include "base/machine.h"
#include "base/orphans.h"
#include "expect.h"

TestSuite(orphans, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 60);

static void put(const char *path) {
    FILE *stream = fopen(path, "w");

    cr_assert_not_null(stream, "%s", path);
    cr_assert_eq(fclose(stream), 0);
}

/* A process that opened a writer and was killed. The caller reaps it when the time has come. */
static pid_t kill_a_writer(const char *path) {
    pid_t child = fork();

    if (child == 0) {
        struct file_writer writer;
        if (file_writer_open(&writer, path) == STATUS_OK)
            raise(SIGKILL);
        _exit(1);
    }
    siginfo_t info;
    cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    cr_assert_eq(info.si_status, SIGKILL);
    return child;
}

static int temporaries(void) {
    FILE *list = popen("ls -a | grep -c '[.]tmp$'", "r");
    int count = -1;

    cr_assert_eq(fscanf(list, "%d", &count), 1);
    pclose(list);
    return count;
}

static void write_once(const char *path) {
    struct file_writer writer;

    EXPECT_OK(file_writer_open(&writer, path));
    EXPECT_OK(file_writer_commit(&writer));
}

Test(orphans, the_next_writer_removes_them) {
    pid_t child = kill_a_writer("a");

    cr_assert_eq(temporaries(), 1);
    waitpid(child, NULL, 0);
    write_once("a");
    cr_assert_eq(temporaries(), 0);
}

/* Killed, but nobody has asked for its exit code yet: gone all the same. */
Test(orphans, of_zombies_too) {
    pid_t child = kill_a_writer("a");

    write_once("b");
    cr_assert_eq(temporaries(), 0);
    waitpid(child, NULL, 0);
}

Test(orphans, writers_at_work_keep_theirs) {
    struct file_writer writer;
    pid_t child = fork();

    if (child == 0) {
        if (file_writer_open(&writer, "a") == STATUS_OK)
            pause();
        _exit(1);
    }
    while (temporaries() == 0)
        usleep(1000);
    write_once("a");
    write_once("b");
    cr_assert_eq(temporaries(), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* The numbers of other machines say nothing; there only age counts. */
Test(orphans, of_other_machines_after_a_day) {
    uint32_t elsewhere = machine_here().space ^ 1;
    const struct timespec old[2] = {{time(NULL) - 25 * 3600, 0}, {time(NULL) - 25 * 3600, 0}};
    char fresh[64], aged[64];

    snprintf(fresh, sizeof fresh, ".a.%08" PRIx32 "-4000000-0.tmp", elsewhere);
    snprintf(aged, sizeof aged, ".a.%08" PRIx32 "-4000000-1.tmp", elsewhere);
    put(fresh);
    put(aged);
    cr_assert_eq(utimensat(AT_FDCWD, aged, old, 0), 0);
    write_once("a");
    cr_assert(file_exists(fresh) && !file_exists(aged));
}

/* '#' stands for this machine's mark. */
static void make_name(char name[64], const char *pattern) {
    int length = (int)strcspn(pattern, "#");

    if (pattern[length])
        snprintf(name, 64, "%.*s%08" PRIx32 "%s", length, pattern, machine_here().space,
                 pattern + length + 1);
    else
        strcpy(name, pattern);
}

/* Names that only look like ours, and things that are no files, are other people's. */
Test(orphans, names_of_others_stay) {
    static const char *const names[] = {".a.tmp",
                                        "a.#-4000000-0.tmp",
                                        ".a.#-4000000-0.tmp2",
                                        ".#-4000000-0.tmp",
                                        ".a.#-04000000-0.tmp",
                                        ".a.#-4000000-0x.tmp",
                                        ".a.#--1-0.tmp",
                                        ".a.#-4000000.tmp",
                                        ".tmp",
                                        ".a.1#-4000000-0.tmp"};
    enum { NAMES = sizeof names / sizeof names[0] };
    char name[64];

    for (int i = 0; i < NAMES; i++) {
        make_name(name, names[i]);
        put(name);
    }
    make_name(name, ".folder.#-4000000-0.tmp");
    cr_assert_eq(mkdir(name, 0700), 0);
    write_once("a");
    cr_assert(file_exists(name));
    for (int i = 0; i < NAMES; i++) {
        make_name(name, names[i]);
        cr_assert(file_exists(name), "%s is gone", name);
    }
}

Test(machine, knows_when_processes_began) {
    uint64_t own = process_began(getpid());
    pid_t child = fork();

    if (child == 0) {
        pause();
        _exit(0);
    }
    cr_assert_gt(own, 0);
    cr_assert_geq(process_began(child), own);
    cr_assert_not(process_is_gone(child, process_began(child)));
    cr_assert_not(process_is_gone(child, 0));
    cr_assert(process_is_gone(child, own + 1000000), "another process has its number");
    cr_assert_not(process_is_gone(1, 0), "one that may not be signalled is there");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_assert(process_is_gone(child, 0));
    cr_assert_eq(process_began(child), 0);
    cr_assert_eq(machine_here().space, machine_here().space);
}
