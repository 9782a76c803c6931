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
static atomic_bool stop_requested;

_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2 && ATOMIC_BOOL_LOCK_FREE == 2,
               "handlers need lock-free atomics");

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

static void ask_to_stop(int number) {
    int saved = errno;

    if (atomic_exchange(&stop_requested, true))
        clean_up_and_die(number);
    errno = saved;
}

/* People and machines ask with these; a program may finish what it is at. */
static const int requests[] = {SIGINT, SIGTERM, SIGHUP};
/* After these there is nothing to finish: a reader that left, a limit reached, a quit. */
static const int ends[] = {SIGPIPE, SIGQUIT, SIGXCPU, SIGXFSZ, SIGALRM};
enum { REQUESTS = sizeof requests / sizeof requests[0], ENDS = sizeof ends / sizeof ends[0] };

/* A signal that was ignored from the start stays ignored: that is how nohup works. */
static void install(const int *numbers, size_t count, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < REQUESTS; i++)
        sigaddset(&action.sa_mask, requests[i]);
    for (size_t i = 0; i < ENDS; i++)
        sigaddset(&action.sa_mask, ends[i]);
    for (size_t i = 0; i < count; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

void signals_clean_up_and_die(void) {
    install(requests, REQUESTS, clean_up_and_die);
    install(ends, ENDS, clean_up_and_die);
}

void signals_ask_to_stop(void) {
    install(requests, REQUESTS, ask_to_stop);
    install(ends, ENDS, clean_up_and_die);
}

bool signals_stop_requested(void) {
    return atomic_load(&stop_requested);
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
