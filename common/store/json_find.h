/* Figures out of another program's JSON output, for those who may not include cJSON. */
#ifndef LACONIC_STORE_JSON_FIND_H
#define LACONIC_STORE_JSON_FIND_H

#include "base/status.h"

/* `path` is dotted, array elements by number: "files.0.bytes". `where` names the text in sentences.
 * STATUS_FORMAT where the text is no JSON object or has no number at the path. */
enum status json_find_number(const char *text, const char *where, const char *path, double *value);

#endif
