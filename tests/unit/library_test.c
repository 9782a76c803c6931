/* liblaconic under callers of every kind: odd floating-point environments, forks, several threads, callbacks
 * that call back, arguments that make no sense. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fenv.h>
#include <laconic.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(library, .timeout = 240);

static const char model_path[] = TESTS_FOLDER "/formats/v1/model.h5";

enum { SIZE = 700, ROOM = 2048 };
static char text[SIZE];

struct archive {
    char bytes[ROOM];
    size_t size;
};

static void fill_text(void) {
    static const char words[] = "the cat sat on the mat and the dog sat on the log ";
    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 90 == 7 ? (char)(i * 37) : words[i % (sizeof words - 1)];
}

static laconic_model *open_one(int threads) {
    laconic_model *model;
    fill_text();
    cr_assert_eq(laconic_open(&model, model_path, threads), LACONIC_OK, "%s", laconic_error());
    return model;
}

static const laconic_options thorough = {.mode = LACONIC_AUTO, .level = 9};

static laconic_status compress(laconic_model *model, const laconic_options *options,
                               struct archive *archive) {
    archive->size = sizeof archive->bytes;
    return laconic_compress(model, options, text, SIZE, archive->bytes, &archive->size);
}

static bool is_same(const struct archive *a, const struct archive *b) {
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool comes_back(laconic_model *model, const struct archive *archive) {
    char back[SIZE];
    size_t size = sizeof back;
    return laconic_decompress(model, archive->bytes, archive->size, back, &size) == LACONIC_OK &&
           size == SIZE && memcmp(back, text, SIZE) == 0;
}

/* ---- floating-point environments ---- */

/* Rounding mode and whether denormals are flushed; traps: of every kind the CPU has. */
struct environment {
    int rounding;
    bool flush, traps;
};

static const struct environment environments[] = {
    {FE_TONEAREST, false, false},  {FE_TONEAREST, true, false},  {FE_DOWNWARD, false, false},
    {FE_DOWNWARD, true, false},    {FE_UPWARD, false, false},    {FE_UPWARD, true, false},
    {FE_TOWARDZERO, false, false}, {FE_TOWARDZERO, true, false}, {FE_UPWARD, true, true}};
enum { ENVIRONMENTS = sizeof environments / sizeof *environments };

/* What a program sees of its environment. */
struct seen {
    uint64_t control, status, sse;
};

static struct seen look(void) {
    struct seen seen = {0};
#if defined(__x86_64__)
    uint32_t x87[7], mxcsr;
    __asm__ volatile("fnstenv %0\n\tfldenv %0\n\tstmxcsr %1" : "+m"(x87), "=m"(mxcsr));
    seen = (struct seen){x87[0] & 0xFFFF, x87[1] & 0xFFFF, mxcsr};
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(seen.control), "=r"(seen.status));
#else
    seen.control = (uint64_t)fegetround();
#endif
    return seen;
}

static void flush_denormals(void) {
#if defined(__x86_64__)
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    mxcsr |= 0x8040; /* FTZ, DAZ */
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" ::"r"(control | 1 << 24 | 1 << 25)); /* FZ, DN */
#endif
}

/* With a flag raised that must not get lost. */
static struct seen put_on(const struct environment *environment) {
    fesetenv(FE_DFL_ENV);
    feraiseexcept(FE_OVERFLOW);
    fesetround(environment->rounding);
    if (environment->flush)
        flush_denormals();
    if (environment->traps)
        feenableexcept(FE_INEXACT | FE_DIVBYZERO | FE_INVALID | FE_UNDERFLOW);
    return look();
}

/* Ends put_on(): nothing has changed. */
static void take_off(const struct seen *before, const char *what) {
    struct seen after = look();
    fesetenv(FE_DFL_ENV);
    cr_assert(memcmp(before, &after, sizeof after) == 0,
              "%s changed the caller's environment: %llx %llx %llx became %llx %llx %llx", what,
              (unsigned long long)before->control, (unsigned long long)before->status,
              (unsigned long long)before->sse, (unsigned long long)after.control,
              (unsigned long long)after.status, (unsigned long long)after.sse);
}

