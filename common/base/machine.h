/* Who wrote this, and does it still run? For files that a process leaves behind when it is killed.
 *
 * A process number means something only on the machine that gave it, since that machine started, and within
 * its container. Where that is not certain, nothing here says that a process is gone.
 */
#ifndef LACONIC_BASE_MACHINE_H
#define LACONIC_BASE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine {
    uint32_t space;   /* of process numbers: this start of this machine, this container */
    uint32_t start;   /* this start of this machine */
    uint32_t machine; /* this machine, from one start to the next */
    char host[65];    /* for people */
};

struct machine machine_here(void);

/* When the process began, in ticks since the machine started; 0: it is gone, or there is no /proc. */
uint64_t process_began(long process);

/* For processes of machine_here().space. `began` as process_began() gave it, 0 where it is not known: then
 * another process that has got the same number counts as the old one. */
bool process_is_gone(long process, uint64_t began);

#endif
