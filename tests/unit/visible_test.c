/* Text of any origin on a terminal: one line that says what it says. */
#include <unistd.h>
#include "base/console.h"
#include "base/log.h"
#include "base/visible.h"
#include "expect.h"

static void expect_shown(const char *text, const char *expected) {
    cr_assert_str_eq(visible(text).text, expected);
}

Test(visible, words_pass_and_commands_do_not) {
    expect_shown("", "");
    expect_shown("plain name.txt", "plain name.txt");
    expect_shown("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80", "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80");
    expect_shown("two\nlines\r\tand more", "two\\nlines\\r\\tand more");
    expect_shown("\x1b]0;title\x07", "\\x1b]0;title\\a");
    expect_shown("del\x7f", "del\\x7f");
    expect_shown("C1 \xC2\x9B", "C1 \\xc2\\x9b");
    expect_shown("turned \xE2\x80\xAEtxt.exe", "turned \\xe2\\x80\\xaetxt.exe");
    expect_shown("cut \xE2\x82", "cut \\xe2\\x82");
    expect_shown("\xC0\xAF\xED\xA0\x80\xFF", "\\xc0\\xaf\\xed\\xa0\\x80\\xff");
}

/* Every pair of bytes: what is shown is itself plain, so showing it again changes nothing. */
Test(visible, what_is_shown_is_plain) {
    for (int first = 1; first < 256; first++)
        for (int second = 1; second < 256; second++) {
            const char text[] = {(char)first, (char)second, '\0'};
            struct visible once = visible(text), twice = visible(once.text);
            cr_assert_str_eq(once.text, twice.text);
            cr_assert_null(strpbrk(once.text, "\x1b\r\n\x7f"));
        }
}

Test(visible, room_is_never_exceeded_and_characters_stay_whole) {
    char shown[8];
    cr_assert_eq(visible_copy(shown, 1, "abc"), 0);
    cr_assert_str_eq(shown, "");
    cr_assert_eq(visible_copy(shown, 4, "ab\n"), 2);
    cr_assert_str_eq(shown, "ab");
    cr_assert_eq(visible_copy(shown, 4, "ab\xC3\xAF"), 2);
    cr_assert_eq(visible_copy(shown, 5, "ab\xC3\xAF"), 4);
}

Test(visible, printing_stops_at_the_size_and_at_the_end) {
    char text[64] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    visible_print(stream, "abc", 2);
    visible_print(stream, "\xC3\xAF", 1);
    visible_print(stream, "d\0e", 3);
    visible_print(stream, "\xE2\x82\xAC\x1b", 4);
    fclose(stream);
    cr_assert_str_eq(text, "ab\\xc3d\xE2\x82\xAC\\x1b");
}

/* All messages take one way. */
Test(visible, messages_stay_one_line) {
    char got[256] = "";
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_warning("cannot read %s", "a\nb\x1b[2J");
    fail(STATUS_IO, "%s: no such file", "x\ny");
    status_report("laconic", STATUS_IO);
    cr_assert_gt(read(ends[0], got, sizeof got - 1), 0);
    cr_assert_str_eq(got, "warning: cannot read a\\nb\\x1b[2J\nlaconic: x\\ny: no such file\n");
}
