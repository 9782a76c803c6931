/* The progress display: what a terminal shows, what a log file gets, and that messages do not tear it. */
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "expect.h"

TestSuite(progress, .init = expect_enter_folder, .fini = expect_leave_folder, .timeout = 60);

/* What `body` writes on a terminal of this width; a NUL behind it. */
static struct buffer on_terminal(void (*body)(void), unsigned short columns, const char *locale) {
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    struct buffer shown = {0};
    int terminal, status;
    char piece[4096];
    ssize_t got;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);

    if (child < 0)
        cr_skip_test("this machine gives no pseudo-terminal");
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        setenv("LC_ALL", locale, 1);
        body();
        _exit(0);
    }
    while ((got = read(terminal, piece, sizeof piece)) > 0)
        EXPECT_OK(buffer_append(&shown, piece, (size_t)got));
    close(terminal);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    EXPECT_OK(buffer_append_byte(&shown, '\0'));
    return shown;
}

/* The same where stderr is a file. */
static struct buffer in_a_file(void (*body)(void)) {
    struct buffer shown = {0};
    int status;
    pid_t child = fork();

    if (child == 0) {
        int file = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(file, STDERR_FILENO);
        body();
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    EXPECT_OK(file_read("log", &shown));
    EXPECT_OK(buffer_append_byte(&shown, '\0'));
    return shown;
}

/* Characters, not bytes, between carriage returns and newlines; the clearing sequence does not count. */
static int widest_line(const char *text) {
    int widest = 0, width = 0;

    for (; *text; text++) {
        if (*text == '\r' || *text == '\n')
            width = 0;
        else if (strncmp(text, "\033[K", 3) == 0)
            text += 2;
        else
            width += ((unsigned char)*text & 0xc0) != 0x80;
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void train(void) {
    struct progress progress;

    progress_begin(&progress, "train", "token", 1000, 0, 60);
    for (int i = 1; i <= 4; i++) {
        usleep(110000);
        progress_update(&progress, i * 125, i * 12500, "loss 1.234");
        if (i == 2)
            log_info("wrote checkpoint");
    }
    progress_update(&progress, 1000, 100000, "loss 1.111");
    progress_end(&progress);
    log_info("after");
}

Test(progress, draws_one_bar_in_place) {
    struct buffer shown = on_terminal(train, 100, "C.UTF-8");
    const char *text = (const char *)shown.data;

    cr_assert_not_null(strstr(text, "\rtrain ━"), "%s", text);
    cr_assert_not_null(strstr(text, " 25%"), "%s", text);
    cr_assert_not_null(strstr(text, "k token/s"), "%s", text);
    cr_assert_not_null(strstr(text, " left"), "%s", text);
    cr_assert_not_null(strstr(text, "loss 1.234"), "%s", text);
    cr_assert_not_null(strstr(text, "100%"), "%s", text);
    cr_assert_not_null(strstr(text, "loss 1.111\033[K\r\nafter"), "%s", text);
    buffer_free(&shown);
}

/* The message clears the bar, stands on a line of its own, and the bar comes back beneath it. */
Test(progress, messages_do_not_tear_the_bar) {
    struct buffer shown = on_terminal(train, 100, "C");
    const char *message = strstr((const char *)shown.data, "wrote checkpoint");

    cr_assert_not_null(message);
    cr_assert_eq(strncmp(message - 4, "\r\033[K", 4), 0);
    cr_assert_eq(strncmp(message, "wrote checkpoint\r\ntrain [", 25), 0, "%s", message);
    buffer_free(&shown);
}

Test(progress, fits_any_terminal) {
    for (unsigned short columns = 1; columns < 120; columns += 17) {
        struct buffer shown = on_terminal(train, columns, columns % 2 ? "C.UTF-8" : "C");
        int widest = widest_line((const char *)shown.data);
        cr_assert(widest < columns || widest <= (int)strlen("wrote checkpoint"), "%d columns in %d", widest,
                  columns);
        buffer_free(&shown);
    }
}

Test(progress, a_file_gets_plain_lines) {
    struct buffer shown = in_a_file(train);
    const char *text = (const char *)shown.data;

    cr_assert_eq(strncmp(text, "wrote checkpoint\ntrain: 100%, ", 30), 0, "%s", text);
    cr_assert_not_null(strstr(text, "token/s, in 0:0"), "%s", text);
    cr_assert_not_null(strstr(text, ", loss 1.111\nafter\n"), "%s", text);
    cr_assert_null(strpbrk(text, "\r\033"));
    buffer_free(&shown);
}

static void train_with_lines(void) {
    struct progress progress;

    progress_begin(&progress, "read", "B", 0, 0, 0.01);
    for (int i = 0; i < 5; i++) {
        usleep(20000);
        progress_update(&progress, i + 1, i + 1, "");
    }
    progress_end(&progress);
}

Test(progress, an_unknown_total_counts_up) {
    struct buffer shown = in_a_file(train_with_lines);
    const char *text = (const char *)shown.data;
    int lines = 0;

    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    cr_assert_eq(lines, 6, "%s", text);
    cr_assert_eq(strncmp(text, "read: 1, ", 9), 0, "%s", text);
    cr_assert_null(strchr(text, '%'));
    buffer_free(&shown);
}

static void train_quietly(void) {
    log_set_level(LOG_WARNING);
    train();
    log_warning("careful");
}

Test(progress, is_silent_when_asked) {
    struct buffer shown = on_terminal(train_quietly, 80, "C");
    cr_assert_str_eq((const char *)shown.data, "warning: careful\r\n");
    buffer_free(&shown);
}

/* A resumed run that did nothing yet must not claim the speed of what was done before. */
static void resume(void) {
    struct progress progress;

    progress_begin(&progress, "train", "step", 1000, 900, 60);
    usleep(300000);
    progress_update(&progress, 950, 50, "");
    progress_end(&progress);
}

Test(progress, a_resumed_run_shows_its_own_speed) {
    struct buffer shown = in_a_file(resume);
    double speed = 0;

    cr_assert_eq(sscanf((const char *)shown.data, "train: 95%%, %lf step/s", &speed), 1, "%s",
                 (char *)shown.data);
    cr_assert(speed > 10 && speed < 170, "%g", speed);
    buffer_free(&shown);
}
