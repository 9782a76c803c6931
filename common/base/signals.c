/* What happens on signals that end a program. Handlers use only async-signal-safe calls and lock-free
 * atomics. */
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include "base/console.h"

enum { TEMPORARY_MAXIMUM = 64 };

static _Atomic(const char *) temporaries[TEMPORARY_MAXIMUM];
static atomic_int first_request; /* the signal that asked first, 0: none */

_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "handlers need lock-free atomics");

static void remove_temporaries(void) {
    for (int i = 0; i < TEMPORARY_MAXIMUM; i++) {
        const char *path = atomic_load(&temporaries[i]);
        if (path)
            unlink(path);
    }
}

/* The signal is blocked while its handler runs; raised again, it ends the process on return. */
static void clean_up_and_die(int number) {
    remove_temporaries();
    console_abandon_bar();
    signal(number, SIG_DFL);
    raise(number);
}

/* What the system sends again and again for one and the same reason: a terminal that closes (the shell tells
 * and the kernel tells), a reader that left (every further write tells), a limit, a timer. Nobody insists. */
static bool repeats_itself(int number) {
    switch (number) {
    case SIGHUP:
    case SIGPIPE:
    case SIGXCPU:
    case SIGALRM:
    case SIGVTALRM:
    case SIGPROF:
    case SIGIO:
        return true;
    default:
        return false;
    }
}

static void ask_to_stop(int number) {
    int saved = errno, none = 0;

    if (!atomic_compare_exchange_strong(&first_request, &none, number) && !repeats_itself(number))
        clean_up_and_die(number);
    errno = saved;
}

enum kind { LEFT_ALONE, IGNORED, REQUEST, END };

/* Everything that would end the process without a word is a request: a program may finish what it is at. */
static enum kind kind_of(int number) {
    switch (number) {
    case SIGQUIT: /* wanted at once */
        return END;
    case SIGXFSZ: /* the write fails with EFBIG, and a sentence says so */
        return IGNORED;
    case SIGKILL:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGCONT:
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH: /* these end nothing, or cannot be caught */
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP: /* faults of our own, for a core dump */
        return LEFT_ALONE;
    default:
        return REQUEST;
    }
}

/* A signal that was ignored from the start stays ignored: that is how nohup works. */
static void install(void (*on_request)(int)) {
    struct sigaction action = {.sa_flags = SA_RESTART}, before;

    sigemptyset(&action.sa_mask);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (kind_of(number) != LEFT_ALONE)
            sigaddset(&action.sa_mask, number);
    for (int number = 1; number <= SIGRTMAX; number++) {
        action.sa_handler = kind_of(number) == REQUEST   ? on_request
                            : kind_of(number) == IGNORED ? SIG_IGN
                                                         : clean_up_and_die;
        if (kind_of(number) != LEFT_ALONE && sigaction(number, NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN)
            sigaction(number, &action, NULL);
    }
}

void signals_clean_up_and_die(void) {
    install(clean_up_and_die);
}

void signals_ask_to_stop(void) {
    install(ask_to_stop);
}

bool signals_stop_requested(void) {
    return signals_stop_number() != 0;
}

int signals_stop_number(void) {
    return atomic_load(&first_request);
}

/* Beyond the 64th a name is not kept: the file would only stay behind after a signal. */
void signals_register_temporary(const char *path) {
    for (int i = 0; i < TEMPORARY_MAXIMUM; i++) {
        const char *empty = NULL;
        if (atomic_compare_exchange_strong(&temporaries[i], &empty, path))
            return;
    }
}

void signals_forget_temporary(const char *path) {
    for (int i = 0; i < TEMPORARY_MAXIMUM; i++) {
        const char *held = atomic_load(&temporaries[i]);
        if (held && (held == path || strcmp(held, path) == 0))
            atomic_store(&temporaries[i], NULL);
    }
}
