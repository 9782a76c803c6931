/* Whether a text is JSON to the letter (RFC 8259, private to store). cJSON, which builds the tree, takes
 * more: 010, +1, text behind the end, two keys of one name, bytes that are no UTF-8. */
#ifndef LACONIC_STORE_JSON_CHECK_H
#define LACONIC_STORE_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "base/status.h"

enum { JSON_DEPTH_MAXIMUM = 64, JSON_KEYS_MAXIMUM = 1000 /* of one object */ };

/* STATUS_CONFIG with a sentence that tells `where`, the line and the column (in characters, both from 1), the
 * dotted key, and what is wrong there. */
enum status json_check(const char *text, size_t size, const char *where);

bool json_is_utf8(const char *text); /* else JSON cannot hold it */

#endif
