/* Standard input as a source: it is kept in a file without a name, since a source's size must be known first.
 */
#ifndef LACONIC_DATASETS_STANDARD_INPUT_H
#define LACONIC_DATASETS_STANDARD_INPUT_H

#include <stdio.h>
#include "base/status.h"

#define STANDARD_INPUT "-" /* on the command line, and as the source's name in the data set */

struct standard_input {
    FILE *stream;  /* the copy; NULL: none */
    char path[64]; /* under which it can be opened as long as the stream is open */
};

/* Copies all of standard input to the file system that `beside` is on. The caller closes it in every case. */
enum status standard_input_open(struct standard_input *input, const char *beside);
void standard_input_close(struct standard_input *input); /* safe on a zeroed one */

#endif
