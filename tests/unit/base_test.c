/* Errors, arena, buffers, random numbers, suggestions. */
#include <stdint.h>
#include "base/arena.h"
#include "base/buffer.h"
#include "base/json_text.h"
#include "base/rng.h"
#include "base/suggest.h"
#include "expect.h"

/* ---- status ---- */

Test(status, keeps_the_sentence_and_puts_contexts_in_front) {
    cr_assert_eq(fail(STATUS_IO, "cannot open %s", "x"), STATUS_IO);
    cr_assert_str_eq(fail_sentence(), "cannot open x");
    cr_assert_eq(fail_context(STATUS_IO, "file %d", 2), STATUS_IO);
    cr_assert_str_eq(fail_sentence(), "file 2: cannot open x");
}

Test(status, may_quote_its_own_last_sentence) {
    fail(STATUS_IO, "inner");
    fail(STATUS_FORMAT, "outer (%s)", fail_sentence());
    cr_assert_str_eq(fail_sentence(), "outer (inner)");
}

Test(status, cuts_long_sentences) {
    char text[20000];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fail(STATUS_IO, "%s", text);
    cr_assert_eq(strlen(fail_sentence()), 9215);
    fail_context(STATUS_IO, "front");
    cr_assert_eq(strlen(fail_sentence()), 9215);
    cr_assert_eq(strncmp(fail_sentence(), "front: aaa", 10), 0);
}

Test(status, gives_exit_codes_and_names) {
    cr_assert_eq(status_report("x", STATUS_OK), 0);
    cr_assert_eq(status_report("x", STATUS_USAGE), 2);
    cr_assert_eq(status_report("x", STATUS_FORMAT), 1);
    cr_assert_eq(status_report("x", STATUS_INTERRUPTED), 130);
    cr_assert_str_eq(status_name(STATUS_MISMATCH), "MISMATCH");
}

/* ---- arena ---- */

struct layout {
    float *a;
    unsigned char *b;
    double *c;
};

static struct layout lay_out(struct arena *arena) {
    struct layout layout;

    layout.a = ARENA_TAKE(arena, float, 33);
    layout.b = ARENA_TAKE(arena, unsigned char, 1);
    layout.c = ARENA_TAKE(arena, double, 1000);
    return layout;
}

Test(arena, the_measured_size_is_enough_and_pieces_are_aligned_and_zeroed) {
    struct arena arena = arena_measuring();
    cr_assert_null(lay_out(&arena).c);
    size_t size = arena.used;
    EXPECT_OK(arena_open(&arena, size, "a test"));
    struct layout layout = lay_out(&arena);
    cr_assert_eq((uintptr_t)layout.a % 64, 0);
    cr_assert_eq((uintptr_t)layout.b % 64, 0);
    cr_assert_eq((uintptr_t)layout.c % 64, 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(layout.c[i], 0);
    cr_assert(layout.b >= (unsigned char *)(layout.a + 33));
    cr_assert((unsigned char *)layout.c > layout.b);
    arena_close(&arena);
    arena_close(&arena);
}

Test(arena, a_measurement_that_overflows_is_refused) {
    struct arena arena = arena_measuring();
    arena_take(&arena, SIZE_MAX / 2, 16);
    arena_take(&arena, 1, 1);
    EXPECT_FAIL(arena_open(&arena, arena.used, "the activations"), STATUS_LIMIT, "the activations");
    arena_close(&arena);
}

/* ---- buffer ---- */

Test(buffer, grows_and_keeps_what_it_holds) {
    struct buffer buffer = {0};
    for (int i = 0; i < 100000; i++)
        EXPECT_OK(buffer_append_byte(&buffer, (uint8_t)i));
    cr_assert_eq(buffer.size, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(buffer.data[i], (uint8_t)i);
    EXPECT_OK(buffer_append(&buffer, NULL, 0));
    buffer_free(&buffer);
    buffer_free(&buffer);
}

Test(buffer, prints_behind_what_it_holds_and_keeps_a_nul) {
    struct buffer buffer = {0};
    EXPECT_OK(buffer_append(&buffer, "ab", 2));
    EXPECT_OK(buffer_printf(&buffer, "%d-%s", 42, "x"));
    cr_assert_eq(buffer.size, 6);
    cr_assert_str_eq((char *)buffer.data, "ab42-x");
    for (int i = 0; i < 1000; i++)
        EXPECT_OK(buffer_printf(&buffer, "%4d", i));
    cr_assert_eq(buffer.size, 4006);
    cr_assert_eq(buffer.data[4006], '\0');
    buffer_free(&buffer);
}

/* ---- random numbers ---- */

/* The reference generator's first outputs from the state 1, 2, 3, 4. */
Test(rng, is_xoshiro256_starstar) {
    const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240, 1216172134540287360};
    struct rng rng = {{1, 2, 3, 4}};

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_assert_eq(rng_next(&rng), expected[i]);
}

Test(rng, streams_and_seeds_differ_and_repeat) {
    struct rng a, b, c, d;

    rng_seed(&a, 1, "data");
    rng_seed(&b, 1, "noise");
    rng_seed(&c, 2, "data");
    rng_seed(&d, 1, "data");
    uint64_t first = rng_next(&a);
    cr_assert_neq(first, rng_next(&b));
    cr_assert_neq(first, rng_next(&c));
    cr_assert_eq(first, rng_next(&d));
}

/* Checkpoints and published results depend on it: seeding may never change. */
Test(rng, seeding_is_as_it_ever_was) {
    struct rng rng;

    rng_seed(&rng, 1, "data");
    cr_assert_eq(rng_next(&rng), UINT64_C(0x830058aebbac3fe9));
}

Test(rng, a_stored_state_continues_the_stream) {
    struct rng rng, stored;

    rng_seed(&rng, 7, "sample");
    for (int i = 0; i < 100; i++)
        rng_normal(&rng); /* no value may hide outside the state */
    stored = rng;
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(rng_normal(&rng), rng_normal(&stored));
        cr_assert_eq(rng_below(&rng, 10), rng_below(&stored, 10));
    }
}

