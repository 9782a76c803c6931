/* The thread pool: every item once, the same parts each time, nested and concurrent calls. */
#include <dirent.h>
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include "base/threads.h"
#include "expect.h"

TestSuite(threads, .fini = threads_stop, .timeout = 120);

enum { ITEMS = 1000 };

struct record {
    int hits[ITEMS];
    size_t begin[THREADS_MAXIMUM], end[THREADS_MAXIMUM];
    atomic_int parts;
};

static void note(void *context, size_t begin, size_t end, int worker) {
    struct record *record = context;

    for (size_t i = begin; i < end; i++)
        record->hits[i]++;
    record->begin[worker] = begin;
    record->end[worker] = end;
    atomic_fetch_add(&record->parts, 1);
}

static void expect_each_once(const struct record *record, size_t items) {
    for (size_t i = 0; i < ITEMS; i++)
        cr_assert_eq(record->hits[i], i < items, "item %zu was done %d times", i, record->hits[i]);
}

Test(threads, without_a_start_the_caller_does_it_all) {
    struct record record = {0};

    cr_assert_eq(threads_count(), 1);
    threads_for(ITEMS, 1, note, &record);
    expect_each_once(&record, ITEMS);
    cr_assert_eq(record.parts, 1);
}

Test(threads, every_item_is_done_once_in_parts_of_whole_grains) {
    const int counts[] = {1, 2, 3, 7};
    const size_t sizes[] = {0, 1, 2, 31, 32, 33, 500, 999, ITEMS}, grains[] = {1, 3, 32, 5000};

    for (size_t c = 0; c < 4; c++) {
        EXPECT_OK(threads_start(counts[c]));
        cr_assert_eq(threads_count(), counts[c]);
        for (size_t s = 0; s < 9; s++) {
            for (size_t g = 0; g < 4; g++) {
                struct record record = {0};
                threads_for(sizes[s], grains[g], note, &record);
                expect_each_once(&record, sizes[s]);
                cr_assert_leq(record.parts, counts[c]);
                for (int w = 0; w < record.parts; w++)
                    cr_assert(record.begin[w] % grains[g] == 0 || record.begin[w] == sizes[s]);
            }
        }
    }
}

Test(threads, parts_are_the_same_every_time) {
    struct record first = {0};

    EXPECT_OK(threads_start(3));
    threads_for(ITEMS, 7, note, &first);
    cr_assert_eq(first.parts, 3);
    for (int i = 0; i < 200; i++) {
        struct record again = {0};
        threads_for(ITEMS, 7, note, &again);
        cr_assert_arr_eq(first.begin, again.begin, sizeof first.begin);
        cr_assert_arr_eq(first.end, again.end, sizeof first.end);
    }
}

/* Jobs of every width in quick succession and with pauses in which the workers fall asleep. */
Test(threads, many_small_jobs) {
    static int sums[ITEMS];
    struct record record = {0};

    EXPECT_OK(threads_start(4));
    for (int i = 0; i < 5000; i++) {
        threads_for((size_t)(i % 6), 1, note, &record);
        if (i % 1000 == 0)
            usleep(2000);
    }
    for (int i = 0; i < 5000; i++)
        for (int item = 0; item < i % 6; item++)
            sums[item]++;
    for (int item = 0; item < 6; item++)
        cr_assert_eq(record.hits[item], sums[item]);
}

struct nest {
    atomic_int items, wrong_worker;
};

static void inner(void *context, size_t begin, size_t end, int worker) {
    struct nest *nest = context;

    atomic_fetch_add(&nest->items, (int)(end - begin));
    if (worker < 0 || worker >= threads_count())
        atomic_fetch_add(&nest->wrong_worker, 1);
}

static void outer(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    for (size_t i = begin; i < end; i++)
        threads_for(10, 1, inner, context);
}

Test(threads, nested_calls_run_inline) {
    struct nest nest = {0};

    EXPECT_OK(threads_start(3));
    threads_for(100, 1, outer, &nest);
    cr_assert_eq(nest.items, 1000);
    cr_assert_eq(nest.wrong_worker, 0);
}

static void *call_often(void *context) {
    for (int i = 0; i < 500; i++)
        threads_for(ITEMS, 1, note, context);
    return NULL;
}

