/* Chunking: its notation, and where it cuts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/rng.h"
#include "text/chunking.h"

static struct chunking parsed(const char *text) {
    struct chunking chunking;
    cr_assert_eq(chunking_parse(text, &chunking), STATUS_OK, "%s: %s", text, fail_sentence());
    return chunking;
}

static size_t next(const char *chunking, const char *text, bool at_end) {
    struct chunking rule = parsed(chunking);
    return chunking_next(&rule, (const uint8_t *)text, strlen(text), at_end);
}

Test(chunking, notation_is_read_and_written) {
    static const char *const pairs[][2] = {
        {"32", "32"}, {"1", "1"}, {"4096", "4096"}, {"lines", "lines:128"}, {"lines:64", "lines:64"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[32];
        struct chunking chunking = parsed(pairs[i][0]);
        chunking_format(&chunking, text, sizeof text);
        cr_assert_str_eq(text, pairs[i][1]);
        struct chunking again = parsed(text);
        cr_assert_eq(again.kind, chunking.kind);
        cr_assert_eq(again.size, chunking.size);
    }
}

Test(chunking, wrong_notation_is_refused_by_name) {
    static const char *const wrong[] = {"",
                                        "0",
                                        "4097",
                                        "-3",
                                        "+3",
                                        " 3",
                                        "3 ",
                                        "lines:",
                                        "lines:0",
                                        "lines:4097",
                                        "line",
                                        "lines:-1",
                                        "0x20",
                                        "1e3",
                                        "words:20",
                                        "lines:9x",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct chunking chunking = {CHUNK_LINES, 77};
        char quoted[40];
        snprintf(quoted, sizeof quoted, "\"%s\"", wrong[i]);
        cr_assert_eq(chunking_parse(wrong[i], &chunking), STATUS_CONFIG, "%s was accepted", wrong[i]);
        cr_assert(strstr(fail_sentence(), quoted), "the sentence was: %s", fail_sentence());
        cr_assert_eq(chunking.size, 77);
    }
}

Test(chunking, fixed_chunks_have_their_length_but_for_the_last) {
    cr_assert_eq(next("4", "abcdef", false), 4);
    cr_assert_eq(next("4", "abcd", false), 4);
    cr_assert_eq(next("4", "abc", false), 0);
    cr_assert_eq(next("4", "abc", true), 3);
    cr_assert_eq(next("4", "a\ncdef", true), 4);
}

Test(chunking, lines_end_behind_the_newline) {
    cr_assert_eq(next("lines:10", "ab\ncd\n", false), 3);
    cr_assert_eq(next("lines:10", "\n\n", false), 1);
    cr_assert_eq(next("lines:10", "123456789\nx", false), 10);
    cr_assert_eq(next("lines:10", "abc", false), 0);
    cr_assert_eq(next("lines:10", "abc", true), 3);
}

Test(chunking, long_lines_are_cut_behind_a_word_in_the_second_half) {
    cr_assert_eq(next("lines:10", "abcdefg hijkl\n", false), 8);
    cr_assert_eq(next("lines:10", "abcdef, hi;jkl\n", false), 8);
    cr_assert_eq(next("lines:10", "ab defghijkl\n", false), 10); /* the space is in the first half */
    cr_assert_eq(next("lines:10", "abcde fghijklm", false), 6);
    cr_assert_eq(next("lines:10", "abcd fghijklmn", false), 10);
    cr_assert_eq(next("lines:10", "abcdefghi jkl", false), 10);
    cr_assert_eq(next("lines:10", "0123456789\n", true), 10); /* the newline does not fit */
    cr_assert_eq(next("lines:10", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", true), 10);
    cr_assert_eq(next("lines:1", "ab", false), 1);
    cr_assert_eq(next("lines:1", "\n", true), 1);
}

/* The same cuts whether all bytes are there or arrive one by one, and never more than `size` bytes are asked
 * for. */
Test(chunking, cuts_do_not_depend_on_how_the_bytes_arrive) {
    static const char *const rules[] = {"7", "lines:7", "lines:1", "lines:20", "64"};
    struct rng rng;
    rng_seed(&rng, 3, "chunking");
    for (int round = 0; round < 500; round++) {
        struct chunking rule = parsed(rules[round % 5]);
        uint8_t bytes[200];
        size_t size = 1 + rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t) "ab c.\n\xff"[rng_below(&rng, 7)];
        for (size_t at = 0; at < size;) {
            size_t whole = chunking_next(&rule, bytes + at, size - at, true);
            cr_assert(whole >= 1 && whole <= (size_t)rule.size && whole <= size - at);
            size_t seen = 1, cut;
            while ((cut = chunking_next(&rule, bytes + at, seen, at + seen == size)) == 0)
                seen++;
            cr_assert_eq(cut, whole);
            cr_assert(seen <= (size_t)rule.size);
            at += whole;
        }
    }
}

/* In the second half of a long line every byte that is neither letter, digit nor beyond ASCII is a place to
 * cut. */
Test(chunking, every_space_and_mark_is_a_place_to_cut) {
    for (int byte = 0; byte < 256; byte++) {
        const char text[] = {'a', 'b', 'c', 'd', 'e', 'f', (char)byte, 'h', 'i', 'j', 'k', '\0'};
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool digit = byte >= '0' && byte <= '9', control = byte < '\t' || (byte > '\r' && byte < ' ');
        bool cut = !letter && !digit && !control && byte < 127;
        struct chunking rule = parsed("lines:10");
        cr_assert_eq(chunking_next(&rule, (const uint8_t *)text, 11, false), cut ? 7 : 10, "byte %d", byte);
    }
}
