/* Messages for people. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/console.h"

static atomic_int threshold = LOG_INFO;

void log_set_level(enum log_level level) {
    atomic_store(&threshold, (int)level);
}

enum log_level log_get_level(void) {
    return (enum log_level)atomic_load(&threshold);
}

void log_message(enum log_level level, const char *format, ...) {
    static const char *const prefixes[] = {"error: ", "warning: ", "", ""};
    char text[CONSOLE_MESSAGE_CAPACITY];
    va_list arguments;

    if (level > log_get_level())
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    console_print("%s%s", prefixes[level], text);
}
