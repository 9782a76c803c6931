/* The last line of the terminal, shared by messages and the progress bar. */
#include "base/console.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/visible.h"

#define CLEAR_LINE "\r\033[K"

static struct {
    pthread_mutex_t lock;
    char bar[CONSOLE_LINE_CAPACITY];
    atomic_bool bar_live;
} console = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool console_is_terminal(void) {
    const char *kind = getenv("TERM");

    return isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
}

bool console_is_unicode(void) {
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) /* the first that is set decides, as in setlocale() */
            return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
    }
    return false;
}

int console_columns(void) {
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

void console_print(const char *format, ...) {
    char text[CONSOLE_MESSAGE_CAPACITY], shown[VISIBLE_CAPACITY(CONSOLE_MESSAGE_CAPACITY)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    visible_copy(shown, sizeof shown, text);
    pthread_mutex_lock(&console.lock);
    bool bar_live = atomic_load(&console.bar_live);
    if (bar_live)
        fputs(CLEAR_LINE, stderr);
    fprintf(stderr, "%s\n", shown);
    if (bar_live)
        fputs(console.bar, stderr);
    fflush(stderr);
    pthread_mutex_unlock(&console.lock);
}

/* One write for clearing and drawing, or the bar would flicker (stderr is unbuffered). */
void console_draw_bar(const char *text) {
    pthread_mutex_lock(&console.lock);
    snprintf(console.bar, sizeof console.bar, "%s", text);
    atomic_store(&console.bar_live, true);
    fprintf(stderr, "\r%s\033[K", console.bar);
    pthread_mutex_unlock(&console.lock);
}

void console_end_bar(void) {
    pthread_mutex_lock(&console.lock);
    if (atomic_exchange(&console.bar_live, false))
        fputc('\n', stderr);
    pthread_mutex_unlock(&console.lock);
}

void console_abandon_bar(void) {
    if (atomic_load(&console.bar_live)) {
        ssize_t written = write(STDERR_FILENO, "\n", 1);
        (void)written;
    }
}
