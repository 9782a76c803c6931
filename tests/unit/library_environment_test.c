/* liblaconic under odd floating-point environments: archives, and what the caller set, stay the same. */
#include <fenv.h>
#include <stdlib.h>
#include "library_world.h"

TestSuite(library_environment, .timeout = 240);

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
Test(library_environment, archives_do_not_depend_on_the_callers_environment) {
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

Test(library_environment, failures_leave_the_callers_environment_too) {
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
        laconic_status status = laconic_decompress(model, archive.bytes, archive.size, back, &one);
        laconic_status cut = laconic_decompress(model, archive.bytes, archive.size - 1, back, &size);
        laconic_status counted = laconic_content_size(archive.bytes, archive.size - 1, &content);
        take_off(&before, "a failure");
        cr_assert_eq(none, LACONIC_IO);
        cr_assert_eq(unknown, LACONIC_FORMAT);
        cr_assert_eq(packed, LACONIC_LIMIT);
        cr_assert_eq(status, LACONIC_LIMIT);
        cr_assert_eq(cut, LACONIC_FORMAT);
        cr_assert_eq(counted, LACONIC_FORMAT);
        cr_assert_null(other);
    }
    laconic_close(model);
}

static void turn_down(struct stream *stream) {
    fesetround(FE_DOWNWARD);
    stream->wanted = look();
}

Test(library_environment, callbacks_run_in_the_callers_environment) {
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
