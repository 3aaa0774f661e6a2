/* man.c: manual pages. Roff with the man macros, so that man(1) and mandoc(1) both read it. */
#include <string.h>

#include "document.h"

/* Text as it is to be read: roff's own characters escaped. A dash becomes \-, which stays a plain ASCII dash, so that
 * commands can be copied; a dot or quote at the start of a line would be a request. */
static void write_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void write_line(FILE *out, const char *text)
{
    write_text(out, text);
    fputc('\n', out);
}

static void write_heading(FILE *out, const char *name, const char *summary, const char *version)
{
    fprintf(out, ".TH \"%s\" 1 \"\" \"prevue %s\" \"prevue\"\n.SH NAME\n", name, version);
    write_text(out, name);
    fputs(" \\- ", out);
    write_line(out, summary);
}

static void write_option(FILE *out, const struct pv_option *option)
{
    char facts[PV_OPTION_FACTS];
    fputs(".TP\n", out);
    if (option->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", out);
    write_text(out, option->name);
    fputs("\\fR", out);
    if (option->argument) {
        fputs(" \\fI", out);
        write_text(out, option->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    write_line(out, option->help);
    pv_option_facts(option, facts);
    if (*facts) {
        fputc('(', out);
        write_text(out, facts);
        fputs(")\n", out);
    }
}

static void write_exit_codes(FILE *out)
{
    int code;
    const char *words;
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; (words = pv_exit_words(i, &code)); i++) {
        fprintf(out, ".TP\n.B %d\n", code);
        write_line(out, words);
    }
}

static void write_command(FILE *out, const struct pv_command *command)
{
    char name[64];
    snprintf(name, sizeof name, "prevue-%s", command->name);
    write_heading(out, name, command->summary, pv_version());
    fputs(".SH SYNOPSIS\n.B prevue ", out);
    write_text(out, command->name);
    fputs("\n", out);
    write_line(out, command->synopsis);
    fputs(".SH DESCRIPTION\n", out);
    for (const char *const *text = command->description; *text; text++) {
        fputs(text == command->description ? "" : ".PP\n", out);
        write_line(out, *text);
    }
    fputs(".SH OPTIONS\n", out);
    const char *group = "";
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(group, command->options[i].group) != 0) {
            group = command->options[i].group;
            fprintf(out, ".SS %s\n", group);
        }
        write_option(out, &command->options[i]);
    }
    write_exit_codes(out);
    if (command->examples && command->examples->words)
        fputs(".SH EXAMPLES\n", out);
    for (const struct pv_example *e = command->examples; e && e->words; e++) {
        fputs(e == command->examples ? "" : ".PP\n", out);
        write_line(out, e->words);
        fputs(".PP\n.RS 4\n.nf\n", out);
        write_line(out, e->command);
        fputs(".fi\n.RE\n", out);
    }
    fputs(".SH SEE ALSO\n.BR prevue (1)\n", out);
}

static void write_program(FILE *out)
{
    const struct pv_command *command;
    write_heading(out, "prevue", "an engine for video world models", pv_version());
    fputs(".SH SYNOPSIS\n.B prevue\n.I COMMAND\n\\&...\n.SH DESCRIPTION\n"
          "Give it a clip; it shows what happens next.\n"
          "It decodes the clip, encodes its last frames to latents, rolls a latent dynamics model forward and streams\n"
          "the predicted frames into an encoded file.\n"
          ".PP\nData goes to standard output, words to standard error; \\- as a name means standard input or output.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; (command = pv_command_get(i)); i++) {
        if (command->hidden)
            continue;
        fprintf(out, ".TP\n.BR prevue\\-%s (1)\n", command->name);
        write_line(out, command->summary);
    }
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B PREVUE_MODEL\nThe model to use where \\fB\\-\\-model\\fR does not say.\n"
          ".TP\n.B NO_COLOR\nWhen set and not empty, nothing is coloured.\n",
          out);
    write_exit_codes(out);
}

void pv_man_write(FILE *out, const struct pv_command *command)
{
    if (command)
        write_command(out, command);
    else
        write_program(out);
}
