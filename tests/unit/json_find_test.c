/* Figures found in JSON by their path, and the sentences when there is none. */
#include <criterion/criterion.h>
#include <string.h>
#include "store/json_find.h"

static const char text[] =
    "{\"bytes\": 12, \"files\": [{\"name\": \"a\", \"ratio\": 0.5}, {\"ratio\": -1e3}], \"none\": null}";

static void expect_number(const char *path, double expected) {
    double value = 99;
    cr_expect_eq(json_find_number(text, "list", path, &value), STATUS_OK, "%s: %s", path, fail_sentence());
    cr_expect_eq(value, expected, "%s: %g", path, value);
}

static void expect_none(const char *path) {
    double value = 99;
    cr_expect_eq(json_find_number(text, "list", path, &value), STATUS_FORMAT, "%s", path);
    cr_expect(strstr(fail_sentence(), "list has no number at"), "%s", fail_sentence());
    cr_expect_eq(value, 99);
}

Test(json_find, members_and_elements) {
    expect_number("bytes", 12);
    expect_number("files.0.ratio", 0.5);
    expect_number("files.1.ratio", -1000);
}

Test(json_find, what_is_not_there) {
    expect_none("byte");
    expect_none("BYTES");
    expect_none("none");
    expect_none("files");
    expect_none("files.2.ratio");
    expect_none("files.-1.ratio");
    expect_none("files.x.ratio");
    expect_none("files.0.name");
    expect_none("bytes.more");
    expect_none("");
    expect_none("a_key_that_is_longer_than_any_key_we_write_and_would_not_fit_into_the_room_for_keys");
}

Test(json_find, not_an_object) {
    double value;
    cr_expect_neq(json_find_number("", "list", "bytes", &value), STATUS_OK);
    cr_expect_neq(json_find_number("[1]", "list", "0", &value), STATUS_OK);
    cr_expect_neq(json_find_number("{\"bytes\": 1", "list", "bytes", &value), STATUS_OK);
}
