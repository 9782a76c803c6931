/* What is JSON and what is not, and what is said of it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "expect.h"
#include "store/json_check.h"

static enum status check(const char *text) {
    return json_check(text, strlen(text), "x.json");
}

Test(json_check, takes_what_is_json) {
    static const char *const texts[] = {
        "{}",
        "[]",
        " { } ",
        "\t[\r\n]\n",
        "null",
        "0",
        "-0",
        "1e5",
        "1E+5",
        "0.5",
        "-12.25e-3",
        "\"\"",
        "true",
        "{\"a\": {\"a\": 1}, \"b\": [{\"a\": 1}, {\"a\": 2}]}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
        "[1, 2, [3, [4]], false]",
        "{\"\": 1, \" \": 2}",
        "\"\x7f\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(check(texts[i]), STATUS_OK, "%s: %s", texts[i], fail_sentence());
}

/* Text, what the sentence says. */
static const char *const refused[][2] = {
    {"", "line 1, column 1: the text ends too early"},
    {"{\n  \"a\": 010}", "x.json: not valid JSON in line 2, column 8, at a: a number does not begin with 0"},
    {"{\"a\": {\"b\": +1}}", "line 1, column 13, at a.b: a value is missing here"},
    {"{\"a\": -}", "a number needs a digit here"},
    {"{\"a\": .5}", "a value is missing here"},
    {"{\"a\": 5.}", "a digit behind its point"},
    {"{\"a\": 1e}", "a digit in its exponent"},
    {"{\"a\": 0x10}", "column 8, at a: a comma or } is missing here"},
    {"{\"a\": 1f}", "a comma or } is missing here"},
    {"{\"a\": NaN}", "a value is missing here"},
    {"{\"a\": Infinity}", "a value is missing here"},
    {"{\"a\": nul}", "a value is missing here"},
    {"{\"a\": truefalse}", "a comma or } is missing here"},
    {"{\"a\": 1} x", "column 10: something follows the end"},
    {"{}{}", "something follows the end"},
    {"{\"a\": 1, \"b\": 2, \"a\": 3}", "column 18, at a: this key is given twice; keep one"},
    {"{\"\\u0061\": 1, \"a\": 3}", "at a: this key is given twice"},
    {"{\"\xc3\xa9\": 1, \"\\u00E9\": 3}", "this key is given twice"},
    {"{\"a\": [1, {\"b\": 1, \"b\": 1}]}", "at a.1.b: this key is given twice"},
    {"{\"a\": 1,}", "column 9, at a: nothing follows the last comma"},
    {"[1,]", "nothing follows the last comma"},
    {"[1 2]", "a comma or ] is missing here"},
    {"{\"a\" 1}", "a colon is missing"},
    {"{a: 1}", "a key in double quotes is missing"},
    {"{'a': 1}", "a key in double quotes is missing"},
    {"{\"a\": 'b'}", "texts stand in double quotes"},
    {"{\"a\": 1 // one\n}", "line 1, column 9, at a: JSON has no comments"},
    {"{\"a\": 1, // one\n}", "JSON has no comments"},
    {"{# one\n\"a\": 1}", "JSON has no comments"},
    {"{\"a\": /* one */ 1}", "JSON has no comments"},
    {"# x\n{}", "JSON has no comments"},
    {"{\"a\": \"b", "the closing quote is missing"},
    {"{\"a\": \"b\n\"}", "a control character"},
    {"{\"a\": \"\\x41\"}", "there is no such escape"},
    {"{\"a\": \"\\u12g4\"}", "four hexadecimal digits"},
    {"{\"a\": \"\\u0000\"}", "texts here hold no NUL"},
    {"{\"a\": \"\\ud800\"}", "half of a surrogate pair"},
    {"{\"a\": \"\\udc00\\ud800\"}", "half of a surrogate pair"},
    {"{\"a\": \"\\ud800\\u0041\"}", "half of a surrogate pair"},
    {"{\"a\": \"\xff\"}", "line 1, column 8, at a: these bytes are no UTF-8 text"},
    {"{\"\xe9\": 1}", "no UTF-8"},
    {"{\"a\": \"\xc0\x80\"}", "no UTF-8"},
    {"{\"a\": \"\xe0\x80\x80\"}", "no UTF-8"},
    {"{\"a\": \"\xed\xa0\x80\"}", "no UTF-8"},
    {"{\"a\": \"\xf4\x90\x80\x80\"}", "no UTF-8"},
    {"{\"a\": \"\xe2\x82\"}", "no UTF-8"},
    {"{\"a\": \"\x80\"}", "no UTF-8"},
    {"\xef\xbb\xbf{}", "byte order mark"},
    {"{\"\xc3\xa9\xe2\x82\xac\": 01}", "line 1, column 8, at \xc3\xa9\xe2\x82\xac: a number"},
    {"{\"a\": 0.1234567890123456789012345678901234567890123456789012345678901}", "more than 60 characters"},
};

Test(json_check, says_what_is_wrong_and_where) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        EXPECT_FAIL(check(refused[i][0]), STATUS_CONFIG, refused[i][1]);
}

Test(json_check, sees_what_stands_behind_a_nul) {
    EXPECT_FAIL(json_check("{}\0", 3, "x.json"), STATUS_CONFIG, "column 3: NUL bytes follow the end");
    EXPECT_FAIL(json_check("{}\0{", 4, "x.json"), STATUS_CONFIG, "NUL bytes follow the end");
    EXPECT_FAIL(json_check("{\"a\0b\": 1}", 10, "x.json"), STATUS_CONFIG, "a control character");
}

/* Every beginning of a JSON text is refused, and no byte behind it is looked at: the text is no string. */
Test(json_check, ends_where_the_text_ends) {
    static const char whole[] =
        "{\"a\": [1.5e3, \"\\u00e9\\ud83d\\ude00\xe2\x82\xac\", true, null], \"b\": {}}";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *part = malloc(size + 1);
        cr_assert_not_null(part);
        memcpy(part, whole, size);
        cr_expect_eq(json_check(part, size, "x.json"), STATUS_CONFIG, "%zu bytes", size);
        free(part);
    }
    EXPECT_OK(check(whole));
}

static char *nested(int depth) {
    char *text = calloc(2 * (size_t)depth + 1, 1);
    cr_assert_not_null(text);
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return text;
}

Test(json_check, nests_so_deep_and_no_deeper) {
    char *most = nested(JSON_DEPTH_MAXIMUM), *more = nested(JSON_DEPTH_MAXIMUM + 1), *far = nested(1000000);
    EXPECT_OK(check(most));
    EXPECT_FAIL(check(more), STATUS_CONFIG, "column 65, at 0.0.0.");
    EXPECT_FAIL(check(far), STATUS_CONFIG, "more than 64 objects and lists inside each other");
    free(most);
    free(more);
    free(far);
}

Test(json_check, an_object_has_a_thousand_keys) {
    char text[16000] = "{\"0\": 0";
    for (int count = 1, used = 7; count <= JSON_KEYS_MAXIMUM; count++) {
        snprintf(text + used, sizeof text - (size_t)used, "}");
        EXPECT_OK(check(text));
        used += snprintf(text + used, sizeof text - (size_t)used, ", \"%d\": 0", count);
    }
    strcat(text, "}");
    EXPECT_FAIL(check(text), STATUS_CONFIG, "more than 1000 keys");
}