static laconic_model *open_under(const struct environment *environment) {
    laconic_model *model;
    struct seen before = put_on(environment);
    laconic_status status = laconic_open(&model, model_path, 2);
    take_off(&before, "laconic_open()");
    cr_assert_eq(status, LACONIC_OK, "%s", laconic_error());
    return model;
}

/* Every environment at the opening, every one while compressing, every one while restoring. */
Test(library, archives_do_not_depend_on_the_callers_environment) {
    static const laconic_options options[] = {{.mode = LACONIC_AUTO, .level = 3},
                                              {.mode = LACONIC_HYBRID, .level = 9}};
    struct archive plain[2], archive;
    fill_text();
    for (int opening = 0; opening < ENVIRONMENTS; opening++) {
        laconic_model *model = open_under(&environments[opening]);
        for (int packing = 0; packing < 2 * ENVIRONMENTS; packing++) {
            struct seen before = put_on(&environments[packing / 2]);
            laconic_status status = compress(model, &options[packing % 2], &archive);
            take_off(&before, "laconic_compress()");
            cr_assert_eq(status, LACONIC_OK, "%s", laconic_error());
            if (opening == 0 && packing < 2)
                plain[packing] = archive;
            cr_assert(is_same(&archive, &plain[packing % 2]), "other bytes in environments %d, %d", opening,
                      packing / 2);
        }
        for (int restoring = 0; restoring < ENVIRONMENTS; restoring++) {
            struct seen before = put_on(&environments[restoring]);
            bool back = comes_back(model, &plain[0]) && comes_back(model, &plain[1]);
            take_off(&before, "laconic_decompress()");
            cr_assert(back, "%s", laconic_error());
        }
        struct seen before = put_on(&environments[opening]);
        laconic_status status = laconic_close(model);
        take_off(&before, "laconic_close()");
        cr_assert_eq(status, LACONIC_OK);
    }
}

Test(library, failures_leave_the_callers_environment_too) {
    laconic_model *model = open_one(2), *other;
    struct archive archive;
    char back[SIZE];
    uint64_t content;
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_OK);
    for (int i = 0; i < ENVIRONMENTS; i++) {
        size_t one = 1, size = SIZE;
        struct seen before = put_on(&environments[i]);
        laconic_status none = laconic_open(&other, "none.h5", 0);
        laconic_status unknown = laconic_open_for(&other, "junk", 4, 0);
        laconic_status packed = laconic_compress(model, NULL, text, SIZE, back, &one);
        one = 1;
        laconic_status room = laconic_decompress(model, archive.bytes, archive.size, back, &one);
        laconic_status cut = laconic_decompress(model, archive.bytes, archive.size - 1, back, &size);
        laconic_status counted = laconic_content_size(archive.bytes, archive.size - 1, &content);
        take_off(&before, "a failure");
        cr_assert_eq(none, LACONIC_IO);
        cr_assert_eq(unknown, LACONIC_FORMAT);
        cr_assert_eq(packed, LACONIC_LIMIT);
        cr_assert_eq(room, LACONIC_LIMIT);
        cr_assert_eq(cut, LACONIC_FORMAT);
        cr_assert_eq(counted, LACONIC_FORMAT);
        cr_assert_null(other);
    }
    laconic_close(model);
}

struct stream {
    laconic_model *model; /* of the stream */
    void (*inside)(struct stream *stream);
    struct seen wanted;
    size_t at, calls, wrong;
    struct archive archive;
};

static ptrdiff_t read_text(void *context, void *bytes, size_t size) {
    struct stream *stream = context;
    struct seen now = look();
    size_t count = size < SIZE - stream->at ? size : SIZE - stream->at;
    stream->wrong += memcmp(&now, &stream->wanted, sizeof now) != 0;
    if (stream->inside && stream->calls == 0)
        stream->inside(stream);
    stream->calls++;
    memcpy(bytes, text + stream->at, count);
    stream->at += count;
    return (ptrdiff_t)count;
}

static int write_archive(void *context, const void *bytes, size_t size) {
    struct stream *stream = context;
    struct seen now = look();
    stream->calls++;
    stream->wrong += memcmp(&now, &stream->wanted, sizeof now) != 0;
    if (size > ROOM - stream->archive.size)
        return 1;
    memcpy(stream->archive.bytes + stream->archive.size, bytes, size);
    stream->archive.size += size;
    return 0;
}

