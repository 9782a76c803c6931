/* JSON as RFC 8259 has it, on stdout. */
#include "base/json_line.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/json_text.h"

static void begin_member(struct json_line *line, const char *name) {
    if (line->has_members)
        fputs(", ", stdout);
    line->has_members = true;
    json_text_print(stdout, name);
    fputs(": ", stdout);
}

static void print_text(const char *value) {
    if (value)
        json_text_print(stdout, value);
    else
        fputs("null", stdout);
}

void json_line_begin(struct json_line *line) {
    line->has_members = false;
    putchar('{');
}

void json_line_text(struct json_line *line, const char *name, const char *value) {
    begin_member(line, name);
    print_text(value);
}

void json_line_texts(struct json_line *line, const char *name, const char *const *values, int count) {
    begin_member(line, name);
    putchar('[');
    for (int i = 0; i < count; i++) {
        fputs(i ? ", " : "", stdout);
        print_text(values[i]);
    }
    putchar(']');
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

void json_line_truth(struct json_line *line, const char *name, bool value) {
    begin_member(line, name);
    fputs(value ? "true" : "false", stdout);
}

void json_line_object_begin(struct json_line *line, const char *name) {
    begin_member(line, name);
    json_line_begin(line);
}

void json_line_object_end(struct json_line *line) {
    putchar('}');
    line->has_members = true;
}

void json_line_end(struct json_line *line) {
    line->has_members = false;
    fputs("}\n", stdout);
}
