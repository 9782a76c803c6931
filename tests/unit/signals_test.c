/* What every signal does to a program: which are requests, which end it, which are left alone; and that the
 * shell's exit code tells which it was. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/cli.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"

enum { UNHARMED = 77, NOT_ASKED = 78 };

static const int insisting[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGPWR, SIGSTKFLT},
                 repeating[] = {SIGHUP, SIGPIPE, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGIO},
                 ending[] = {SIGQUIT}, harmless[] = {SIGXFSZ, SIGCHLD, SIGCONT, SIGURG, SIGWINCH},
                 faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

#define EACH(list, number)                                                                                   \
    for (size_t at = 0; at < sizeof(list) / sizeof *(list) && ((number) = (list)[at], 1); at++)

/* Runs body(number) in a child and waits for its end. */
static int end_of(void (*body)(int), int number) {
    int status = 0;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        signal(number, SIG_DFL); /* whatever this program was started with */
        body(number);
        _exit(UNHARMED);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void expect_exit(int status, int code, int number) {
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == code, "%s: status %x, not exit code %d",
              strsignal(number), (unsigned)status, code);
}

static void expect_death(int status, int number) {
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == number, "%s: status %x", strsignal(number),
              (unsigned)status);
}

static void finish_what_it_is_at(int number) {
    signals_ask_to_stop();
    if (signals_stop_requested() || raise(number) != 0 || !signals_stop_requested())
        _exit(NOT_ASKED);
    log_set_level(LOG_ERROR);
    _exit(cli_finish("x", fail(STATUS_INTERRUPTED, "stopped")));
}

Test(signals_of_all_kinds, the_first_request_is_a_flag_and_gives_the_exit_code) {
    int number;
    EACH(insisting, number) expect_exit(end_of(finish_what_it_is_at, number), 128 + number, number);
    EACH(repeating, number) expect_exit(end_of(finish_what_it_is_at, number), 128 + number, number);
    expect_exit(end_of(finish_what_it_is_at, SIGRTMIN + 1), 128 + SIGRTMIN + 1, SIGRTMIN + 1);
}

static void insist(int number) {
    struct file_writer writer;
    signals_ask_to_stop();
    if (file_writer_open(&writer, "signals-test-half") != STATUS_OK)
        _exit(NOT_ASKED);
    raise(number);
    raise(number);
    raise(number);
}

Test(signals_of_all_kinds, the_second_ends_at_once_unless_the_system_repeats_it) {
    int number;
    EACH(insisting, number) expect_death(end_of(insist, number), number);
    EACH(repeating, number) expect_exit(end_of(insist, number), UNHARMED, number);
    EACH(ending, number) expect_death(end_of(insist, number), number);
    EACH(harmless, number) expect_exit(end_of(insist, number), UNHARMED, number);
}

/* Ctrl-C in `program 2>&1 | tee log` ends tee, too: what the program says then must not end it. */
static void lose_the_reader_after(int number) {
    int ends[2];
    signals_ask_to_stop();
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        _exit(NOT_ASKED);
    close(ends[0]);
    if (number != SIGPIPE)
        raise(number);
    for (int i = 0; i < 3; i++)
        log_warning("nobody reads this");
    if (!signals_stop_requested())
        _exit(NOT_ASKED);
    _exit(cli_finish("x", fail(STATUS_INTERRUPTED, "nor this")));
}

Test(signals_of_all_kinds, a_reader_that_left_is_one_request) {
    expect_exit(end_of(lose_the_reader_after, SIGPIPE), 128 + SIGPIPE, SIGPIPE);
    expect_exit(end_of(lose_the_reader_after, SIGINT), 128 + SIGINT, SIGINT);
}

/* A program that was done, but for an output that nobody takes, is ended by that. */
static void lose_the_reader_of_results(int number) {
    int ends[2];
    (void)number;
    signals_ask_to_stop();
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0)
        _exit(NOT_ASKED);
    close(ends[0]);
    printf("result\n");
    log_set_level(LOG_ERROR);
    _exit(cli_finish("x", STATUS_OK));
}

Test(signals_of_all_kinds, results_that_nobody_takes_are_no_success) {
    expect_exit(end_of(lose_the_reader_of_results, SIGPIPE), 128 + SIGPIPE, SIGPIPE);
}

static void die(int number) {
    signals_clean_up_and_die();
    raise(number);
}

Test(signals_of_all_kinds, a_program_with_nothing_to_finish_dies_of_the_signal) {
    int number;
    EACH(insisting, number) expect_death(end_of(die, number), number);
    EACH(repeating, number) expect_death(end_of(die, number), number);
    EACH(ending, number) expect_death(end_of(die, number), number);
    EACH(harmless, number) expect_exit(end_of(die, number), UNHARMED, number);
}

static void (*handler_of(int number))(int) {
    struct sigaction action;
    cr_assert_eq(sigaction(number, NULL, &action), 0);
    return action.sa_handler;
}

/* The test runner has handlers of its own for some of them. */
Test(signals_of_all_kinds, faults_are_left_alone) {
    void (*before[sizeof faults / sizeof *faults])(int);
    int number;
    EACH(faults, number) before[at] = handler_of(number);
    signals_ask_to_stop();
    EACH(faults, number) cr_expect_eq(handler_of(number), before[at], "%s", strsignal(number));
}

static void be_ignored(int number) {
    signal(number, SIG_IGN);
    signals_ask_to_stop();
    raise(number);
    _exit(signals_stop_requested() ? NOT_ASKED : UNHARMED);
}

Test(signals_of_all_kinds, what_was_ignored_stays_ignored) {
    int number;
    EACH(insisting, number) expect_exit(end_of(be_ignored, number), UNHARMED, number);
    EACH(repeating, number) expect_exit(end_of(be_ignored, number), UNHARMED, number);
}
