/* Numbers as people write them on a command line. */
#ifndef LACONIC_BASE_NUMBER_H
#define LACONIC_BASE_NUMBER_H

#include <stdbool.h>

/* The whole text is a decimal number such as 5, -0.5, .5 or 3e-4, and finite. What strtod() takes besides
 * (blanks, 0x10, inf, nan) is none. */
bool number_read(const char *text, double *value);

/* The whole text is a whole number; with suffixes k, M, G one of thousands, millions, thousand millions. */
bool number_read_whole(const char *text, long *value);

#endif
