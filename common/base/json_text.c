/* JSON strings. */
#include "base/json_text.h"

#include <string.h>
#include "base/utf8.h"

enum { ESCAPE_ROOM = 8 };

/* The next character of *text as JSON writes it, at most ESCAPE_ROOM bytes; moves *text behind it. */
static size_t escape_next(const unsigned char **text, char escaped[ESCAPE_ROOM]) {
    const unsigned char *at = *text;
    size_t length = utf8_length(at);
    *text += length ? length : 1;
    if (length == 0)
        return (size_t)snprintf(escaped, ESCAPE_ROOM, "\\ufffd");
    if (*at == '"' || *at == '\\')
        return (size_t)snprintf(escaped, ESCAPE_ROOM, "\\%c", *at);
    uint32_t code = utf8_code(at, length);
    if (!utf8_is_plain(code)) /* a terminal may be what reads it; all of these have four digits */
        return (size_t)snprintf(escaped, ESCAPE_ROOM, "\\u%04x", (unsigned)code);
    memcpy(escaped, at, length);
    return length;
}

enum status json_text_append(struct buffer *out, const char *text) {
    char escaped[ESCAPE_ROOM];
    TRY(buffer_append_byte(out, '"'));
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t size = escape_next(&at, escaped);
        TRY(buffer_append(out, escaped, size));
    }
    return buffer_append_byte(out, '"');
}

void json_text_print(FILE *stream, const char *text) {
    char escaped[ESCAPE_ROOM];
    putc('"', stream);
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t size = escape_next(&at, escaped);
        fwrite(escaped, 1, size, stream);
    }
    putc('"', stream);
}
