/* options.h: one table a subcommand says everything about its options. The same table parses the command line
 * (options.c), and writes --help (help.c), the manual page (man.c) and the shell completions (completions.c). */
#ifndef PV_CLI_OPTIONS_H
#define PV_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The kind decides what is accepted and which C type stands at the option's offset. */
enum pv_option_kind {
    PV_OPTION_FLAG,   /* bool; takes no argument */
    PV_OPTION_TEXT,   /* const char * */
    PV_OPTION_FILE,   /* const char *, completed as a file name */
    PV_OPTION_COUNT,  /* int64_t, min to max */
    PV_OPTION_SEED,   /* uint64_t, 0 to 2^63 - 1, so that it is an integer in JSON too */
    PV_OPTION_NUMBER, /* double, min to max */
    PV_OPTION_CHOICE, /* int: place in choices */
    PV_OPTION_SIZE,   /* struct pv_size_value: WxH, sides min to max, or one of choices */
    PV_OPTION_PAIR,   /* struct pv_pair_value: X,Y, each min to max */
    PV_OPTION_RATE    /* struct pv_rate_value: 24, 23.976 or 24000/1001 */
};

struct pv_size_value {
    int choice; /* place in choices; -1 = width x height */
    int width, height;
};

struct pv_pair_value {
    bool given;
    double x, y;
};

struct pv_rate_value {
    int num, den; /* 0/0 = not given */
};

struct pv_option {
    const char *name; /* long name, without dashes */
    char letter;      /* short name; '\0' = none */
    enum pv_option_kind kind;
    const char *argument; /* word for the argument in help: "FILE"; NULL for flags */
    size_t offset;        /* of the value in the subcommand's struct */
    double min, max;
    const char *choices;  /* "review|edit|master" */
    const char *fallback; /* the default in words; NULL = none to speak of */
    const char *group;    /* heading in help; options of a group stand together */
    const char *help;     /* one or two sentences, without the default */
};

struct pv_example {
    const char *words, *command;
};

/* First in every subcommand's struct of values. */
struct pv_common_values {
    bool help, quiet, verbose;
};

#define PV_COMMON_OPTIONS                                                                                              \
    {.name = "quiet",                                                                                                  \
     .letter = 'q',                                                                                                    \
     .kind = PV_OPTION_FLAG,                                                                                           \
     .offset = offsetof(struct pv_common_values, quiet),                                                               \
     .group = "Words",                                                                                                 \
     .help = "Say nothing but errors."},                                                                               \
        {.name = "verbose",                                                                                            \
         .letter = 'v',                                                                                                \
         .kind = PV_OPTION_FLAG,                                                                                       \
         .offset = offsetof(struct pv_common_values, verbose),                                                         \
         .group = "Words",                                                                                             \
         .help = "Say more, FFmpeg's warnings included."},                                                             \
    {                                                                                                                  \
        .name = "help", .letter = 'h', .kind = PV_OPTION_FLAG, .offset = offsetof(struct pv_common_values, help),      \
        .group = "Words", .help = "Show this help."                                                                    \
    }

struct pv_terminal;

struct pv_command {
    const char *name;
    const char *synopsis;           /* what follows the name: "CLIP -o OUT" */
    const char *summary;            /* one line, no full stop */
    const char *const *description; /* paragraphs, NULL at the end */
    const struct pv_option *options;
    size_t option_count;
    const struct pv_example *examples; /* words NULL at the end */
    const char *operand;               /* "CLIP"; NULL = none. Choices in operand_choices are completed */
    const char *operand_choices;       /* "bash|zsh|fish" or NULL */
    int min_operands, max_operands;
    bool hidden; /* not in the list of commands */
    size_t values_size;
    const void *defaults; /* values before parsing */
    /* Returns the exit code. operands ends with NULL. */
    int (*run)(const void *values, char **operands, struct pv_terminal *terminal);
};

/* values: copied from command->defaults. On success *operands points into argv, NULL at the end. PV_ERR_ARGUMENT when
 * something is not as the table says; with --help the number of operands is not checked. */
pv_status pv_options_parse(const struct pv_command *command, int argc, char **argv, void *values, char ***operands,
                           struct pv_error *err);

/* One value of an option, checked and stored at values + option->offset. */
pv_status pv_option_store(const struct pv_option *option, const char *text, void *values, struct pv_error *err);

/* Place of word in "a|b|c", or -1. */
int pv_choice_find(const char *choices, const char *word);
/* Walks "a|b|c": the next word goes to out (cut when longer), the rest is returned; NULL when there are no more. */
enum { PV_CHOICE_BYTES = 32 };
const char *pv_choice_next(const char *choices, char out[PV_CHOICE_BYTES]);

#endif
