/* command.c: the list of subcommands, the meaning of exit codes, and the commands about commands. */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "terminal.h"

static const struct pv_command *const commands[] = {
    &pv_command_predict, &pv_command_preview, &pv_command_info,        &pv_command_world, &pv_command_eval,
    &pv_command_bench,   &pv_command_help,    &pv_command_completions, &pv_command_man,
};

const struct pv_command *pv_command_get(size_t index)
{
    return index < sizeof commands / sizeof commands[0] ? commands[index] : NULL;
}

const struct pv_command *pv_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

const char *pv_exit_words(size_t index, int *code)
{
    static const struct {
        int code;
        const char *words;
    } rows[] = {
        {PV_EXIT_DONE, "done; also when the reader of standard output went away"},
        {PV_EXIT_FAILED, "the output could not be written, or something else failed"},
        {PV_EXIT_USAGE, "the command line is not understood"},
        {PV_EXIT_INPUT, "a clip, or a saved state, cannot be read"},
        {PV_EXIT_MODEL, "the model cannot be read, or is not valid"},
        {PV_EXIT_DEVICE, "a device failed, or memory ran out"},
        {PV_EXIT_PARTIAL, "finished, but the clip is damaged or cut off"},
        {PV_EXIT_INTERRUPTED, "interrupted (Ctrl-C, SIGTERM)"},
    };
    if (index >= sizeof rows / sizeof rows[0])
        return NULL;
    *code = rows[index].code;
    return rows[index].words;
}

int pv_exit_from_status(pv_status status, enum pv_exit otherwise)
{
    switch (status) {
    case PV_OK: return PV_EXIT_DONE;
    case PV_ERR_MEMORY:
    case PV_ERR_DEVICE: return PV_EXIT_DEVICE;
    case PV_ERR_ABORTED: return PV_EXIT_INTERRUPTED;
    default: return (int)otherwise;
    }
}

/* ---- help, completions, man ---- */

static const struct pv_option common_options[] = {PV_COMMON_OPTIONS};
static const struct pv_common_values no_values = {0};
#define COMMON_OPTION_COUNT (sizeof common_options / sizeof common_options[0])

/* The command called name, or NULL after saying so. */
static const struct pv_command *find_or_say(const char *name, struct pv_terminal *terminal)
{
    const struct pv_command *command = pv_command_find(name);
    if (!command)
        pv_terminal_say(terminal, PV_LOG_ERROR, "there is no command '%s'; 'prevue help' lists them", name);
    return command;
}

static int help_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    (void)values;
    const struct pv_command *command = *operands ? find_or_say(*operands, terminal) : NULL;
    if (*operands && !command)
        return PV_EXIT_USAGE;
    pv_help_write(stdout, command, pv_terminal_columns(STDOUT_FILENO), pv_terminal_styled(STDOUT_FILENO));
    return PV_EXIT_DONE;
}

static int completions_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    (void)values;
    if (pv_choice_find(pv_command_completions.operand_choices, *operands) < 0) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "completions are written for bash, zsh and fish, not for '%s'",
                        *operands);
        return PV_EXIT_USAGE;
    }
    pv_completions_write(stdout, *operands);
    return PV_EXIT_DONE;
}

static int man_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    (void)values;
    const struct pv_command *command = *operands ? find_or_say(*operands, terminal) : NULL;
    if (*operands && !command)
        return PV_EXIT_USAGE;
    pv_man_write(stdout, command);
    return PV_EXIT_DONE;
}

static const char *const help_description[] = {"Prints what a command does and every option of it.", NULL};
static const char *const completions_description[] = {
    "Prints a completion script. Installed packages have them in place already.", NULL};
static const char *const man_description[] = {"Prints the manual page of a command, or of prevue, in roff.", NULL};

static const struct pv_example completions_examples[] = {
    {"For this session of bash:", ". <(prevue completions bash)"},
    {NULL, NULL},
};
static const struct pv_example man_examples[] = {
    {"To read a page that is not installed:", "prevue man predict | man -l -"},
    {NULL, NULL},
};

const struct pv_command pv_command_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "explain a command",
    .description = help_description,
    .options = common_options,
    .option_count = COMMON_OPTION_COUNT,
    .operand = "COMMAND",
    .operand_choices = "predict|preview|info|world|eval|bench|completions|man",
    .max_operands = 1,
    .values_size = sizeof no_values,
    .defaults = &no_values,
    .run = help_run,
};

const struct pv_command pv_command_completions = {
    .name = "completions",
    .synopsis = "bash|zsh|fish",
    .summary = "print completions for a shell",
    .description = completions_description,
    .options = common_options,
    .option_count = COMMON_OPTION_COUNT,
    .examples = completions_examples,
    .operand = "SHELL",
    .operand_choices = "bash|zsh|fish",
    .min_operands = 1,
    .max_operands = 1,
    .hidden = true,
    .values_size = sizeof no_values,
    .defaults = &no_values,
    .run = completions_run,
};

const struct pv_command pv_command_man = {
    .name = "man",
    .synopsis = "[COMMAND]",
    .summary = "print a manual page in roff",
    .description = man_description,
    .options = common_options,
    .option_count = COMMON_OPTION_COUNT,
    .examples = man_examples,
    .operand = "COMMAND",
    .operand_choices = "predict|preview|info|world|eval|bench|help|completions",
    .max_operands = 1,
    .hidden = true,
    .values_size = sizeof no_values,
    .defaults = &no_values,
    .run = man_run,
};
