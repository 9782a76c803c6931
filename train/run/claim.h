/* A run's folder belongs to one trainer at a time, and a new run begins in a folder that holds none.
 *
 * The trainer's mark is the file RUN/lock, which says who it is: a file and not a lock of the file system,
 * which may have none. A mark whose trainer is gone (killed, or the machine started anew since) is taken
 * over; where that cannot be seen from here, because it is of another machine, it stands until somebody
 * removes it.
 */
#ifndef LACONIC_TRAIN_RUN_CLAIM_H
#define LACONIC_TRAIN_RUN_CLAIM_H

#include <stdbool.h>
#include "base/status.h"

struct run_claim {
    char *path;     /* of the mark; owned; NULL: nothing is claimed */
    int descriptor; /* of the mark, locked where there are locks: containers see each other so */
};

/* Makes the folder where it is missing. STATUS_USAGE: another trainer has it (who, where, since when), or
 * `resume` is not set and the folder holds files of a run. On failure nothing is claimed. */
enum status run_claim(struct run_claim *claim, const char *folder, bool resume);
void run_release(struct run_claim *claim); /* safe when nothing is claimed */

#endif
