/* As much of Criterion's interface as the tests of kernels, T5 and learner use, for tests that must run in
 * the program that was started. Criterion starts a program of its own for every test, and that leaves an
 * emulator: the test would pass on the real CPU. Found before Criterion's header on the include path of those
 * programs; their main is in_process.c.
 *
 * Test(suite, name) { ... } takes no options. A check is false or not as in Criterion; after a false
 * cr_assert_ the test ends, after a false cr_expect_ it goes on and fails. A message is optional: a literal
 * for printf and its values.
 */
#ifndef LACONIC_TESTS_EMULATED_CRITERION_H
#define LACONIC_TESTS_EMULATED_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct in_process_test {
    const char *suite, *name;
    void (*run)(void);
    struct in_process_test *next;
};

/* Called before main() for each test; `test` is kept. */
void in_process_add(struct in_process_test *test);

/* Tells of a false check. `ends`: does not return. */
__attribute__((format(printf, 5, 6))) void in_process_false(bool ends, const char *file, int line,
                                                            const char *check, const char *message, ...);

#define Test(suite_, name_)                                                                                  \
    static void suite_##_##name_##_test(void);                                                               \
    __attribute__((constructor)) static void suite_##_##name_##_add(void) {                                  \
        static struct in_process_test test = {#suite_, #name_, suite_##_##name_##_test, NULL};               \
        in_process_add(&test);                                                                               \
    }                                                                                                        \
    static void suite_##_##name_##_test(void)

#define IN_PROCESS_CHECK(ends, condition, ...)                                                               \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            in_process_false(ends, __FILE__, __LINE__, #condition, " " __VA_ARGS__);                         \
    } while (0)

#define cr_assert(condition, ...) IN_PROCESS_CHECK(true, condition, __VA_ARGS__)
#define cr_expect(condition, ...) IN_PROCESS_CHECK(false, condition, __VA_ARGS__)

#define cr_assert_not(condition, ...) IN_PROCESS_CHECK(true, !(condition), __VA_ARGS__)
#define cr_assert_not_null(pointer, ...) IN_PROCESS_CHECK(true, (pointer) != NULL, __VA_ARGS__)

#define cr_assert_eq(a, b, ...) IN_PROCESS_CHECK(true, (a) == (b), __VA_ARGS__)
#define cr_expect_eq(a, b, ...) IN_PROCESS_CHECK(false, (a) == (b), __VA_ARGS__)
#define cr_expect_neq(a, b, ...) IN_PROCESS_CHECK(false, (a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...) IN_PROCESS_CHECK(true, (a) < (b), __VA_ARGS__)
#define cr_expect_lt(a, b, ...) IN_PROCESS_CHECK(false, (a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...) IN_PROCESS_CHECK(true, (a) <= (b), __VA_ARGS__)
#define cr_expect_leq(a, b, ...) IN_PROCESS_CHECK(false, (a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...) IN_PROCESS_CHECK(true, (a) > (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...) IN_PROCESS_CHECK(false, (a) > (b), __VA_ARGS__)

/* Both differences, so that a not-a-number is never close. */
#define IN_PROCESS_CLOSE(a, b, bound) ((a) - (b) <= (bound) && (b) - (a) <= (bound))
#define cr_assert_float_eq(a, b, bound, ...)                                                                 \
    IN_PROCESS_CHECK(true, IN_PROCESS_CLOSE(a, b, bound), __VA_ARGS__)
#define cr_expect_float_eq(a, b, bound, ...)                                                                 \
    IN_PROCESS_CHECK(false, IN_PROCESS_CLOSE(a, b, bound), __VA_ARGS__)

/* `size` in bytes */
#define cr_assert_arr_eq(a, b, size, ...) IN_PROCESS_CHECK(true, memcmp(a, b, size) == 0, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...) IN_PROCESS_CHECK(false, memcmp(a, b, size) == 0, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) IN_PROCESS_CHECK(true, strcmp(a, b) == 0, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) IN_PROCESS_CHECK(false, strcmp(a, b) == 0, __VA_ARGS__)

#endif
