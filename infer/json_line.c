/* JSON as RFC 8259 has it, on stdout. */
#include "json_line.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the UTF-8 character at `text` (RFC 3629), 0 if it is none. */
static int utf8_length(const unsigned char *text) {
    unsigned char first = text[0];
    int length = first < 0x80   ? 1
                 : first < 0xC2 ? 0
                 : first < 0xE0 ? 2
                 : first < 0xF0 ? 3
                 : first < 0xF5 ? 4
                                : 0;
    for (int i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (first == 0xE0 && text[1] < 0xA0) || (first == 0xF0 && text[1] < 0x90);
    bool beyond = (first == 0xED && text[1] > 0x9F) || (first == 0xF4 && text[1] > 0x8F);
    return overlong || beyond ? 0 : length;
}

/* File names are bytes; what is not UTF-8 in them becomes the replacement character. */
static void print_string(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    putchar('"');
    while (*at) {
        int length = utf8_length(at);
        if (length == 0)
            fputs("\\ufffd", stdout);
        else if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20)
            printf("\\u%04x", *at);
        else
            fwrite(at, 1, (size_t)length, stdout);
        at += length ? length : 1;
    }
    putchar('"');
}

static void begin_member(struct json_line *line, const char *name) {
    if (line->has_members)
        fputs(", ", stdout);
    line->has_members = true;
    print_string(name);
    fputs(": ", stdout);
}

void json_line_begin(struct json_line *line) {
    line->has_members = false;
    putchar('{');
}

void json_line_text(struct json_line *line, const char *name, const char *value) {
    begin_member(line, name);
    print_string(value);
}

void json_line_integer(struct json_line *line, const char *name, uint64_t value) {
    begin_member(line, name);
    printf("%" PRIu64, value);
}

void json_line_number(struct json_line *line, const char *name, double value) {
    begin_member(line, name);
    if (isfinite(value))
        printf("%.9g", value);
    else
        fputs("null", stdout);
}

void json_line_end(struct json_line *line) {
    line->has_members = false;
    fputs("}\n", stdout);
}
