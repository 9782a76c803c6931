/* Numbers as people write them on a command line, and as they read them in messages. */
#ifndef LACONIC_BASE_NUMBER_H
#define LACONIC_BASE_NUMBER_H

#include <stdbool.h>

/* The whole text is a decimal number such as 5, -0.5, .5 or 3e-4, and finite. What strtod() takes besides
 * (blanks, 0x10, inf, nan) is none. */
bool number_read(const char *text, double *value);

/* The whole text is a whole number; with suffixes k, M, G one of thousands, millions, thousand millions. */
bool number_read_whole(const char *text, long *value);

struct number_text {
    char text[48];
};

/* As %.*f, and as %.*g beyond 1e15; a figure that has no value is "-", never "nan" or "-inf".
 * number_text(x, 3).text lives to the end of the full expression. */
struct number_text number_text(double value, int decimals);

#endif