static laconic_status run_stream(struct stream *stream) {
    return laconic_compress_stream(stream->model, &thorough, read_text, stream, write_archive, stream);
}

static void turn_down(struct stream *stream) {
    fesetround(FE_DOWNWARD);
    stream->wanted = look();
}

Test(library, callbacks_run_in_the_callers_environment) {
    struct stream plain = {.model = open_one(2), .wanted = look()};
    cr_assert_eq(run_stream(&plain), LACONIC_OK);
    cr_assert(comes_back(plain.model, &plain.archive));
    for (int i = 0; i < ENVIRONMENTS; i++) {
        struct stream stream = {.model = plain.model};
        struct seen before = stream.wanted = put_on(&environments[i]);
        laconic_status status = run_stream(&stream);
        take_off(&before, "a stream");
        cr_assert_eq(status, LACONIC_OK);
        cr_assert(stream.calls > 1 && stream.wrong == 0);
        cr_assert(is_same(&stream.archive, &plain.archive));
    }
    struct stream turning = {.model = plain.model, .inside = turn_down, .wanted = look()};
    cr_assert_eq(run_stream(&turning), LACONIC_OK);
    cr_assert_eq(fegetround(), FE_DOWNWARD, "what a callback sets lasts");
    fesetround(FE_TONEAREST);
    cr_assert_eq(turning.wrong, 0);
    cr_assert(is_same(&turning.archive, &plain.archive));
    laconic_close(plain.model);
}

/* ---- forks ---- */

/* In a child: the inherited model works, and closes. */
static int use_and_close(laconic_model *model, const struct archive *wanted) {
    struct archive archive;
    if (compress(model, &thorough, &archive) != LACONIC_OK || !is_same(&archive, wanted))
        return 1;
    if (!comes_back(model, wanted))
        return 2;
    return laconic_close(model) == LACONIC_OK ? 0 : 3;
}

/* A child that hangs is ended by its alarm. */
static void begin_child(void) {
    alarm(100);
}

static void expect_child(pid_t child) {
    int status = -1;
    cr_assert_gt(child, 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

Test(library, children_go_on_with_inherited_models) {
    static const int threads[] = {1, 2, 4, 8};
    for (int i = 0; i < 4; i++) {
        struct archive wanted;
        laconic_model *model = open_one(threads[i]);
        cr_assert_eq(compress(model, &thorough, &wanted), LACONIC_OK);
        pid_t child = fork();
        if (child == 0) {
            begin_child();
            pid_t grandchild = fork(); /* before anything is done here */
            int status, failed = use_and_close(model, &wanted);
            if (grandchild == 0)
                _exit(failed);
            _exit(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? failed : 9);
        }
        cr_assert(comes_back(model, &wanted));
        expect_child(child);
        child = fork();
        if (child == 0) { /* closes at once, opens another */
            begin_child();
            laconic_close(model);
            cr_assert_eq(laconic_open(&model, model_path, 3), LACONIC_OK);
            _exit(use_and_close(model, &wanted));
        }
        expect_child(child);
        cr_assert_eq(laconic_close(model), LACONIC_OK);
    }
}

static void fork_inside(struct stream *stream) {
    (void)stream;
    pid_t child = fork();
    if (child == 0)
        begin_child();
    else
        expect_child(child);
}

/* Both processes go on with the call that is under way. */
Test(library, a_callback_may_fork) {
    pid_t self = getpid();
    struct stream plain = {.model = open_one(4), .wanted = look()}, forking = plain;
    forking.inside = fork_inside;
    cr_assert_eq(run_stream(&plain), LACONIC_OK);
    laconic_status status = run_stream(&forking);
    bool good = status == LACONIC_OK && is_same(&plain.archive, &forking.archive) &&
                laconic_close(plain.model) == LACONIC_OK;
    if (getpid() != self)
        _exit(!good);
    cr_assert(good);
}

struct worker {
    laconic_model *model;
    struct archive wanted;
    _Atomic bool stop;
    bool failed;
    int rounds;
};

static void *work(void *context) {
    struct worker *worker = context;
    struct archive archive;
    while (!worker->stop && !worker->failed) {
        worker->failed =
            compress(worker->model, &thorough, &archive) != LACONIC_OK || !is_same(&archive, &worker->wanted);
        worker->rounds++;
    }
    return NULL;
}

static void *open_often(void *context) {
    struct worker *worker = context;
    while (!worker->stop && !worker->failed) {
        laconic_model *model;
        worker->failed =
            laconic_open(&model, model_path, 0) != LACONIC_OK || laconic_close(model) != LACONIC_OK;
    }
    return NULL;
}

/* Forks while others compress and open: the child's own model works, that of the other thread is refused or
 * works, and a new one opens. */
Test(library, forks_while_other_threads_are_inside) {
    laconic_model *own = open_one(4);
    struct worker worker = {.model = open_one(4)}, opener = {0};
    pthread_t threads[2];
    cr_assert_eq(compress(own, &thorough, &worker.wanted), LACONIC_OK);
    pthread_create(&threads[0], NULL, work, &worker);
    pthread_create(&threads[1], NULL, open_often, &opener);
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();
        if (child == 0) {
            laconic_model *fresh;
            begin_child();
            laconic_status other = laconic_close(worker.model);
            if (other != LACONIC_OK && other != LACONIC_ARGUMENT)
                _exit(7);
            if (laconic_open(&fresh, model_path, 2) != LACONIC_OK)
                _exit(8);
            int failed = use_and_close(own, &worker.wanted);
            _exit(failed ? failed : use_and_close(fresh, &worker.wanted));
        }
        expect_child(child);
    }
    worker.stop = opener.stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert(!worker.failed && !opener.failed && worker.rounds > 0);
    laconic_close(worker.model);
    laconic_close(own);
}

/* ---- several threads, calls from callbacks ---- */

Test(library, several_models_work_at_once) {
    static struct worker workers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        workers[i].model = open_one(3);
        cr_assert_eq(compress(workers[i].model, &thorough, &workers[i].wanted), LACONIC_OK);
        cr_assert(is_same(&workers[i].wanted, &workers[0].wanted));
    }
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, work, &workers[i]);
    usleep(1000000);
    for (int i = 0; i < 3; i++)
        workers[i].stop = true;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(!workers[i].failed && workers[i].rounds > 0);
        laconic_close(workers[i].model);
    }
}

