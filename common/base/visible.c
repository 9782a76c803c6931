/* Text of any origin on a terminal. */
#include "base/visible.h"

#include <string.h>
#include "base/utf8.h"

enum { CHARACTER_MAXIMUM = 4, SHOWN_CAPACITY = 4 * CHARACTER_MAXIMUM + 1 };

static size_t show_bytes(char *shown, const unsigned char *text, size_t length) {
    size_t size = 0;
    for (size_t i = 0; i < length; i++)
        size += (size_t)snprintf(shown + size, SHOWN_CAPACITY - size, "\\x%02x", text[i]);
    return size;
}

/* The next character of *text as it is shown; moves *text behind it. */
static size_t show_next(const unsigned char **text, char shown[SHOWN_CAPACITY]) {
    static const char controls[] = "\a\b\t\n\v\f\r", letters[] = "abtnvfr";
    const unsigned char *at = *text;
    size_t length = utf8_length(at);
    const char *known = length == 1 ? strchr(controls, *at) : NULL;
    *text += length ? length : 1;
    if (known)
        return (size_t)snprintf(shown, SHOWN_CAPACITY, "\\%c", letters[known - controls]);
    if (length == 0 || !utf8_is_plain(utf8_code(at, length)))
        return show_bytes(shown, at, length ? length : 1);
    memcpy(shown, at, length);
    return length;
}

size_t visible_copy(char *shown, size_t capacity, const char *text) {
    char next[SHOWN_CAPACITY];
    size_t size = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t more = show_next(&at, next);
        if (more >= capacity - size)
            break;
        memcpy(shown + size, next, more);
        size += more;
    }
    shown[size] = '\0';
    return size;
}

struct visible visible(const char *text) {
    struct visible shown;
    visible_copy(shown.text, sizeof shown.text, text);
    return shown;
}

/* A character cut by `size` is shown as the bytes that are left of it. */
void visible_print(FILE *stream, const char *text, size_t size) {
    char piece[CHARACTER_MAXIMUM + 1], next[SHOWN_CAPACITY];
    for (size_t at = 0; at < size && text[at];) {
        size_t left = size - at < CHARACTER_MAXIMUM ? size - at : CHARACTER_MAXIMUM;
        const unsigned char *from = (unsigned char *)piece;
        memset(piece, 0, sizeof piece);
        memcpy(piece, text + at, strnlen(text + at, left));
        fwrite(next, 1, show_next(&from, next), stream);
        at += (size_t)(from - (unsigned char *)piece);
    }
}
