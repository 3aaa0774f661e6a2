/* test_documents.c: help, manual pages and completions are made from the tables that parse options: each names every
 * option, and the tools that read them are content. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/program.h"

static const char *const commands[] = {"predict", "preview", "info", "world", "eval", "bench"};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Calls check for every "--name" that the help of the command lists at the start of a line. */
static int for_each_option(const char *help, void (*check)(const char *text, const char *option, const char *what),
                           const char *text, const char *what)
{
    int count = 0;
    for (const char *line = help; line; line = strchr(line, '\n'), line += line != NULL) {
        char option[32];
        if (strncmp(line, "  ", 2) == 0 &&
            (sscanf(line, " -%*c, --%30[a-z-]", option) == 1 || sscanf(line, " --%30[a-z-]", option) == 1)) {
            check(text, option, what);
            count++;
        }
    }
    return count;
}

/* In roff every dash is \-. */
static void expect_in_man(const char *text, const char *option, const char *what)
{
    char written[96], *out = written;
    for (const char *c = option; *c; c++)
        out += sprintf(out, *c == '-' ? "\\-" : "%c", *c);
    char line[128];
    snprintf(line, sizeof line, "\\fB\\-\\-%s\\fR", written);
    cr_expect_not_null(strstr(text, line), "the manual of %s does not have --%s", what, option);
}

static void expect_long(const char *text, const char *option, const char *what)
{
    char word[64];
    snprintf(word, sizeof word, "--%s", option);
    cr_expect_not_null(strstr(text, word), "the completion of %s does not have --%s", what, option);
}

static void expect_fish(const char *text, const char *option, const char *what)
{
    char word[64];
    snprintf(word, sizeof word, " -l %s", option);
    cr_expect_not_null(strstr(text, word), "the completion of %s does not have --%s", what, option);
}

Test(documents, every_option_is_everywhere, .timeout = 60)
{
    const struct folder f = folder_open();
    const char *bash = run_well(&f, "prevue completions bash").out, *zsh = run_well(&f, "prevue completions zsh").out,
               *fish = run_well(&f, "prevue completions fish").out;
    for (int i = 0; i < COMMANDS; i++) {
        const char *help = run_well(&f, "prevue help %s", commands[i]).out;
        const char *man = run_well(&f, "prevue man %s", commands[i]).out;
        cr_expect_str_eq(help, run_well(&f, "prevue %s --help", commands[i]).out);
        const int count = for_each_option(help, expect_in_man, man, commands[i]);
        cr_expect(count >= 8, "the help of %s lists %d options", commands[i], count);
        for_each_option(help, expect_long, bash, "bash");
        for_each_option(help, expect_long, zsh, "zsh");
        for_each_option(help, expect_fish, fish, "fish");
    }
    folder_close(&f);
}

Test(documents, help_is_also_an_option, .timeout = 60)
{
    const struct folder f = folder_open();
    const char *help = run_well(&f, "prevue help").out;
    cr_expect_str_eq(help, run_well(&f, "prevue --help").out);
    cr_expect_str_eq(help, run_well(&f, "prevue -h").out);
    folder_close(&f);
}

Test(documents, help_fits_eighty_columns, .timeout = 60)
{
    const struct folder f = folder_open();
    run_well(&f,
             "for c in predict preview info world eval bench help completions man; do prevue help $c; done > all.txt; "
             "prevue help >> all.txt");
    cr_expect_eq(run(&f, "grep -n '.\\{81\\}' all.txt").code, 1, "a line is longer than 80 columns");
    cr_expect_eq(run(&f, "grep -n ' $' all.txt").code, 1, "a line ends with a space");
    folder_close(&f);
}

/* man complains about what it cannot typeset; "can't break line" would be a table that is too wide. */
Test(documents, manual_pages_are_clean, .timeout = 60)
{
    const struct folder f = folder_open();
    if (run(&f, "command -v man && command -v groff").code != 0)
        cr_skip_test("man is not installed");
    for (int i = 0; i < COMMANDS; i++) {
        const struct outcome o = run_well(
            &f,
            "prevue man %s > page.1; LC_ALL=C MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z ./page.1 "
            ">/dev/null",
            commands[i]);
        cr_expect_str_empty(o.error, "%s: %s", commands[i], o.error);
    }
    const struct outcome o = run_well(&f, "prevue man > page.1; LC_ALL=C man --warnings -E UTF-8 -l -Tutf8 -Z ./page.1 "
                                          ">/dev/null");
    cr_expect_str_empty(o.error, "%s", o.error);
    folder_close(&f);
}

/* What bash offers after a line that is being typed. */
static const char *offered(const struct folder *f, const char *line)
{
    return run_well(f,
                    "bash -c '. ./prevue.bash; COMP_WORDS=(%s \"\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                    "[ \"${COMP_WORDS[COMP_CWORD-1]}\" != = ] && _prevue; echo \"${COMPREPLY[*]}\"'",
                    line)
        .out;
}

Test(documents, bash_completes, .timeout = 60)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue completions bash > prevue.bash && bash -n prevue.bash");
    cr_expect_not_null(strstr(offered(&f, "prevue"), "predict preview info world eval bench help"));
    cr_expect_str_eq(offered(&f, "prevue predict --preset"), "review edit master none\n");
    cr_expect_str_eq(offered(&f, "prevue completions"), "bash zsh fish\n");
    cr_expect_not_null(strstr(offered(&f, "prevue predict"), "prevue.bash"), "files are offered");
    const char *options =
        run_well(&f, "bash -c '. ./prevue.bash; COMP_WORDS=(prevue world --tr); COMP_CWORD=2; _prevue; "
                     "echo \"${COMPREPLY[*]}\"'")
            .out;
    cr_expect_str_eq(options, "--truth\n");
    folder_close(&f);
}

Test(documents, zsh_and_fish_read_their_completions, .timeout = 60)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue completions zsh > _prevue; prevue completions fish > prevue.fish");
    if (run(&f, "command -v zsh").code == 0)
        run_well(&f, "zsh -n _prevue");
    if (run(&f, "command -v fish").code == 0)
        run_well(&f, "fish --no-execute prevue.fish");
    cr_expect_eq(run(&f, "grep -q '^#compdef prevue' _prevue").code, 0);
    folder_close(&f);
}

Test(documents, version_is_on_stdout, .timeout = 60)
{
    const struct folder f = folder_open();
    const struct outcome o = run_well(&f, "prevue --version");
    int major, minor, patch;
    cr_expect_eq(sscanf(o.out, "prevue %d.%d.%d\n", &major, &minor, &patch), 3, "%s", o.out);
    cr_expect_str_empty(o.error);
    folder_close(&f);
}
