/* The main of tests under an emulator (criterion/criterion.h): each test in a fork of this process, which
 * stays in the emulator and starts from the same state, whatever the others left behind or crashed on.
 *
 *     PROGRAM
 *
 * Prints what was chosen for the CPU it finds, what failed, and last "N passed, N failed".
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/status.h"
#include "kernels/cpu.h"

static struct in_process_test *first, **last = &first;
static bool failed; /* the test that this process runs */

void in_process_add(struct in_process_test *test) {
    *last = test;
    last = &test->next;
}

/* exit() serves any thread that a test has started. */
void in_process_false(bool ends, const char *file, int line, const char *check, const char *message, ...) {
    va_list values;
    va_start(values, message);
    printf("%s:%d: false: %s", file, line, check);
    vprintf(message, values);
    putchar('\n');
    va_end(values);
    failed = true;
    if (ends)
        exit(EXIT_FAILURE);
}

static bool passes(const struct in_process_test *test) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        test->run();
        exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    int end = 0;
    if (child < 0 || waitpid(child, &end, 0) != child) {
        printf("%s/%s could not be started: ", test->suite, test->name);
        fflush(stdout);
        perror(NULL);
        return false;
    }
    if (WIFSIGNALED(end))
        printf("FAILED: %s/%s, ended by %s\n", test->suite, test->name, strsignal(WTERMSIG(end)));
    else if (end != 0)
        printf("FAILED: %s/%s\n", test->suite, test->name);
    return end == 0;
}

int main(void) {
    if (cpu_prepare(NULL) != STATUS_OK) {
        fprintf(stderr, "%s\n", fail_sentence());
        return EXIT_FAILURE;
    }
    printf("computing on %s\n", cpu_description());
    int counts[2] = {0};
    for (const struct in_process_test *test = first; test; test = test->next)
        counts[passes(test)]++;
    printf("%d passed, %d failed\n", counts[true], counts[false]);
    return counts[false] == 0 && counts[true] > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
