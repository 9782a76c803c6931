/* The sentence that goes with a failure, one per thread. */
#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/console.h"
#include "base/signals.h"

enum { SENTENCE_CAPACITY = CONSOLE_MESSAGE_CAPACITY };

static _Thread_local char sentence[SENTENCE_CAPACITY];

/* The arguments may point into the old sentence, so the new one is built beside it. */
enum status fail(enum status code, const char *format, ...) {
    char text[SENTENCE_CAPACITY];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(sentence, text, sizeof text);
    return code;
}

/* "m.h5: ..." needs no second "m.h5: " in front. */
static bool begins_with_name(const char *text, const char *name) {
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && (text[length] == ':' || text[length] == ' ');
}

enum status fail_context(enum status code, const char *format, ...) {
    char text[SENTENCE_CAPACITY];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (begins_with_name(sentence, text))
        return code;
    strncat(text, ": ", sizeof text - strlen(text) - 1);
    strncat(text, sentence, sizeof text - strlen(text) - 1);
    memcpy(sentence, text, sizeof text);
    return code;
}

const char *fail_sentence(void) {
    return sentence;
}

static const struct {
    const char *name, *meaning;
    int exit_code;
} statuses[] = {
#define STATUS_ROW(name, exit_code, meaning) {#name, meaning, exit_code},
    STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0] };

/* As a shell says it of a program that the signal ended. */
static int interrupted_exit_code(void) {
    int number = signals_stop_number();

    return number ? 128 + number : statuses[STATUS_INTERRUPTED].exit_code;
}

int status_report(const char *program, enum status code) {
    if (code == STATUS_OK)
        return 0;
    if ((unsigned)code >= STATUS_COUNT)
        return 1;
    console_print("%s: %s", program, sentence[0] ? sentence : statuses[code].meaning);
    return code == STATUS_INTERRUPTED ? interrupted_exit_code() : statuses[code].exit_code;
}

const char *status_name(enum status code) {
    return (unsigned)code < STATUS_COUNT ? statuses[code].name : "UNKNOWN";
}
