/* Characters in bytes of any origin. */
#ifndef LACONIC_BASE_UTF8_H
#define LACONIC_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 character at `text` (RFC 3629), 0 if it is none. Reads no further than the first byte
 * that does not belong to it, so a NUL ends it. */
size_t utf8_length(const unsigned char *text);

/* The code point of a character in valid UTF-8 of this length. */
uint32_t utf8_code(const unsigned char *text, size_t length);

/* Does it only stand there? Not so controls of C0 and C1, ends of lines and paragraphs, and what turns the
 * direction of writing. */
bool utf8_is_plain(uint32_t code);

#endif
