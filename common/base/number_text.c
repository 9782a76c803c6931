/* Numbers as people read them. */
#include "base/number_text.h"

#include <math.h>
#include <stdio.h>

struct number_text number_text(double value, int decimals) {
    struct number_text out = {"-"};

    if (isfinite(value))
        snprintf(out.text, sizeof out.text, fabs(value) < 1e15 ? "%.*f" : "%.*g", decimals, value);
    return out;
}