static void *refused_elsewhere(void *context) {
    struct stream *stream = context;
    struct archive archive;
    char back[SIZE];
    size_t size = sizeof back;
    stream->wrong += compress(stream->model, NULL, &archive) != LACONIC_ARGUMENT;
    stream->wrong += strstr(laconic_error(), "in use by another call") == NULL;
    stream->wrong += laconic_decompress(stream->model, text, SIZE, back, &size) != LACONIC_ARGUMENT;
    stream->wrong += laconic_close(stream->model) != LACONIC_ARGUMENT;
    return NULL;
}

/* The same thread and another one, while a call is under way; another model is free. */
static void call_back(struct stream *stream) {
    pthread_t thread;
    laconic_model *other;
    struct archive archive;
    refused_elsewhere(stream);
    pthread_create(&thread, NULL, refused_elsewhere, stream);
    pthread_join(thread, NULL);
    stream->wrong += laconic_open(&other, model_path, 0) != LACONIC_OK;
    stream->wrong += compress(other, NULL, &archive) != LACONIC_OK || !comes_back(other, &archive);
    stream->wrong += laconic_close(other) != LACONIC_OK;
}

Test(library, a_model_at_work_is_refused_to_others) {
    struct stream plain = {.model = open_one(2), .wanted = look()}, calling = plain;
    calling.inside = call_back;
    cr_assert_eq(run_stream(&plain), LACONIC_OK);
    cr_assert_eq(run_stream(&calling), LACONIC_OK);
    cr_assert_eq(calling.wrong, 0);
    cr_assert(is_same(&calling.archive, &plain.archive));
    cr_assert(comes_back(plain.model, &plain.archive), "free again");
    cr_assert_eq(laconic_close(plain.model), LACONIC_OK);
}

/* ---- callbacks that fail, and what is known of a stream ---- */

static ptrdiff_t read_wrong(void *context, void *bytes, size_t size) {
    (void)bytes;
    return *(const int *)context < 0 ? -1 : (ptrdiff_t)size + 1;
}

static int write_wrong(void *context, const void *bytes, size_t size) {
    (void)bytes;
    (void)size;
    errno = *(const int *)context;
    return 1;
}

