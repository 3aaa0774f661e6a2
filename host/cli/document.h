/* document.h: what is written from the option tables: help for a terminal, manual pages, shell completions. */
#ifndef PV_CLI_DOCUMENT_H
#define PV_CLI_DOCUMENT_H

#include <stdio.h>

#include "command.h"

/* command NULL: the program as a whole. Columns decide where lines break; styled adds bold headings. */
void pv_help_write(FILE *out, const struct pv_command *command, int columns, bool styled);

/* A manual page in roff, man macros: prevue(1), or prevue-NAME(1). */
void pv_man_write(FILE *out, const struct pv_command *command);

/* shell: "bash", "zsh" or "fish". */
void pv_completions_write(FILE *out, const char *shell);

/* "sample or mean; default: sample": what help says of an option after its sentence. "" when there is nothing. */
enum { PV_OPTION_FACTS = 200 };
void pv_option_facts(const struct pv_option *option, char out[PV_OPTION_FACTS]);

#endif
