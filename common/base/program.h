/* What every main() of ours begins with. */
#ifndef LACONIC_BASE_PROGRAM_H
#define LACONIC_BASE_PROGRAM_H

#include <stddef.h>
#include "base/status.h"

/* The very first call of a program. Descriptors 0 to 2 that its caller had closed are opened such that
 * reading standard input and writing standard output or error fail, as they would have: otherwise the next
 * file opened gets such a number, and messages are written into it. Ends the process with 1 where that is
 * impossible. A file beyond the limit (ulimit -f) becomes an error of its write, not a signal. The
 * floating-point environment becomes the one our arithmetic is written for (float_environment.h). */
void program_start(void);

/* For programs with large frames: STATUS_LIMIT where `ulimit -s` leaves less. */
enum status program_check_stack(size_t bytes);

#endif