Test(library, callbacks_may_fail) {
    laconic_model *model = open_one(1);
    int less = -1, more = 1, full = ENOSPC, silent = 0;
    struct stream stream = {.model = model, .wanted = look()};
    errno = ENOTTY; /* of something else, long ago */
    cr_assert_eq(laconic_compress_stream(model, NULL, read_wrong, &less, write_archive, &stream), LACONIC_IO);
    cr_assert(strstr(laconic_error(), strerror(EIO)), "%s", laconic_error());
    cr_assert_eq(laconic_compress_stream(model, NULL, read_wrong, &more, write_archive, &stream), LACONIC_IO);
    cr_assert_eq(laconic_decompress_stream(model, read_wrong, &more, NULL, NULL), LACONIC_IO);
    cr_assert_eq(laconic_compress_stream(model, NULL, read_text, &stream, write_wrong, &full), LACONIC_IO);
    stream.at = 0;
    cr_assert_eq(laconic_compress_stream(model, NULL, read_text, &stream, write_wrong, &silent), LACONIC_IO);
    stream.at = 0;
    cr_assert_eq(run_stream(&stream), LACONIC_OK, "and the model is free again: %s", laconic_error());
    laconic_close(model);
}

enum { LARGE = 300000 };
static char large[LARGE], large_archive[2][LARGE + LARGE / 8192 + 256];

static ptrdiff_t read_large(void *context, void *bytes, size_t size) {
    size_t *at = context, count = size < LARGE - *at ? size : LARGE - *at;
    memcpy(bytes, large + *at, count);
    *at += count;
    return (ptrdiff_t)count;
}

static int write_large(void *context, const void *bytes, size_t size) {
    size_t *at = context;
    memcpy(large_archive[1] + *at, bytes, size);
    *at += size;
    return 0;
}

/* A buffer is a stream whose size is known; more comes than was promised, or less: an error. */
Test(library, the_size_of_a_stream_may_be_told) {
    laconic_model *model = open_one(2);
    size_t packed = sizeof large_archive[0], none = 1;
    for (size_t i = 0; i < LARGE; i++)
        large[i] = "a few words to say again "[i % 25];
    cr_assert_eq(laconic_bound(LARGE), sizeof large_archive[0]);
    laconic_options options = {.level = 1};
    cr_assert_eq(laconic_compress(model, &options, large, LARGE, large_archive[0], &packed), LACONIC_OK);
    for (int off = -1; off <= 1; off++) {
        size_t at = 0, written = 0;
        options.content_size = (uint64_t)(LARGE + off);
        laconic_status status =
            laconic_compress_stream(model, &options, read_large, &at, write_large, &written);
        cr_assert_eq(status, off ? LACONIC_IO : LACONIC_OK, "%d: %s", off, laconic_error());
        if (off == 0)
            cr_assert(written == packed && memcmp(large_archive[0], large_archive[1], packed) == 0);
        else
            cr_assert(strstr(laconic_error(), "changed while it was read"), "%s", laconic_error());
    }
    cr_assert_eq(laconic_decompress(model, large_archive[0], packed, text, &none), LACONIC_LIMIT);
    size_t exact = packed;
    cr_assert_eq(
        laconic_compress(model, &(laconic_options){.level = 1}, large, LARGE, large_archive[1], &exact),
        LACONIC_OK, "as much room as is needed");
    exact = packed - 1;
    cr_assert_eq(
        laconic_compress(model, &(laconic_options){.level = 1}, large, LARGE, large_archive[1], &exact),
        LACONIC_LIMIT);
    laconic_close(model);
}

/* ---- pieces, comments, memory ---- */

