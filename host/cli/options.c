/* options.c: a command line, read by the table of its subcommand. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "suggest.h"

enum { MOST_OPTIONS = 48, FIRST_LONG = 256 }; /* getopt returns FIRST_LONG + place for long options */

struct getopt_tables {
    struct option longs[MOST_OPTIONS + 1];
    char shorts[2 * MOST_OPTIONS + 2];
};

static void fill_tables(const struct pv_command *command, struct getopt_tables *tables)
{
    char *out = tables->shorts;
    *out++ = ':'; /* a missing argument is reported as ':' */
    for (size_t i = 0; i < command->option_count; i++) {
        const struct pv_option *option = &command->options[i];
        const bool argument = option->kind != PV_OPTION_FLAG;
        tables->longs[i] = (struct option){
            .name = option->name, .has_arg = argument ? required_argument : no_argument, .val = FIRST_LONG + (int)i};
        if (option->letter) {
            *out++ = option->letter;
            if (argument)
                *out++ = ':';
        }
    }
    *out = '\0';
    tables->longs[command->option_count] = (struct option){0};
}

static const struct pv_option *option_of(const struct pv_command *command, int found)
{
    if (found >= FIRST_LONG)
        return &command->options[found - FIRST_LONG];
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].letter && command->options[i].letter == found)
            return &command->options[i];
    return NULL;
}

/* What getopt could not place: a short letter, a long name, the beginning of several, or a flag with =value. */
static pv_status unknown_option(const struct pv_command *command, const char *word, struct pv_error *err)
{
    if (optopt >= FIRST_LONG)
        return pv_fail(err, PV_ERR_ARGUMENT, "--%s takes no argument", option_of(command, optopt)->name);
    if (optopt)
        return pv_fail(err, PV_ERR_ARGUMENT, "'%s' has no option -%c; see 'prevue help %s'", command->name, optopt,
                       command->name);
    char typed[64];
    const size_t length = strcspn(word + 2, "=");
    snprintf(typed, sizeof typed, "%.*s", (int)length, word + 2);
    struct pv_suggestion near = {.typed = typed};
    for (size_t i = 0; i < command->option_count; i++)
        pv_suggestion_offer(&near, command->options[i].name);
    if (near.best)
        return pv_fail(err, PV_ERR_ARGUMENT, "'%s' has no option --%s; did you mean --%s?", command->name, typed,
                       near.best);
    return pv_fail(err, PV_ERR_ARGUMENT, "'%s' has no option --%s; see 'prevue help %s'", command->name, typed,
                   command->name);
}

static pv_status check_operands(const struct pv_command *command, int count, struct pv_error *err)
{
    if (count < command->min_operands)
        return pv_fail(err, PV_ERR_ARGUMENT, "'%s' needs %s %s; see 'prevue help %s'", command->name,
                       strchr("AEIOU", command->operand[0]) ? "an" : "a", command->operand, command->name);
    if (count > command->max_operands)
        return pv_fail(err, PV_ERR_ARGUMENT, "'%s' takes %s%s%s; see 'prevue help %s'", command->name,
                       command->max_operands ? "only one " : "no ", command->operand ? command->operand : "operand",
                       command->max_operands ? ", and options begin with --" : "", command->name);
    return PV_OK;
}

pv_status pv_options_parse(const struct pv_command *command, int argc, char **argv, void *values, char ***operands,
                           struct pv_error *err)
{
    struct getopt_tables tables;
    if (command->option_count > MOST_OPTIONS)
        return pv_fail(err, PV_ERR_INTERNAL, "'%s' has more than %d options", command->name, MOST_OPTIONS);
    fill_tables(command, &tables);
    optind = 0; /* glibc and musl: start afresh */
    opterr = 0;
    for (;;) {
        const int found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
        if (found == -1)
            break;
        if (found == '?')
            return unknown_option(command, argv[optind - 1], err);
        const struct pv_option *option = option_of(command, found == ':' ? optopt : found);
        if (found == ':')
            return pv_fail(err, PV_ERR_ARGUMENT, "--%s needs an argument: --%s %s", option->name, option->name,
                           option->argument);
        PV_TRY(pv_option_store(option, optarg, values, err));
    }
    *operands = argv + optind;
    if (((const struct pv_common_values *)values)->help)
        return PV_OK;
    return check_operands(command, argc - optind, err);
}
