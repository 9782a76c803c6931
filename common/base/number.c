/* Numbers as people write and read them. */
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_read(const char *text, double *value) {
    char *end;

    if (strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

bool number_read_whole(const char *text, long *value) {
    char *end;
    long factor = 1;

    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || errno || !strchr("+-0123456789", *text)) /* no blanks in front */
        return false;
    if (*end == 'k')
        factor = 1000;
    else if (*end == 'M')
        factor = 1000000;
    else if (*end == 'G')
        factor = 1000000000;
    if (factor > 1)
        end++;
    return *end == '\0' && !__builtin_mul_overflow(number, factor, value);
}

struct number_text number_text(double value, int decimals) {
    struct number_text out = {"-"};

    if (isfinite(value))
        snprintf(out.text, sizeof out.text, fabs(value) < 1e15 ? "%.*f" : "%.*g", decimals, value);
    return out;
}