Test(rng, below_is_uniform) {
    enum { DRAWS = 70000 };
    int counts[7] = {0};
    struct rng rng;

    rng_seed(&rng, 3, "below");
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = rng_below(&rng, 7);
        cr_assert_lt(value, 7);
        counts[value]++;
    }
    for (int i = 0; i < 7; i++) /* six standard deviations of a binomial count */
        cr_assert(abs(counts[i] - DRAWS / 7) < 560, "%d came %d times", i, counts[i]);
    cr_assert_eq(rng_below(&rng, 1), 0);
}

Test(rng, uniform_and_normal_have_their_moments) {
    enum { DRAWS = 100000 };
    double sum = 0, normal_sum = 0, normal_squares = 0;
    struct rng rng;

    rng_seed(&rng, 3, "moments");
    for (int i = 0; i < DRAWS; i++) {
        float u = rng_uniform(&rng), n = rng_normal(&rng);
        cr_assert(u >= 0 && u < 1);
        sum += u;
        normal_sum += n;
        normal_squares += (double)n * n;
    }
    cr_assert_float_eq(sum / DRAWS, 0.5, 0.006);
    cr_assert_float_eq(normal_sum / DRAWS, 0, 0.02);
    cr_assert_float_eq(normal_squares / DRAWS, 1, 0.03);
}

/* ---- suggestions ---- */

Test(suggest, finds_slips_of_the_hand) {
    const char *const names[] = {"compress", "decompress", "test", "list", "train"};

    cr_assert_str_eq(suggest_nearest("comprss", names, 5), "compress");
    cr_assert_str_eq(suggest_nearest("tset", names, 5), "test");
    cr_assert_str_eq(suggest_nearest("lits", names, 5), "list");
    cr_assert_str_eq(suggest_nearest("trian", names, 5), "train");
    cr_assert_null(suggest_nearest("zzzzzz", names, 5));
    cr_assert_null(suggest_nearest("", names, 5));
    cr_assert_null(suggest_nearest("x", names, 0));
}

Test(suggest, prefers_what_the_word_begins) {
    const char *const names[] = {"collapse.length", "collapse.exact_match_fallback", "collapse.exact_match",
                                 "rate"};

    cr_assert_str_eq(suggest_nearest("collapse.exact", names, 4), "collapse.exact_match");
    cr_assert_str_eq(suggest_nearest("exact", names, 4), "collapse.exact_match");
    cr_assert_str_eq(suggest_nearest("length", names, 4), "collapse.length");
    cr_assert_str_eq(suggest_nearest("rat", names, 4), "rate");
    cr_assert_null(suggest_nearest("co", names, 4));
}

Test(suggest, is_not_upset_by_long_words) {
    char word[1000];
    const char *const names[] = {"a", word};

    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    cr_assert_null(suggest_nearest(word, names, 2));
}

Test(json_text, any_bytes_become_a_valid_string) {
    struct buffer out = {0};
    EXPECT_OK(json_text_append(&out, "a\"b\\c\n\x01 \xc3\xa9 \xff \xc0\xaf \xed\xa0\x80"));
    EXPECT_OK(buffer_append_byte(&out, 0));
    cr_assert_str_eq((char *)out.data, "\"a\\\"b\\\\c\\u000a\\u0001 \xc3\xa9 \\ufffd \\ufffd\\ufffd "
                                       "\\ufffd\\ufffd\\ufffd\"");
    buffer_free(&out);
}
