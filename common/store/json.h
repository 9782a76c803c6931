/* What our readers and writers of JSON share on top of cJSON (private to store). */
#ifndef LACONIC_STORE_JSON_H
#define LACONIC_STORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>
#include "base/buffer.h"
#include "base/status.h"

/* Parses a text that must be one JSON object to the letter (json_check.h); `where` names it in sentences.
 * Caller cJSON_Deletes *object. */
enum status json_parse_object(const char *text, size_t size, const char *where, cJSON **object);

/* "1.5", "\"abc\"", "an object": how a value is called in a sentence. */
enum { JSON_SHOWN_CAPACITY = 48 };
struct json_shown {
    char text[JSON_SHOWN_CAPACITY];
};
struct json_shown json_show(const cJSON *value);
struct json_shown json_show_number(double value); /* the fewest digits that read back the same */

/* Whole and exactly representable, so that 1e3 is an integer and 0.5 and 1e300 are none. */
bool json_is_whole(double value);

/* "WHERE: there is no key X; did you mean Y?" */
enum status json_fail_unknown(const char *where, const char *key, const char *const *known, size_t count);

/* The double that prints as short as the float did: 1e-6 and not 9.99999997e-07. */
double json_from_float(float value);

/* Indented by two blanks, numbers with the fewest digits that read back the same, a newline at the end. */
enum status json_write(const cJSON *value, struct buffer *out);

#endif
