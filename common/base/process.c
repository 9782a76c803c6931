/* Running other programs through posix_spawn and a pipe. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/progress.h"
#include "base/signals.h"

enum { READ_SIZE = 1 << 16, POLL_MILLISECONDS = 200 };

/* ENOENT through posix_spawn's return value: glibc reports a failed exec to the parent. */
static int spawn(const struct process *process, int output, pid_t *child) {
    posix_spawn_file_actions_t actions;
    char path[8192];
    char locale[] = "LC_ALL=C";
    char *plain[] = {path, locale, NULL};
    const char *search = getenv("PATH");
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    snprintf(path, sizeof path, "PATH=%s", search ? search : "/usr/bin:/bin");
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
                                             process->input ? process->input : "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!error && process->discard_stderr)
        error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawnp(child, process->argv[0], &actions, NULL, (char *const *)process->argv,
                             process->plain_environment ? plain : environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads until the pipe's other end is closed. Wakes up now and then to pass a request to stop on to the
 * child. */
static enum status drain(int pipe, pid_t child, FILE *sink, struct buffer *output, uint64_t *count) {
    struct pollfd ready = {.fd = pipe, .events = POLLIN};
    uint8_t *bytes = malloc(READ_SIZE);
    enum status status = STATUS_OK;
    bool told = false;

    if (!bytes)
        return fail(STATUS_MEMORY, "cannot read from a program: memory ran out");
    while (status == STATUS_OK) {
        if (signals_stop_requested() && !told)
            told = kill(child, SIGTERM) == 0;
        if (poll(&ready, 1, POLL_MILLISECONDS) <= 0)
            continue;
        ssize_t got = read(pipe, bytes, READ_SIZE);
        if (got == 0)
            break;
        if (got > 0) {
            *count += (uint64_t)got;
            if (output)
                status = buffer_append(output, bytes, (size_t)got);
            if (status == STATUS_OK && sink && fwrite(bytes, 1, (size_t)got, sink) != (size_t)got)
                status = fail(STATUS_IO, "cannot keep what a program writes: %s", strerror(errno));
        } else if (errno != EINTR) {
            status = fail(STATUS_IO, "cannot read from a program: %s", strerror(errno));
        }
    }
    free(bytes);
    return status;
}

static enum status wait_for(pid_t child, const char *name, uint64_t *peak_kib) {
    struct rusage usage;
    int ended;

    while (wait4(child, &ended, 0, &usage) < 0)
        if (errno != EINTR)
            return fail(STATUS_IO, "cannot wait for %s: %s", name, strerror(errno));
    *peak_kib = (uint64_t)usage.ru_maxrss;
    if (signals_stop_requested())
        return fail(STATUS_INTERRUPTED, "stopped by a signal while %s was running", name);
    if (WIFSIGNALED(ended))
        return fail(STATUS_IO, "%s was ended by a signal (%s)", name, strsignal(WTERMSIG(ended)));
    if (WEXITSTATUS(ended) != 0)
        return fail(STATUS_IO, "%s ended with exit code %d; its message is above", name, WEXITSTATUS(ended));
    return STATUS_OK;
}

enum status process_run(const struct process *process, struct buffer *output,
                        struct process_outcome *outcome) {
    const char *slash = strrchr(process->argv[0], '/');
    const char *name = slash ? slash + 1 : process->argv[0];
    double start = progress_clock();
    int ends[2];
    pid_t child;

    *outcome = (struct process_outcome){0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(STATUS_IO, "cannot make a pipe for %s: %s", name, strerror(errno));
    int error = spawn(process, ends[1], &child);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        if (error == ENOENT && (!process->input || access(process->input, R_OK) == 0))
            return STATUS_OK;
        return fail(STATUS_IO, "cannot start %s: %s", name, strerror(error));
    }
    outcome->found = true;
    enum status status = drain(ends[0], child, process->sink, output, &outcome->output_bytes);
    close(ends[0]);
    enum status ended = wait_for(child, name, &outcome->peak_kib);
    outcome->seconds = progress_clock() - start;
    return status != STATUS_OK ? status : ended;
}

enum status process_last_line(struct buffer *output) {
    while (output->size && output->data[output->size - 1] == '\n')
        output->size--;
    TRY(buffer_append_byte(output, '\0'));
    char *line = memrchr(output->data, '\n', output->size);
    if (line) {
        size_t skip = (size_t)(line + 1 - (char *)output->data);
        memmove(output->data, line + 1, output->size - skip);
        output->size -= skip;
    }
    return STATUS_OK;
}
