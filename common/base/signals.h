/* Signals that end a program, in the two ways our programs want them: all whose default is to end the process
 * (SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGUSR1 and so on), but for faults of the program itself, which
 * are left to a core dump. What was ignored when the program began stays ignored. */
#ifndef LACONIC_BASE_SIGNALS_H
#define LACONIC_BASE_SIGNALS_H

#include <stdbool.h>

/* A signal removes registered temporary files and ends the process with the signal's own status, which a
 * shell shows as 128 + its number. */
void signals_clean_up_and_die(void);

/* A first signal only sets a flag that long loops ask for; a second one ends as above, unless it is one that
 * the system repeats by itself (a closed pipe or terminal, a limit, a timer). SIGQUIT ends as above at
 * once. A program that then returns STATUS_INTERRUPTED exits with 128 + the first signal's number.
 *
 * After either, SIGXFSZ is ignored: the write beyond the limit fails, and a sentence says why. */
void signals_ask_to_stop(void);
bool signals_stop_requested(void);
int signals_stop_number(void); /* of the signal that asked first; 0: none did */

/* Used by file.c: names to unlink from the handler. `path` must stay valid until forgotten. At most 64. */
void signals_register_temporary(const char *path);
void signals_forget_temporary(const char *path);

#endif
