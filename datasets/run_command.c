/* Running a command of the system and waiting for it. */
#include "run_command.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum status run_command(const char *const *argv) {
    pid_t child;
    int outcome;

    /* posix_spawn() takes the arguments of a const-less age and does not write to them. */
    int reason = posix_spawnp(&child, argv[0], NULL, NULL, (char *const *)(void *)argv, environ);
    if (reason == ENOENT)
        return fail(STATUS_IO, "the command %s is not installed; install the package %s", argv[0], argv[0]);
    if (reason != 0)
        return fail(STATUS_IO, "cannot run %s: %s", argv[0], strerror(reason));
    while (waitpid(child, &outcome, 0) < 0)
        if (errno != EINTR)
            return fail(STATUS_IO, "cannot wait for %s: %s", argv[0], strerror(errno));
    if (WIFSIGNALED(outcome))
        return fail(STATUS_IO, "%s was ended by a signal (%s)", argv[0], strsignal(WTERMSIG(outcome)));
    if (WEXITSTATUS(outcome) != 0)
        return fail(STATUS_IO, "%s failed with exit code %d", argv[0], WEXITSTATUS(outcome));
    return STATUS_OK;
}
