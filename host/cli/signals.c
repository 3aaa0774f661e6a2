/* signals.c: the one global of the program: a signal handler has nowhere else to write. */
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "command.h"

static atomic_int count; /* lock-free, so that a handler may touch it */

static void on_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&count, 1) >= 2)
        _exit(PV_EXIT_INTERRUPTED);
}

static void do_nothing(int number)
{
    (void)number;
}

void pv_signals_install(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART: a read that waits is woken */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = do_nothing;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int pv_signals_count(void)
{
    return atomic_load(&count);
}

int pv_signals_abort(void *user)
{
    (void)user;
    return pv_signals_count() > 0;
}

void pv_signals_wake(pthread_t thread)
{
    pthread_kill(thread, SIGUSR1);
}
