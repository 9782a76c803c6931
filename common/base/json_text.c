/* JSON strings. */
#include "base/json_text.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the UTF-8 character at `text` (RFC 3629), 0 if it is none. */
static size_t utf8_length(const unsigned char *text) {
    unsigned char first = text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xC2 ? 0
                    : first < 0xE0 ? 2
                    : first < 0xF0 ? 3
                    : first < 0xF5 ? 4
                                   : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (first == 0xE0 && text[1] < 0xA0) || (first == 0xF0 && text[1] < 0x90);
    bool beyond = (first == 0xED && text[1] > 0x9F) || (first == 0xF4 && text[1] > 0x8F);
    return overlong || beyond ? 0 : length;
}

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
    if (*at < 0x20)
        return (size_t)snprintf(escaped, ESCAPE_ROOM, "\\u%04x", *at);
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
