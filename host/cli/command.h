/* command.h: the subcommands there are, and what the exit codes mean. */
#ifndef PV_CLI_COMMAND_H
#define PV_CLI_COMMAND_H

#include "options.h"

enum pv_exit {
    PV_EXIT_DONE = 0,
    PV_EXIT_FAILED = 1,       /* the output could not be written, or anything without a code of its own */
    PV_EXIT_USAGE = 2,        /* the command line */
    PV_EXIT_INPUT = 3,        /* a clip or state cannot be read */
    PV_EXIT_MODEL = 4,        /* the model cannot be read, or is not valid */
    PV_EXIT_DEVICE = 5,       /* a device failed, or memory ran out */
    PV_EXIT_PARTIAL = 6,      /* finished, from a damaged or truncated clip */
    PV_EXIT_INTERRUPTED = 130 /* Ctrl-C or SIGTERM */
};

/* One row a code, for the manual: code and meaning. NULL past the last. */
const char *pv_exit_words(size_t index, int *code);

/* The code for a failure of one part: memory and devices have their own code wherever they fail, the rest is as the
 * caller says. */
int pv_exit_from_status(pv_status status, enum pv_exit otherwise);

extern const struct pv_command pv_command_predict, pv_command_preview, pv_command_info, pv_command_world,
    pv_command_eval, pv_command_bench;
extern const struct pv_command pv_command_help, pv_command_completions, pv_command_man;

/* All of them, in the order of the help text; NULL past the last. */
const struct pv_command *pv_command_get(size_t index);
const struct pv_command *pv_command_find(const char *name);

#endif
