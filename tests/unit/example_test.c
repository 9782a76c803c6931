/* Examples: the notation, which texts, the file and what a checkpoint keeps of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "train/judging/example.h"
#include "train/judging/example_text.h"

static void expect_text(struct buffer *out, const char *wanted) {
    cr_assert_eq(buffer_append_byte(out, 0), STATUS_OK);
    cr_expect_str_eq((const char *)out->data, wanted);
    buffer_free(out);
}

static void expect_difference(const char *text, const char *rebuilt, const char *wanted) {
    struct buffer out = {0};
    cr_assert_eq(example_difference(&out, (const uint8_t *)text, strlen(text), (const uint8_t *)rebuilt,
                                    strlen(rebuilt)),
                 STATUS_OK);
    expect_text(&out, wanted);
}

Test(example, differences_are_marked_where_they_are) {
    expect_difference("the same", "the same", "\"the same\"");
    expect_difference("a cat sat", "a hat sat", "\"a [-c-]{+h+}at sat\"");
    expect_difference("abcdef", "abef", "\"ab[-cd-]ef\"");
    expect_difference("abef", "abcdef", "\"ab{+cd+}ef\"");
    expect_difference("gone", "", "\"[-gone-]\"");
    expect_difference("", "new\n", "\"{+new\\n+}\"");
    expect_difference("status=ok", "tatus=on!", "\"[-s-]tatus=o[-k-]{+n!+}\"");
}

Test(example, long_texts_are_cut) {
    char text[2 * EXAMPLE_SHOWN + 1];
    struct buffer out = {0};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(
        example_difference(&out, (const uint8_t *)text, strlen(text), (const uint8_t *)text, strlen(text)),
        STATUS_OK);
    cr_assert_eq(out.size, EXAMPLE_SHOWN + strlen("\"\" ..."));
    buffer_free(&out);
}

Test(example, bytes_are_escaped_unless_they_print) {
    const char bytes[] = "a\"\\\n\r\t\x01\x7F\xC3\xA9\xC3\xC2\x85\xE2\x82\xAC\xED\xA0\x80\0z";
    struct buffer out = {0};
    cr_assert_eq(example_text(&out, (const uint8_t *)bytes, sizeof bytes - 1), STATUS_OK);
    expect_text(&out,
                "\"a\\\"\\\\\\n\\r\\t\\x01\\x7F\xC3\xA9\\xC3\\xC2\\x85\xE2\x82\xAC\\xED\\xA0\\x80\\x00z\"");
}

Test(example, codes_are_written_in_pieces) {
    const struct tokenizer_merge merges[] = {{'a' + TOKEN_BYTE, 't' + TOKEN_BYTE},
                                             {TOKEN_EXTRA, '\n' + TOKEN_BYTE}};
    const int32_t code[] = {'s' + TOKEN_BYTE, TOKEN_EXTRA + 1, TOKEN_EXTRA + 2,
                            TOKEN_EXTRA + 9,  TOKEN_UNK,       TOKEN_PAD};
    struct tokenizer tokenizer;
    struct buffer out = {0};
    cr_assert_eq(tokenizer_open_merges(&tokenizer, merges, 2, 10), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(example_code(&out, &tokenizer, code, sizeof code / sizeof *code), STATUS_OK);
    expect_text(&out, "\"s\" \"at\\n\" <s0> <s7> <unk> <pad>");
    cr_assert_eq(example_code(&out, &tokenizer, code, 0), STATUS_OK);
    expect_text(&out, "(nothing)");
    tokenizer_free(&tokenizer);
}

/* A compressor that never ends its code writes one token as often as the text allows. */
Test(example, runs_of_one_token_are_counted_and_long_codes_are_cut) {
    int32_t code[512] = {TOKEN_PAD}; /* 0 throughout */
    struct tokenizer tokenizer;
    struct buffer out = {0};
    cr_assert_eq(tokenizer_open_bytes(&tokenizer, 10), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(example_code(&out, &tokenizer, code, 512), STATUS_OK);
    expect_text(&out, "<pad> x 512");
    cr_assert_eq(example_code(&out, &tokenizer, code, 3), STATUS_OK);
    expect_text(&out, "<pad> <pad> <pad>");
    code[4] = code[9] = 'a' + TOKEN_BYTE;
    cr_assert_eq(example_code(&out, &tokenizer, code, 11), STATUS_OK);
    expect_text(&out, "<pad> x 4 \"a\" <pad> x 4 \"a\" <pad>");
    for (int i = 0; i < 512; i++)
        code[i] = TOKEN_BYTE + 'a' + i % 2;
    cr_assert_eq(example_code(&out, &tokenizer, code, 512), STATUS_OK);
    cr_expect_eq(memcmp((char *)out.data + out.size - 15, " ... (384 more)", 15), 0);
    cr_expect_eq(out.size, 4 * EXAMPLE_TOKENS - 1 + 15);
    buffer_free(&out);
    tokenizer_free(&tokenizer);
}

Test(example, texts_are_spread_over_the_split_and_stay_the_same) {
    cr_expect_eq(example_chunk(1, 0, 1), 0);
    cr_expect_eq(example_chunk(100, 0, 2), 25);
    cr_expect_eq(example_chunk(100, 1, 2), 75);
    for (int64_t k = 0; k < 5; k++)
        cr_expect_eq(example_chunk(5, k, 5), (uint64_t)k, "all of them, each once");
}

/* ---- the file ---- */

static char text_path[64], h5_path_name[64];

static void set_up(void) {
    snprintf(text_path, sizeof text_path, "example-test-%d.txt", (int)getpid());
    snprintf(h5_path_name, sizeof h5_path_name, "example-test-%d.h5", (int)getpid());
}

static void tear_down(void) {
    unlink(text_path);
    unlink(h5_path_name);
}

TestSuite(example_file, .init = set_up, .fini = tear_down);

static void add(struct examples *e, int first, int count) {
    for (int i = first; i < first + count; i++) {
        struct example example = {1, i, {0}};
        cr_assert_eq(buffer_printf(&example.text, "step %d\n  x \"%0*d\"\n", i, i % 7 + 1, i), STATUS_OK);
        cr_assert_eq(examples_add(e, &example), STATUS_OK, "%s", fail_sentence());
    }
}

static void expect_file(int count) {
    char wanted[64], got[64];
    FILE *f = fopen(text_path, "r");
    cr_assert_not_null(f);
    for (int i = 0; i < count; i++) {
        snprintf(wanted, sizeof wanted, "step %d\n", i);
        cr_expect_str_eq(fgets(got, sizeof got, f), wanted);
        snprintf(wanted, sizeof wanted, "  x \"%0*d\"\n", i % 7 + 1, i);
        cr_expect_str_eq(fgets(got, sizeof got, f), wanted);
    }
    cr_expect_null(fgets(got, sizeof got, f), "nothing more");
    fclose(f);
}

static void save(const struct examples *e) {
    struct h5_file *file;
    cr_assert_eq(h5_create(&file, h5_path_name), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(examples_write(file, "examples", e), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
}

static void load(struct examples *e) {
    struct h5_file *file;
    *e = (struct examples){0};
    cr_assert_eq(h5_open(&file, h5_path_name), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(examples_read(file, "examples", e), STATUS_OK, "%s", fail_sentence());
    h5_close(file);
    cr_assert_eq(examples_start(e, text_path), STATUS_OK, "%s", fail_sentence());
}

Test(example_file, stays_whole_when_a_run_is_resumed) {
    struct examples e = {0};
    cr_assert_eq(examples_start(&e, text_path), STATUS_OK, "%s", fail_sentence());
    add(&e, 0, 70);
    save(&e);
    add(&e, 70, 5); /* lost: the run breaks off before the next checkpoint */
    examples_close(&e);
    load(&e);
    cr_expect_eq(e.count, EXAMPLES_KEPT);
    cr_expect_eq(e.kept[0].step, 6);
    cr_expect_eq(e.kept[0].phase, 1);
    add(&e, 70, 2);
    cr_expect_eq(e.kept[EXAMPLES_KEPT - 1].step, 71);
    examples_close(&e);
    expect_file(72);
}

Test(example_file, begins_anew_with_what_is_kept) {
    struct examples e = {0};
    cr_assert_eq(examples_start(&e, text_path), STATUS_OK);
    add(&e, 0, 3);
    save(&e);
    examples_close(&e);
    unlink(text_path);
    load(&e);
    add(&e, 3, 1);
    examples_close(&e);
    expect_file(4);
    cr_assert_eq(examples_start(&e, text_path), STATUS_OK, "a new run");
    examples_close(&e);
    expect_file(0);
}

Test(example_file, none_are_none) {
    struct examples e = {0};
    save(&e);
    load(&e);
    cr_expect_eq(e.count, 0);
    examples_close(&e);
}
