/* help.c: --help, folded to the terminal's width. */
#include <string.h>

#include "document.h"

enum { OPTION_COLUMN = 26 }; /* where the sentences of options begin */

void pv_option_facts(const struct pv_option *option, char out[PV_OPTION_FACTS])
{
    size_t used = 0;
    out[0] = '\0';
    if (option->choices && option->kind == PV_OPTION_CHOICE) {
        char choice[PV_CHOICE_BYTES];
        const char *rest = option->choices;
        while ((rest = pv_choice_next(rest, choice))) {
            const int more = snprintf(out + used, PV_OPTION_FACTS - used, "%s%s",
                                      used == 0 ? ""
                                      : *rest   ? ", "
                                                : " or ",
                                      choice);
            if (more < 0 || (size_t)more >= PV_OPTION_FACTS - used)
                return;
            used += (size_t)more;
        }
    } else if (option->kind == PV_OPTION_COUNT || option->kind == PV_OPTION_NUMBER) {
        used = (size_t)snprintf(out, PV_OPTION_FACTS, option->kind == PV_OPTION_COUNT ? "%.0f to %.0f" : "%g to %g",
                                option->min, option->max);
    }
    if (option->fallback)
        snprintf(out + used, PV_OPTION_FACTS - used, "%sdefault: %s", used ? "; " : "", option->fallback);
}

/* Text folded at spaces, starting at column `at`, following lines indented by `indent`. Ends the line. */
static void write_folded(FILE *out, const char *text, int at, int indent, int columns)
{
    bool first = true;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (!first && at + 1 + length > columns) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", length, text);
        at += length + !first;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void write_heading(FILE *out, const char *heading, bool styled)
{
    fprintf(out, "\n%s%s%s\n", styled ? "\033[1m" : "", heading, styled ? "\033[0m" : "");
}

static void write_option(FILE *out, const struct pv_option *option, int columns)
{
    char left[64], facts[PV_OPTION_FACTS], text[1024];
    int at;
    if (option->letter)
        at = snprintf(left, sizeof left, "  -%c, --%s", option->letter, option->name);
    else
        at = snprintf(left, sizeof left, "      --%s", option->name);
    if (option->argument)
        at += snprintf(left + at, sizeof left - (size_t)at, " %s", option->argument);
    pv_option_facts(option, facts);
    snprintf(text, sizeof text, "%s%s%s%s", option->help, *facts ? " (" : "", facts, *facts ? ")" : "");
    if (at + 2 > OPTION_COLUMN)
        fprintf(out, "%s\n%*s", left, OPTION_COLUMN, "");
    else
        fprintf(out, "%-*s", OPTION_COLUMN, left);
    write_folded(out, text, OPTION_COLUMN, OPTION_COLUMN, columns);
}

static void write_options(FILE *out, const struct pv_command *command, int columns, bool styled)
{
    const char *group = "";
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(group, command->options[i].group) != 0) {
            group = command->options[i].group;
            write_heading(out, group, styled);
        }
        write_option(out, &command->options[i], columns);
    }
}

static void write_program(FILE *out, int columns, bool styled)
{
    const struct pv_command *command;
    fputs("prevue: give it a clip; it shows what happens next\n\n"
          "usage: prevue COMMAND ...\n",
          out);
    write_heading(out, "Commands", styled);
    for (size_t i = 0; (command = pv_command_get(i)); i++)
        if (!command->hidden)
            fprintf(out, "  %-10s %s\n", command->name, command->summary);
    write_heading(out, "Also", styled);
    fputs("  prevue help COMMAND   all about one command\n"
          "  prevue --help         this text\n"
          "  prevue --version      the release\n",
          out);
    write_heading(out, "Exit codes", styled);
    int code;
    const char *words;
    for (size_t i = 0; (words = pv_exit_words(i, &code)); i++) {
        fprintf(out, "  %3d  ", code);
        write_folded(out, words, 7, 7, columns);
    }
}

void pv_help_write(FILE *out, const struct pv_command *command, int columns, bool styled)
{
    if (!command) {
        write_program(out, columns, styled);
        return;
    }
    fprintf(out, "prevue %s: %s\n\nusage: prevue %s %s\n", command->name, command->summary, command->name,
            command->synopsis);
    for (const char *const *text = command->description; *text; text++) {
        fputc('\n', out);
        write_folded(out, *text, 0, 0, columns);
    }
    write_options(out, command, columns, styled);
    if (command->examples && command->examples->words)
        write_heading(out, "Examples", styled);
    for (const struct pv_example *e = command->examples; e && e->words; e++) {
        fputs("  ", out);
        write_folded(out, e->words, 2, 2, columns);
        fprintf(out, "    %s\n", e->command);
    }
}
