/* How a program of ours begins. */
#include "base/program.h"

#include <fcntl.h>
#include <stdio.h>
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

/* The first thread's stack may grow to what the limit says when it grows, so a small one is raised if that is
 * allowed. */
static void require_stack(void) {
    enum { NEEDED = 512 << 10 };
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= NEEDED)
        return;
    if (limit.rlim_max >= NEEDED && setrlimit(RLIMIT_STACK, &(struct rlimit){NEEDED, limit.rlim_max}) == 0)
        return;
    fprintf(stderr,
            "laconic: the stack is limited to %llu KiB and %d are needed; raise the limit: ulimit -s %d\n",
            (unsigned long long)limit.rlim_cur >> 10, NEEDED >> 10, NEEDED >> 10);
    _exit(1);
}

void program_start(void) {
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        fill_descriptor(number);
    require_stack();
    float_environment_set();
}
