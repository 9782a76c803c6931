/* Reading and writing JSON, with sentences. */
#include "store/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/suggest.h"
#include "store/json_check.h"

/* ---- reading ---- */

enum status json_parse_object(const char *text, size_t size, const char *where, cJSON **object) {
    *object = NULL;
    TRY(json_check(text, size, where));
    *object = cJSON_ParseWithLength(text, size);
    if (!*object)
        return fail(STATUS_CONFIG, "%s: JSON that cannot be read, or memory ran out", where);
    if (cJSON_IsObject(*object))
        return STATUS_OK;
    cJSON_Delete(*object);
    *object = NULL;
    return fail(STATUS_CONFIG, "%s: must be a JSON object, {\"key\": value, ...}", where);
}

static void copy_number(double value, struct json_shown *shown) {
    int precision = 1;

    if (json_is_whole(value)) {
        snprintf(shown->text, sizeof shown->text, "%.0f", value);
        return;
    }
    do
        snprintf(shown->text, sizeof shown->text, "%.*g", precision, value);
    while (++precision <= 17 && strtod(shown->text, NULL) != value);
}

struct json_shown json_show_number(double value) {
    struct json_shown shown;

    copy_number(value, &shown);
    return shown;
}

struct json_shown json_show(const cJSON *value) {
    struct json_shown shown = {"null"};

    if (cJSON_IsNumber(value))
        copy_number(value->valuedouble, &shown);
    else if (cJSON_IsString(value))
        snprintf(shown.text, sizeof shown.text, "\"%.40s\"", value->valuestring);
    else if (cJSON_IsBool(value))
        snprintf(shown.text, sizeof shown.text, "%s", cJSON_IsTrue(value) ? "true" : "false");
    else if (cJSON_IsObject(value))
        snprintf(shown.text, sizeof shown.text, "an object");
    else if (cJSON_IsArray(value))
        snprintf(shown.text, sizeof shown.text, "a list");
    return shown;
}

bool json_is_whole(double value) {
    return value == floor(value) && fabs(value) <= 0x1p53;
}

enum status json_fail_unknown(const char *where, const char *key, const char *const *known, size_t count) {
    const char *nearest = suggest_nearest(key, known, count);

    if (nearest)
        return fail(STATUS_CONFIG, "%s: there is no key '%s'; did you mean '%s'?", where, key, nearest);
    return fail(STATUS_CONFIG, "%s: there is no key '%s'", where, key);
}

/* ---- writing ---- */

double json_from_float(float value) {
    char text[32];

    for (int precision = 1; precision <= 9; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, (double)value);
        if (strtof(text, NULL) == value)
            return strtod(text, NULL);
    }
    return value;
}

static enum status write_text(const char *text, struct buffer *out) {
    TRY(buffer_append_byte(out, '"'));
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            TRY(buffer_printf(out, "\\%c", c));
        else if (c < 0x20)
            TRY(buffer_printf(out, "\\u%04x", c));
        else
            TRY(buffer_append_byte(out, c));
    }
    return buffer_append_byte(out, '"');
}

static enum status write_value(const cJSON *value, int depth, struct buffer *out);

static enum status write_members(const cJSON *value, int depth, struct buffer *out) {
    bool is_object = cJSON_IsObject(value);
    const cJSON *member;

    TRY(buffer_append_byte(out, is_object ? '{' : '['));
    cJSON_ArrayForEach(member, value) {
        TRY(buffer_printf(out, "%s\n%*s", member == value->child ? "" : ",", 2 * (depth + 1), ""));
        if (is_object) {
            TRY(write_text(member->string, out));
            TRY(buffer_printf(out, ": "));
        }
        TRY(write_value(member, depth + 1, out));
    }
    if (value->child)
        TRY(buffer_printf(out, "\n%*s", 2 * depth, ""));
    return buffer_append_byte(out, is_object ? '}' : ']');
}

static enum status write_value(const cJSON *value, int depth, struct buffer *out) {
    if (cJSON_IsObject(value) || cJSON_IsArray(value))
        return write_members(value, depth, out);
    if (cJSON_IsString(value))
        return write_text(value->valuestring, out);
    return buffer_printf(out, "%s", json_show(value).text);
}

enum status json_write(const cJSON *value, struct buffer *out) {
    TRY(write_value(value, 0, out));
    return buffer_printf(out, "\n");
}
