/* What the tests of base and store expect of failures, and a folder of their own to work in. */
#ifndef LACONIC_TESTS_EXPECT_H
#define LACONIC_TESTS_EXPECT_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/status.h"

/* The call succeeds; else its sentence is the message. */
#define EXPECT_OK(call)                                                                                      \
    do {                                                                                                     \
        enum status expect_status = (call);                                                                  \
        cr_assert_eq(expect_status, STATUS_OK, "%s: %s", #call, fail_sentence());                            \
    } while (0)

/* The call fails with this code and a sentence that contains `part`. */
#define EXPECT_FAIL(call, code, part)                                                                        \
    do {                                                                                                     \
        enum status expect_status = (call);                                                                  \
        cr_assert_eq(expect_status, code, "%s gave %s: %s", #call, status_name(expect_status),               \
                     fail_sentence());                                                                       \
        cr_assert_not_null(strstr(fail_sentence(), part), "'%s' lacks '%s'", fail_sentence(), part);         \
    } while (0)

static char expect_folder[64];

static inline void expect_enter_folder(void) {
    snprintf(expect_folder, sizeof expect_folder, "/tmp/laconic-test-XXXXXX");
    cr_assert_not_null(mkdtemp(expect_folder));
    cr_assert_eq(chdir(expect_folder), 0);
}

static inline void expect_leave_folder(void) {
    char command[96];

    snprintf(command, sizeof command, "rm -rf %s", expect_folder);
    cr_assert_eq(system(command), 0);
}

#endif