Test(library, pieces_of_an_archive) {
    laconic_model *model = open_one(2);
    laconic_options options = {.level = 1, .restart = 4096, .comment = "of the tests"};
    size_t packed = sizeof large_archive[0], got;
    char comment[LACONIC_COMMENT + 1];
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i % 251 + i / 4096);
    cr_assert_eq(laconic_compress(model, &options, large, LARGE, large_archive[0], &packed), LACONIC_OK);
    static const uint64_t ranges[][2] = {
        {0, 1}, {0, 0}, {4095, 4097}, {200000, 200700}, {LARGE - 1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t end = ranges[i][1] == UINT64_MAX ? LARGE : ranges[i][1];
        got = sizeof text;
        laconic_status status =
            laconic_decompress_range(model, large_archive[0], packed, ranges[i][0], ranges[i][1], text, &got);
        cr_assert_eq(status, LACONIC_OK, "%s", laconic_error());
        cr_assert(got == end - ranges[i][0] && memcmp(text, large + ranges[i][0], got) == 0);
    }
    got = sizeof text;
    cr_assert_eq(laconic_decompress_range(model, large_archive[0], packed, 0, LARGE + 1, text, &got),
                 LACONIC_LIMIT);
    got = 5;
    cr_assert_eq(laconic_decompress_range(model, large_archive[0], packed, 0, 6, text, &got), LACONIC_LIMIT);
    got = sizeof text;
    cr_assert_eq(laconic_decompress_range(model, large_archive[0], packed, 6, 5, text, &got),
                 LACONIC_ARGUMENT);
    cr_assert_eq(laconic_decompress_range(NULL, large_archive[0], packed, 0, 1, text, &got),
                 LACONIC_ARGUMENT);
    got = sizeof text;
    cr_assert_eq(laconic_decompress_range(model, NULL, 0, 0, 1, text, &got), LACONIC_FORMAT);
    cr_assert_eq(laconic_comment(large_archive[0], packed, comment), LACONIC_OK);
    cr_assert_str_eq(comment, "of the tests");
    cr_assert_eq(laconic_comment(large_archive[0], packed, NULL), LACONIC_ARGUMENT);
    cr_assert_eq(laconic_comment(NULL, 9, comment), LACONIC_ARGUMENT);
    options.restart = 4095;
    packed = sizeof large_archive[0];
    cr_assert_eq(laconic_compress(model, &options, large, LARGE, large_archive[0], &packed), LACONIC_LIMIT);
    laconic_close(model);
}

Test(library, memory_may_be_limited) {
    laconic_model *model = open_one(1);
    struct archive archive;
    cr_assert_eq(laconic_limit_memory(model, 1), LACONIC_OK);
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_LIMIT);
    cr_assert(strstr(laconic_error(), "raise the limit"), "%s", laconic_error());
    cr_assert_eq(laconic_limit_memory(model, 0), LACONIC_OK);
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_OK);
    cr_assert_eq(laconic_limit_memory(model, 1), LACONIC_OK);
    cr_assert_not(comes_back(model, &archive));
    cr_assert_eq(laconic_limit_memory(NULL, 1), LACONIC_ARGUMENT);
    laconic_close(model);
}

/* ---- arguments ---- */

static void expect_argument(laconic_status status, const char *what) {
    cr_assert_eq(status, LACONIC_ARGUMENT, "%s: %d %s", what, (int)status, laconic_error());
    cr_assert(laconic_error()[0]);
}

Test(library, null_is_an_error) {
    laconic_model *model = open_one(2), *other = model;
    struct archive archive;
    struct stream stream = {.model = model};
    uint8_t hash[LACONIC_HASH_BYTES];
    uint64_t content;
    size_t size = ROOM;
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_OK);
    expect_argument(laconic_open(NULL, model_path, 0), "open");
    expect_argument(laconic_open_for(NULL, archive.bytes, archive.size, 0), "open_for");
    expect_argument(laconic_open_for(&other, NULL, 39, 0), "open_for an archive");
    cr_assert_null(other);
    cr_assert_eq(laconic_open_for(&other, NULL, 0, 0), LACONIC_FORMAT);
    expect_argument(laconic_hash(NULL, hash), "hash");
    expect_argument(laconic_hash(model, NULL), "a place for the hash");
    expect_argument(laconic_compress(NULL, NULL, text, SIZE, archive.bytes, &size), "compress");
    cr_assert_eq(size, 0);
    size = ROOM;
    expect_argument(laconic_compress(model, NULL, NULL, SIZE, archive.bytes, &size), "its input");
    size = ROOM;
    expect_argument(laconic_compress(model, NULL, text, SIZE, NULL, &size), "its output");
    expect_argument(laconic_compress(model, NULL, text, SIZE, archive.bytes, NULL), "its size");
    size = ROOM;
    expect_argument(laconic_decompress(NULL, text, SIZE, archive.bytes, &size), "decompress");
    size = ROOM;
    expect_argument(laconic_decompress(model, NULL, SIZE, archive.bytes, &size), "its archive");
    size = ROOM;
    expect_argument(laconic_decompress(model, text, SIZE, NULL, &size), "its output");
    expect_argument(laconic_decompress(model, text, SIZE, archive.bytes, NULL), "its size");
    expect_argument(laconic_content_size(NULL, SIZE, &content), "content_size");
    cr_assert_eq(content, 0);
    expect_argument(laconic_content_size(archive.bytes, archive.size, NULL), "its answer");
    expect_argument(laconic_compress_stream(NULL, NULL, read_text, &stream, write_archive, &stream),
                    "a stream");
    expect_argument(laconic_compress_stream(model, NULL, NULL, &stream, write_archive, &stream), "read");
    expect_argument(laconic_compress_stream(model, NULL, read_text, &stream, NULL, NULL), "write");
    expect_argument(laconic_decompress_stream(NULL, read_text, &stream, write_archive, &stream), "a stream");
    expect_argument(laconic_decompress_stream(model, NULL, NULL, write_archive, &stream), "read");
    cr_assert_eq(laconic_close(NULL), LACONIC_OK);
    cr_assert_eq(laconic_close(model), LACONIC_OK);
}

