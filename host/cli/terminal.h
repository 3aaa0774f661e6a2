/* terminal.h: everything the command says to a person: sentences and progress on stderr. Data goes to stdout and never
 * through here. Threads may speak at once. */
#ifndef PV_CLI_TERMINAL_H
#define PV_CLI_TERMINAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <prevue/prevue.h>

#include "base/compiler.h"

struct pv_terminal {
    pthread_mutex_t lock;
    bool quiet;          /* errors only, no progress */
    bool verbose;        /* debug sentences too */
    bool live;           /* stderr is a terminal that can redraw a line */
    bool colour;         /* stderr is a terminal and NO_COLOR is not set */
    bool progress_shown; /* the cursor stands behind a progress line */
    int picture_rows;    /* rows of the picture above that line; 0 = there is none */
    const char *picture_erase;
    json_t *notices; /* array of the notes and warnings said so far, for --json; bounded */
};

/* false when there is no memory. */
bool pv_terminal_open(struct pv_terminal *terminal);
void pv_terminal_close(struct pv_terminal *terminal);

/* One sentence, printed as "prevue: ...". Bytes that could move the cursor are printed as \xNN: names of files and
 * tensors are not to be trusted. */
void pv_terminal_say(struct pv_terminal *terminal, pv_log_level level, const char *format, ...) PV_PRINTF(3, 4);

/* How it went: a sentence that is no notice and not for --quiet. */
void pv_terminal_result(struct pv_terminal *terminal, const char *format, ...) PV_PRINTF(2, 3);

/* pv_callbacks.log with user = the terminal. Errors are left out: the handle has the same sentence, and it is said
 * once, by whoever saw the call fail. */
void pv_terminal_log(void *user, pv_log_level level, const char *sentence);

/* The same, but a note or warning that was said before is not repeated: for many files made alike. */
void pv_terminal_log_once(struct pv_terminal *terminal, pv_log_level level, const char *sentence);

/* Redraws the progress line: frames done of total (0 = unknown), what they are, seconds since the first of them. */
void pv_terminal_progress(struct pv_terminal *terminal, const char *what, int64_t done, int64_t total, double seconds);
/* The same with words of the caller's. */
void pv_terminal_progress_line(struct pv_terminal *terminal, const char *line);
void pv_terminal_progress_end(struct pv_terminal *terminal);

/* A picture of so many rows above the progress line, which is the line of the cursor. text: what draws it from its
 * upper left corner on; erase: what takes an older one away there, static. It stands until a sentence is said or the
 * progress ends. Needs terminal->live. */
void pv_terminal_picture(struct pv_terminal *terminal, const char *text, size_t length, int rows, const char *erase);
bool pv_terminal_has_picture(struct pv_terminal *terminal);
void pv_terminal_picture_end(struct pv_terminal *terminal);

/* Of the terminal behind stderr: in cells and, where it tells, in pixels; what is not known is 0. */
struct pv_terminal_size {
    int columns, rows, width, height;
};
void pv_terminal_size_of(struct pv_terminal_size *size);

/* Columns of the terminal behind a file descriptor, 40 to 100; 80 when it is none. */
int pv_terminal_columns(int fd);
/* May escape sequences be written there? It is a terminal, TERM is not "dumb" and NO_COLOR is not set. */
bool pv_terminal_styled(int fd);

#endif
