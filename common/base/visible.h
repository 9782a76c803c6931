/* Text of any origin (names of files, comments of archives) on a terminal.
 *
 * UTF-8 that has a look passes. What would move the cursor, change the terminal or the order of the line, and
 * what is no UTF-8, is shown as escapes of C: \n, \t, \x1b, \xff. So a message stays one line that says what
 * it says.
 */
#ifndef LACONIC_BASE_VISIBLE_H
#define LACONIC_BASE_VISIBLE_H

#include <stddef.h>
#include <stdio.h>

/* Bytes that visible_copy() needs at most for a text of this length, its NUL included. */
#define VISIBLE_CAPACITY(length) (4 * (length) + 1)

/* Writes `text` into `shown` as far as whole characters fit; returns the length. capacity >= 1. */
size_t visible_copy(char *shown, size_t capacity, const char *text);

/* A name of a file for printf(): visible(name).text. A longer text than any path is cut. */
struct visible {
    char text[VISIBLE_CAPACITY(4096)];
};
struct visible visible(const char *text);

/* At most `size` bytes of `text`, up to a NUL. A failed write shows in ferror(stream). */
void visible_print(FILE *stream, const char *text, size_t size);

#endif
