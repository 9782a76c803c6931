/* One JSON string on a stream, from any bytes: what is not UTF-8 becomes the replacement character. */
#ifndef LACONIC_BASE_JSON_TEXT_H
#define LACONIC_BASE_JSON_TEXT_H

#include <stdio.h>
#include "base/buffer.h"

/* With its quotes, escaped after RFC 8259. */
enum status json_text_append(struct buffer *out, const char *text);
void json_text_print(FILE *stream, const char *text); /* a failed write shows in ferror(stream) */

#endif
