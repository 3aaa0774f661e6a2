/* signals.h: Ctrl-C and SIGTERM ask for an end, twice for an end at once. SIGPIPE and SIGXFSZ are ignored: a closed
 * pipe and a file that may not grow are failures of write. */
#ifndef PV_CLI_SIGNALS_H
#define PV_CLI_SIGNALS_H

#include <pthread.h>

/* At the start of the program. The third Ctrl-C ends the process from within the handler, should a thread hang. */
void pv_signals_install(void);

/* How often an end was asked for: 0, 1 (finish the file), 2 and more (leave at once). Any thread. */
int pv_signals_count(void);

/* pv_callbacks.abort: has it been asked for at all? user is not used. */
int pv_signals_abort(void *user);

/* Makes a read or write that the thread waits in return, so that it asks its abort callback. */
void pv_signals_wake(pthread_t thread);

#endif
