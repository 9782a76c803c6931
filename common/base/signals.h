/* SIGINT, SIGTERM and SIGHUP, in the two ways our programs want them. Signals that leave nothing to finish
 * (SIGPIPE, SIGQUIT, SIGXCPU, SIGXFSZ, SIGALRM) clean up and end the process in both. */
#ifndef LACONIC_BASE_SIGNALS_H
#define LACONIC_BASE_SIGNALS_H

#include <stdbool.h>

/* A signal removes registered temporary files and ends the process with the signal's own status. */
void signals_clean_up_and_die(void);

/* A first signal only sets a flag that long loops ask for; a second one ends as above. */
void signals_ask_to_stop(void);
bool signals_stop_requested(void);

/* Used by file.c: names to unlink from the handler. `path` must stay valid until forgotten. At most 64. */
void signals_register_temporary(const char *path);
void signals_forget_temporary(const char *path);

#endif
