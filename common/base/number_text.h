/* Numbers in messages: a figure that has no value is "-", never "nan" or "-inf". */
#ifndef LACONIC_BASE_NUMBER_TEXT_H
#define LACONIC_BASE_NUMBER_TEXT_H

struct number_text {
    char text[48];
};

/* As %.*f, and as %.*g beyond 1e15. number_text(x, 3).text lives to the end of the full expression. */
struct number_text number_text(double value, int decimals);

#endif