Test(threads, several_callers_take_turns) {
    static struct record records[3];
    pthread_t callers[3];

    EXPECT_OK(threads_start(2));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&callers[i], NULL, call_often, &records[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(callers[i], NULL);
    for (int i = 0; i < 3; i++)
        for (int item = 0; item < ITEMS; item++)
            cr_assert_eq(records[i].hits[item], 500);
}

Test(threads, starts_again_with_another_count) {
    for (int i = 0; i < 20; i++) {
        struct record record = {0};
        EXPECT_OK(threads_start(1 + i % 5));
        cr_assert_eq(threads_count(), 1 + i % 5);
        threads_for(ITEMS, 1, note, &record);
        expect_each_once(&record, ITEMS);
    }
    threads_stop();
    threads_stop();
    cr_assert_eq(threads_count(), 1);
}

Test(threads, counts_are_checked) {
    EXPECT_FAIL(threads_start(-1), STATUS_USAGE, "cannot work with -1 threads: give a number from 1 to 64");
    EXPECT_FAIL(threads_start(65), STATUS_USAGE, "65");
    setenv("LACONIC_THREADS", "3", 1);
    EXPECT_OK(threads_start(0));
    cr_assert_eq(threads_count(), 3);
    setenv("LACONIC_THREADS", "many", 1);
    EXPECT_FAIL(threads_start(0), STATUS_USAGE, "LACONIC_THREADS is 'many'");
    setenv("LACONIC_THREADS", "0", 1);
    EXPECT_FAIL(threads_start(0), STATUS_USAGE, "LACONIC_THREADS is '0'");
    unsetenv("LACONIC_THREADS");
    EXPECT_OK(threads_start(0));
    cr_assert_geq(threads_count(), 1);
}

/* Threads of this process. */
static int living(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return count;
}

/* In a child: the same parts, by as many threads again; it may stop, start and fork too. */
static int work_in_a_child(int count, const struct record *wanted) {
    struct record record = {0};
    if (threads_count() != count || living() != 1)
        return 1;
    threads_for(ITEMS, 7, note, &record);
    if (record.parts != count || living() != count ||
        memcmp(record.begin, wanted->begin, sizeof record.begin) != 0)
        return 2;
    threads_stop();
    threads_stop();
    if (living() != 1 || threads_start(2) != STATUS_OK || living() != 2)
        return 3;
    threads_stop();
    return 0;
}

static void expect_child(pid_t child) {
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

Test(threads, children_of_fork_go_on) {
    const int counts[] = {1, 2, 4, 8};
    for (int i = 0; i < 4; i++)
        for (int pause = 0; pause < 2; pause++) { /* workers that spin, workers that sleep */
            struct record record = {0};
            EXPECT_OK(threads_start(counts[i]));
            threads_for(ITEMS, 7, note, &record);
            usleep(pause ? 50000 : 0);
            pid_t child = fork();
            if (child == 0) {
                alarm(60);
                pid_t grandchild = fork(); /* before anything is done here */
                int failed = work_in_a_child(counts[i], &record), status;
                if (grandchild == 0)
                    _exit(failed);
                _exit(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? failed : 9);
            }
            expect_child(child);
            child = fork();
            if (child == 0) { /* stops what is not there */
                alarm(60);
                threads_stop();
                _exit(threads_count() != 1);
            }
            expect_child(child);
            struct record again = {0};
            threads_for(ITEMS, 7, note, &again);
            expect_each_once(&again, ITEMS);
        }
}

/* A fork while another thread's jobs run. */
Test(threads, forks_wait_for_the_job_under_way) {
    static struct record records[1];
    pthread_t caller;
    EXPECT_OK(threads_start(3));
    cr_assert_eq(pthread_create(&caller, NULL, call_often, &records[0]), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct record record = {0};
            alarm(60);
            threads_for(ITEMS, 1, note, &record);
            threads_stop();
            _exit(record.hits[ITEMS - 1] != 1 || record.parts != 3);
        }
        expect_child(child);
    }
    pthread_join(caller, NULL);
    for (int item = 0; item < ITEMS; item++)
        cr_assert_eq(records[0].hits[item], 500);
}

/* Rounding of the maker does not reach the workers. */
static void round_up(void *context, size_t begin, size_t end, int worker) {
    atomic_int *wrong = context;
    (void)begin;
    (void)end;
    if (worker > 0 && fegetround() != FE_TONEAREST)
        atomic_fetch_add(wrong, 1);
    usleep(1000);
}

Test(threads, workers_have_our_floating_point_environment) {
    atomic_int wrong = 0;
    fesetround(FE_UPWARD);
    EXPECT_OK(threads_start(4));
    fesetround(FE_TONEAREST); /* a part that the caller takes over runs in its own */
    for (int i = 0; i < 50; i++)
        threads_for(4, 1, round_up, &wrong);
    cr_assert_eq(wrong, 0);
}
