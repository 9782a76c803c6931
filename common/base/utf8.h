/* Characters in bytes of any origin. */
#ifndef LACONIC_BASE_UTF8_H
#define LACONIC_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the UTF-8 character at `text` (RFC 3629), 0 if it is none. Reads no further than the first byte
 * that does not belong to it, so a NUL ends it. */
size_t utf8_length(const unsigned char *text);

#endif
