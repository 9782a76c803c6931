/* JSON strings. */
#include "base/json_text.h"

#include <string.h>
#include "base/utf8.h"

enum { ESCAPE_CAPACITY = 8 };

/* The next character of *text as JSON writes it, at most ESCAPE_CAPACITY bytes; moves *text behind it. */
static size_t escape_next(const unsigned char **text, char escaped[ESCAPE_CAPACITY]) {
    const unsigned char *at = *text;
    size_t length = utf8_length(at);
    *text += length ? length : 1;
    if (length == 0)
        return (size_t)snprintf(escaped, ESCAPE_CAPACITY, "\\ufffd");
    if (*at == '"' || *at == '\\')
        return (size_t)snprintf(escaped, ESCAPE_CAPACITY, "\\%c", *at);
    uint32_t code = utf8_code(at, length);
    if (!utf8_is_plain(code)) /* a terminal may be what reads it; all of these have four digits */
        return (size_t)snprintf(escaped, ESCAPE_CAPACITY, "\\u%04x", (unsigned)code);
    memcpy(escaped, at, length);
    return length;
}

enum status json_text_append(struct buffer *out, const char *text) {
    char escaped[ESCAPE_CAPACITY];
    TRY(buffer_append_byte(out, '"'));
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t size = escape_next(&at, escaped);
        TRY(buffer_append(out, escaped, size));
    }
    return buffer_append_byte(out, '"');
}

void json_text_print(FILE *stream, const char *text) {
    char escaped[ESCAPE_CAPACITY];
    putc('"', stream);
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t size = escape_next(&at, escaped);
        fwrite(escaped, 1, size, stream);
    }
    putc('"', stream);
}