Test(library, nothing_is_something_too) {
    laconic_model *model = open_one(1);
    char archive[64];
    size_t packed = sizeof archive, none = 0;
    uint64_t content = 9;
    cr_assert_eq(laconic_compress(model, NULL, NULL, 0, archive, &packed), LACONIC_OK, "%s", laconic_error());
    cr_assert_eq(laconic_content_size(archive, packed, &content), LACONIC_OK);
    cr_assert_eq(content, 0);
    cr_assert_eq(laconic_decompress(model, archive, packed, NULL, &none), LACONIC_OK, "%s", laconic_error());
    cr_assert_eq(none, 0);
    cr_assert_eq(laconic_compress(model, NULL, NULL, 0, NULL, &none), LACONIC_LIMIT);
    cr_assert_eq(laconic_decompress(model, NULL, 0, NULL, &none), LACONIC_FORMAT);
    cr_assert_eq(laconic_content_size(NULL, 0, &content), LACONIC_FORMAT);
    laconic_close(model);
}

Test(library, buffers_that_cannot_be_are_refused) {
    laconic_model *model = open_one(1), *other;
    struct archive archive;
    uint64_t content;
    static const size_t gaps[] = {0, 1, SIZE - 1};
    char both[3 * ROOM];
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        size_t size = ROOM;
        expect_argument(laconic_compress(model, NULL, both, SIZE, both + gaps[i], &size), "input first");
        size = SIZE;
        expect_argument(laconic_compress(model, NULL, both + gaps[i], ROOM, both, &size), "output first");
    }
    size_t size = ROOM;
    memcpy(both, text, SIZE);
    cr_assert_eq(laconic_compress(model, NULL, both, SIZE, both + SIZE, &size), LACONIC_OK, "side by side");
    size = SIZE_MAX;
    expect_argument(laconic_compress(model, NULL, text, SIZE, archive.bytes, &size), "an endless output");
    size = ROOM;
    expect_argument(laconic_compress(model, NULL, text, (size_t)PTRDIFF_MAX + 1, archive.bytes, &size),
                    "an endless input");
    size = ROOM;
    expect_argument(laconic_decompress(model, text, SIZE_MAX, archive.bytes, &size), "an endless archive");
    expect_argument(laconic_content_size(text, SIZE_MAX, &content), "an endless archive");
    expect_argument(laconic_open_for(&other, text, SIZE_MAX, 0), "an endless archive");
    expect_argument(laconic_open(&other, model_path, -1), "threads");
    expect_argument(laconic_open(&other, model_path, 65), "threads");
    cr_assert_eq(laconic_bound(SIZE_MAX), 0);
    cr_assert_gt(laconic_bound(0), 48);
    laconic_close(model);
}

Test(library, options_that_make_no_sense_are_refused) {
    static const laconic_options wrong[] = {{.mode = (laconic_mode)4},
                                            {.mode = (laconic_mode)-1},
                                            {.level = -1},
                                            {.level = 10},
                                            {.reserved = {0, 1}}};
    laconic_model *model = open_one(1);
    struct archive archive;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_argument(compress(model, &wrong[i], &archive), "options");
    laconic_close(model);
}
