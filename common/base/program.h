/* What every main() of ours begins with. */
#ifndef LACONIC_BASE_PROGRAM_H
#define LACONIC_BASE_PROGRAM_H

/* The very first call of a program. Descriptors 0 to 2 that its caller had closed are opened such that
 * reading standard input and writing standard output or error fail, as they would have: otherwise the next
 * file opened gets such a number, and messages are written into it. Ends the process with 1 where that is
 * impossible. The first thread's stack may grow to 512 KiB at least, or the process ends with a sentence. A
 * file beyond the limit (ulimit -f) is an error of its write, not a signal. The floating-point environment
 * becomes the one our arithmetic is written for (float_environment.h). */
void program_start(void);

#endif
