/* How a program of ours begins. */
#include "base/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
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
    signal(SIGXFSZ, SIG_IGN); /* the write that is too long fails, and its caller says which file it was */
    float_environment_set();
}

enum status program_check_stack(size_t bytes) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= bytes)
        return STATUS_OK;
    return fail(STATUS_LIMIT,
                "the stack is limited to %zu kB and %zu are needed; raise the limit (ulimit -s)",
                (size_t)limit.rlim_cur >> 10, bytes >> 10);
}
