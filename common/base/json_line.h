/* One JSON object on one line of stdout: begin, members, end. */
#ifndef LACONIC_BASE_JSON_LINE_H
#define LACONIC_BASE_JSON_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct json_line {
    bool has_members;
};

void json_line_begin(struct json_line *line);
void json_line_text(struct json_line *line, const char *name, const char *value); /* any bytes; NULL: null */
void json_line_integer(struct json_line *line, const char *name, uint64_t value);
void json_line_number(struct json_line *line, const char *name, double value); /* null unless finite */
void json_line_texts(struct json_line *line, const char *name, const char *const *values, int count);
void json_line_truth(struct json_line *line, const char *name, bool value);
/* What comes in between are members of the object `name`. */
void json_line_object_begin(struct json_line *line, const char *name);
void json_line_object_end(struct json_line *line);
void json_line_end(struct json_line *line);

#endif
