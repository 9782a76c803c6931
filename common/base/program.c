/* How a program of ours begins. */
#include "base/program.h"

#include <fcntl.h>
#include <unistd.h>
#include "base/float_environment.h"

/* The wrong way round on purpose: input that cannot be read, output that cannot be written. The lowest free
 * number is taken, and all below are in use. */
static void fill_descriptor(int number) {
    if (fcntl(number, F_GETFD) < 0 &&
        open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) != number)
        _exit(1); /* without messages: there may be no place for them */
}

void program_start(void) {
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        fill_descriptor(number);
    float_environment_set();
}
