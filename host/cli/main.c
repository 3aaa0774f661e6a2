/* main.c: finds the subcommand, reads its options, runs it. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prevue/clip.h>

#include "command.h"
#include "document.h"
#include "signals.h"
#include "suggest.h"
#include "terminal.h"

static int unknown_command(const char *name, struct pv_terminal *terminal)
{
    const struct pv_command *command;
    struct pv_suggestion near = {.typed = name};
    for (size_t i = 0; (command = pv_command_get(i)); i++)
        pv_suggestion_offer(&near, command->name);
    const char *kind = *name == '-' ? "option" : "command";
    if (near.best)
        pv_terminal_say(terminal, PV_LOG_ERROR, "there is no %s '%s'; did you mean %s?", kind, name, near.best);
    else
        pv_terminal_say(terminal, PV_LOG_ERROR, "there is no %s '%s'; 'prevue --help' lists what there is", kind, name);
    return PV_EXIT_USAGE;
}

static int run_command(const struct pv_command *command, int argc, char **argv, struct pv_terminal *terminal)
{
    struct pv_error err = {{0}};
    char **operands;
    void *values = malloc(command->values_size);
    if (!values) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "out of memory");
        return PV_EXIT_DEVICE;
    }
    memcpy(values, command->defaults, command->values_size);
    int code;
    if (pv_options_parse(command, argc, argv, values, &operands, &err) != PV_OK) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "%s", err.text);
        code = PV_EXIT_USAGE;
    } else {
        const struct pv_common_values *common = values;
        terminal->quiet = common->quiet;
        terminal->verbose = common->verbose;
        pv_clip_set_ffmpeg_log_level(common->verbose ? PV_LOG_WARNING : -1);
        char *about[] = {argv[0], NULL};
        code = common->help ? pv_command_help.run(NULL, about, terminal) : command->run(values, operands, terminal);
    }
    free(values);
    return code;
}

static int dispatch(int argc, char **argv, struct pv_terminal *terminal)
{
    char help[] = "help";
    if (argc < 2) {
        pv_help_write(stderr, NULL, pv_terminal_columns(2), pv_terminal_styled(2));
        return PV_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("prevue %s\n", pv_version());
        return PV_EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        argv[1] = help;
    const struct pv_command *command = pv_command_find(argv[1]);
    return command ? run_command(command, argc - 1, argv + 1, terminal) : unknown_command(argv[1], terminal);
}

/* Data that does not reach standard output is a failure, unless nobody wants it any more. */
static int check_stdout(int code, struct pv_terminal *terminal)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE || errno == 0)
        return code;
    pv_terminal_say(terminal, PV_LOG_ERROR, "standard output cannot be written: %s", strerror(errno));
    return code == PV_EXIT_DONE ? PV_EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
    struct pv_terminal terminal;
    setlocale(LC_CTYPE, "");
    pv_signals_install();
    if (!pv_terminal_open(&terminal)) {
        fputs("prevue: out of memory\n", stderr);
        return PV_EXIT_DEVICE;
    }
    const int code = check_stdout(dispatch(argc, argv, &terminal), &terminal);
    pv_terminal_close(&terminal);
    return code;
}
