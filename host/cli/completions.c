/* completions.c: completions for bash, zsh and fish. Each is a plain list made from the tables; nothing is worked out
 * at run time but file names. */
#include <string.h>

#include "document.h"

static bool takes_file(const struct pv_option *option)
{
    return option->kind == PV_OPTION_FILE;
}

static void write_choices(FILE *out, const char *choices)
{
    char choice[PV_CHOICE_BYTES];
    for (bool first = true; (choices = pv_choice_next(choices, choice)); first = false)
        fprintf(out, "%s%s", first ? "" : " ", choice);
}

static void write_command_names(FILE *out)
{
    const struct pv_command *command;
    for (size_t i = 0; (command = pv_command_get(i)); i++)
        if (!command->hidden)
            fprintf(out, "%s%s", i ? " " : "", command->name);
}

/* ---- bash ---- */

/* case arms by "COMMAND PREVIOUS WORD": what may follow an option that takes an argument. */
static void write_bash_arguments(FILE *out, const struct pv_command *command)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const struct pv_option *option = &command->options[i];
        if (option->kind == PV_OPTION_FLAG)
            continue;
        fprintf(out, "    '%s --%s'", command->name, option->name);
        if (option->letter)
            fprintf(out, " | '%s -%c'", command->name, option->letter);
        if (option->choices) {
            fputs(")\n        COMPREPLY=($(compgen -W '", out);
            write_choices(out, option->choices);
            fputs("' -- \"$word\"))\n        return\n        ;;\n", out);
        } else if (takes_file(option)) {
            fputs(")\n        COMPREPLY=($(compgen -f -- \"$word\"))\n        return\n        ;;\n", out);
        } else {
            fputs(")\n        return\n        ;;\n", out);
        }
    }
}

static void write_bash(FILE *out)
{
    const struct pv_command *command;
    fputs("# bash completion for prevue, written by 'prevue completions bash'\n"
          "_prevue()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          out);
    write_command_names(out);
    fputs(" --help --version' -- \"$word\"))\n        return\n    fi\n    case \"$command $previous\" in\n", out);
    for (size_t i = 0; (command = pv_command_get(i)); i++)
        write_bash_arguments(out, command);
    fputs("    esac\n    case \"$command\" in\n", out);
    for (size_t i = 0; (command = pv_command_get(i)); i++) {
        fprintf(out, "    %s)\n        case \"$word\" in\n        -*) COMPREPLY=($(compgen -W '", command->name);
        for (size_t k = 0; k < command->option_count; k++)
            fprintf(out, "%s--%s", k ? " " : "", command->options[k].name);
        if (command->operand_choices) {
            fputs("' -- \"$word\")) ;;\n        *) COMPREPLY=($(compgen -W '", out);
            write_choices(out, command->operand_choices);
            fputs("' -- \"$word\")) ;;\n        esac\n        ;;\n", out);
        } else {
            fputs(
                "' -- \"$word\")) ;;\n        *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n        esac\n        ;;\n",
                out);
        }
    }
    fputs("    esac\n}\ncomplete -o filenames -F _prevue prevue\n", out);
}

/* ---- zsh ---- */

/* Inside '...[...]' of _arguments: quotes close the shell word, brackets and colons end parts of the specification. */
static void write_zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void write_zsh_option(FILE *out, const struct pv_option *option)
{
    if (option->letter)
        fprintf(out, "                '(-%c --%s)'{-%c,--%s}'[", option->letter, option->name, option->letter,
                option->name);
    else
        fprintf(out, "                '--%s[", option->name);
    write_zsh_text(out, option->help);
    fputc(']', out);
    if (option->argument) {
        fputc(':', out);
        write_zsh_text(out, option->argument);
        fputc(':', out);
        if (option->choices) {
            fputc('(', out);
            write_choices(out, option->choices);
            fputc(')', out);
        } else if (takes_file(option)) {
            fputs("_files", out);
        }
    }
    fputs("' \\\n", out);
}

static void write_zsh(FILE *out)
{
    const struct pv_command *command;
    fputs("#compdef prevue\n# zsh completion for prevue, written by 'prevue completions zsh'\n"
          "_prevue() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          out);
    for (size_t i = 0; (command = pv_command_get(i)); i++) {
        if (command->hidden)
            continue;
        fprintf(out, "        '%s:", command->name);
        write_zsh_text(out, command->summary);
        fputs("'\n", out);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then\n"
          "        _describe command commands\n"
          "        _arguments '--help[show help]' '--version[show the release]'\n"
          "        return\n"
          "    fi\n"
          "    local command=$words[2]\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $command in\n",
          out);
    for (size_t i = 0; (command = pv_command_get(i)); i++) {
        fprintf(out, "        %s)\n            _arguments -s \\\n", command->name);
        for (size_t k = 0; k < command->option_count; k++)
            write_zsh_option(out, &command->options[k]);
        if (command->operand_choices) {
            fputs("                '*::(", out);
            write_choices(out, command->operand_choices);
            fputs(")'\n", out);
        } else {
            fputs("                '*:file:_files'\n", out);
        }
        fputs("            ;;\n", out);
    }
    fputs("    esac\n}\n_prevue \"$@\"\n", out);
}

/* ---- fish ---- */

static void write_fish_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void write_fish(FILE *out)
{
    const struct pv_command *command;
    fputs("# fish completion for prevue, written by 'prevue completions fish'\n"
          "complete -c prevue -n __fish_use_subcommand -l help -d 'show help'\n"
          "complete -c prevue -n __fish_use_subcommand -l version -d 'show the release'\n",
          out);
    for (size_t i = 0; (command = pv_command_get(i)); i++) {
        if (!command->hidden) {
            fprintf(out, "complete -c prevue -f -n __fish_use_subcommand -a %s -d ", command->name);
            write_fish_text(out, command->summary);
            fputc('\n', out);
        }
        for (size_t k = 0; k < command->option_count; k++) {
            const struct pv_option *option = &command->options[k];
            fprintf(out, "complete -c prevue -n '__fish_seen_subcommand_from %s' -l %s", command->name, option->name);
            if (option->letter)
                fprintf(out, " -s %c", option->letter);
            if (option->choices) {
                fputs(" -x -a '", out);
                write_choices(out, option->choices);
                fputc('\'', out);
            } else if (option->argument) {
                fputs(takes_file(option) ? " -r -F" : " -x", out);
            }
            fputs(" -d ", out);
            write_fish_text(out, option->help);
            fputc('\n', out);
        }
        if (command->operand_choices) {
            fprintf(out, "complete -c prevue -f -n '__fish_seen_subcommand_from %s' -a '", command->name);
            write_choices(out, command->operand_choices);
            fputs("'\n", out);
        }
    }
}

void pv_completions_write(FILE *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        write_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        write_zsh(out);
    else
        write_fish(out);
}
