/* test_live_picture.c: the small picture that a terminal shows while something is predicted: seen through a
 * pseudo-terminal (script of util-linux), whose bytes a small screen here follows. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program.h"

TestSuite(live_picture, .timeout = 120);

enum { ROWS = 30, COLUMNS = 90 };

/* What a terminal would show, and what it has shown. */
struct screen {
    char cell[ROWS][COLUMNS + 1]; /* ' ', a letter, '#': coloured; NUL at the end */
    int row, column, saved_row, saved_column;
    bool coloured, wrapped;
    int pictures, most_rows; /* how often one was drawn; most rows of the screen with colour at once */
    bool scattered;          /* coloured rows were not below each other, or of different width */
    const char *unknown;     /* a sequence that the screen does not know */
};

static void put(struct screen *s, char c)
{
    if (s->column == COLUMNS) {
        s->wrapped = true;
        return;
    }
    s->cell[s->row][s->column++] = s->coloured ? '#' : c;
}

static void new_line(struct screen *s)
{
    if (s->row < ROWS - 1) {
        s->row++;
        return;
    }
    memmove(s->cell[0], s->cell[1], sizeof s->cell - sizeof s->cell[0]);
    memset(s->cell[ROWS - 1], ' ', COLUMNS);
}

static void erase(struct screen *s, bool below)
{
    memset(s->cell[s->row] + s->column, ' ', (size_t)(COLUMNS - s->column));
    for (int row = s->row + 1; below && row < ROWS; row++)
        memset(s->cell[row], ' ', COLUMNS);
}

/* Of the picture: after each one, the rows that have colour. */
static void look(struct screen *s)
{
    int rows = 0, last = -1, width = 0;
    for (int row = 0; row < ROWS; row++) {
        int coloured = 0;
        for (int i = 0; i < COLUMNS; i++)
            coloured += s->cell[row][i] == '#';
        if (coloured == 0)
            continue;
        s->scattered = s->scattered || (rows > 0 && (last != row - 1 || coloured != width));
        width = coloured;
        last = row;
        rows++;
    }
    s->pictures++;
    s->most_rows = rows > s->most_rows ? rows : s->most_rows;
}

/* ESC [ parameters letter; returns what follows it. */
static const char *control(struct screen *s, const char *at)
{
    const char *parameters = at;
    while (*at && (*at < '@' || *at > '~'))
        at++;
    const int number = atoi(parameters);
    switch (*at) {
    case 'A': s->row = s->row > number ? s->row - number : 0; break;
    case 'J': erase(s, true); break;
    case 'K': erase(s, false); break;
    case 'm':
        s->coloured = strstr(parameters, "8;2;") && strstr(parameters, "8;2;") < at;
        s->coloured = s->coloured || (strstr(parameters, "8;5;") && strstr(parameters, "8;5;") < at);
        break;
    case 'h':
    case 'l':
        cr_assert_eq(strncmp(parameters, "?2026", 5), 0, "mode %.*s", 8, parameters);
        if (*at == 'l')
            look(s);
        break;
    default: s->unknown = parameters;
    }
    return *at ? at + 1 : at;
}

static void show(struct screen *s, const char *bytes)
{
    for (int row = 0; row < ROWS; row++)
        memset(s->cell[row], ' ', COLUMNS);
    for (const char *at = bytes; *at;) {
        const char c = *at++;
        if (c == '\033' && *at == '[') {
            at = control(s, at + 1);
        } else if (c == '\033' && (*at == '7' || *at == '8')) {
            int *row = *at == '7' ? &s->saved_row : &s->row, *column = *at == '7' ? &s->saved_column : &s->column;
            *row = *at == '7' ? s->row : s->saved_row;
            *column = *at == '7' ? s->column : s->saved_column;
            at++;
        } else if (c == '\033') {
            s->unknown = at;
        } else if (c == '\r') {
            s->column = 0;
        } else if (c == '\n') {
            new_line(s);
        } else if ((unsigned char)c >= 0xc0 || (unsigned char)c < 0x80) { /* the first byte of a character */
            put(s, c);
        }
    }
}

/* At the end there is no picture, and nothing but sentences. */
static void expect_clean(const struct screen *s)
{
    for (int row = 0; row < ROWS; row++) {
        const char *line = s->cell[row];
        bool blank = true;
        for (int i = 0; i < COLUMNS; i++)
            blank = blank && line[i] == ' ';
        cr_expect(blank || strncmp(line, "prevue: ", 8) == 0 || strncmp(line, "before", 6) == 0, "line %d: %.*s", row,
                  COLUMNS, line);
    }
}

/* Runs a command in a terminal of ROWS x COLUMNS and follows what it writes there. settings: of the environment. */
static struct screen *watch(const struct folder *f, const char *settings, const char *command)
{
    struct screen *s = calloc(1, sizeof *s);
    cr_assert_not_null(s);
    folder_write_text(f, "inside.sh", command);
    const struct outcome o = run(f,
                                 "export TERM=xterm-256color LANG=C.UTF-8 LC_ALL=C.UTF-8; unset COLORTERM TMUX; %s "
                                 "exec script -qec 'stty rows %d cols %d; . ./inside.sh' typescript",
                                 settings, ROWS, COLUMNS);
    cr_assert(o.code == 0 || o.code == 130, "exit %d: %s %s", o.code, o.error, o.out);
    show(s, o.out);
    cr_expect_null(s->unknown, "a sequence that is not known: %.12s", s->unknown);
    cr_expect_not(s->wrapped, "a line is longer than the terminal is wide");
    expect_clean(s);
    return s;
}

static struct folder with_clip(void)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --size 96x64 --frames 12");
    return f;
}

#define PREVIEW "prevue preview clip.mkv -o out --takes 2 --context 4 --burn-in off -y "
#define PREDICT "prevue predict clip.mkv -o out.mp4 --context 4 -y "

#if PV_HAVE_CHAFA
Test(live_picture, takes_stand_above_the_progress)
{
    const struct folder f = with_clip();
    struct screen *s = watch(&f, "", "echo before; " PREVIEW "--frames 60 --steps 32");
    cr_expect_geq(s->pictures, 2, "%d pictures", s->pictures);
    cr_expect(s->most_rows >= 5 && s->most_rows <= ROWS / 3, "%d rows", s->most_rows);
    cr_expect_not(s->scattered, "rows of the picture are not below each other");
    cr_expect_eq(strncmp(s->cell[0], "before", 6), 0, "what stood there before is gone");
    free(s);
    folder_close(&f);
}

/* The screen scrolls to make room, and only then. */
Test(live_picture, there_is_room_at_the_bottom_of_the_screen)
{
    const struct folder f = with_clip();
    struct screen *s = watch(&f, "", "for i in $(seq 40); do echo before $i; done; " PREVIEW "--frames 60 --steps 32");
    cr_expect_geq(s->pictures, 2, "%d pictures", s->pictures);
    cr_expect_not(s->scattered, "rows of the picture are not below each other");
    cr_expect_eq(strncmp(s->cell[0], "before", 6), 0, "%.20s", s->cell[0]);
    free(s);
    folder_close(&f);
}

Test(live_picture, predict_has_one_too)
{
    const struct folder f = with_clip();
    struct screen *s = watch(&f, "", PREDICT "--frames 150 --steps 32");
    cr_expect_geq(s->pictures, 2, "%d pictures", s->pictures);
    cr_expect_not(s->scattered, "rows of the picture are not below each other");
    free(s);
    folder_close(&f);
}

/* Ctrl-C: the notice is a line of its own above the picture, and in the end there are only sentences. */
Test(live_picture, ctrl_c_leaves_nothing_behind)
{
    const struct folder f = with_clip();
    struct screen *s = watch(&f, "",
                             "(while ! [ -s out/.clip_v001.partial/progress.json ]; do sleep 0.05; done; sleep 0.5; "
                             "kill -INT $$) & exec " PREVIEW "--frames 100000 --steps 32");
    cr_expect_geq(s->pictures, 2, "%d pictures", s->pictures);
    cr_expect_not(s->scattered, "rows of the picture are not below each other");
    bool told = false;
    for (int row = 0; row < ROWS; row++)
        told = told || strstr(s->cell[row], "finishing the files");
    cr_expect(told);
    free(s);
    folder_close(&f);
}

static int count_of(const char *text, const char *what)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

/* Terminals that show pixels get pixels: a picture between the marks, none of the older ones kept by kitty. Inside tmux
 * only blocks. */
Test(live_picture, pixels_where_the_terminal_shows_them)
{
    static const struct {
        const char *terminal, *begin, *erase;
    } rows[] = {
        {"xterm-kitty", "\033_G", "\033_Ga=d,d=C\033\\"},
        {"foot", "\033P", NULL},
        {"tmux-256color", NULL, NULL},
    };
    const struct folder f = with_clip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct outcome o = run_well(
            &f, "python3 " PV_TESTS_DIR "/pixel_terminal.py %s " PREVIEW "--frames 20 --steps 8", rows[i].terminal);
        const int pictures = count_of(o.out, "\033[?2026h");
        cr_expect(pictures > 0 && count_of(o.out, "\033[?2026l") == pictures, "%s: %d", rows[i].terminal, pictures);
        cr_expect_eq(strstr(o.out, "\033_G") != NULL, i == 0, "%s", rows[i].terminal);
        cr_expect_eq(strstr(o.out, "\033P") != NULL, i == 1, "%s", rows[i].terminal);
        if (rows[i].begin)
            cr_expect_geq(count_of(o.out, rows[i].begin), pictures, "%s", rows[i].terminal);
        if (rows[i].erase)
            cr_expect_geq(count_of(o.out, rows[i].erase), pictures + 1, "before each, and at the end");
        cr_expect_lt(o.out_size / (size_t)pictures, 250000, "%s: %zu bytes for %d pictures", rows[i].terminal,
                     o.out_size, pictures);
    }
    folder_close(&f);
}
#endif

Test(live_picture, is_left_out_where_it_is_not_wanted)
{
    static const struct {
        const char *settings, *command;
        bool shown;
    } rows[] = {
        {"", PREVIEW "--frames 3 --steps 1", PV_HAVE_CHAFA},
        {"", PREVIEW "--frames 3 --steps 1 --no-picture", false},
        {"", PREDICT "--frames 3 --steps 1 --no-picture", false},
        {"", PREVIEW "--frames 3 --steps 1 --quiet", false},
        {"", "stty rows 9; " PREVIEW "--frames 3 --steps 1", false},
        {"", "stty rows 0 cols 0; " PREVIEW "--frames 3 --steps 1", false},
        {"export NO_COLOR=1;", PREVIEW "--frames 3 --steps 1", false},
        {"export TERM=dumb;", PREVIEW "--frames 3 --steps 1", false},
        {"export TERM=vt100;", PREVIEW "--frames 3 --steps 1", false},
    };
    const struct folder f = with_clip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct screen *s = watch(&f, rows[i].settings, rows[i].command);
        cr_expect_eq(s->pictures > 0, rows[i].shown, "%s%s: %d pictures", rows[i].settings, rows[i].command,
                     s->pictures);
        free(s);
    }
    const struct outcome o = run_well(&f, "TERM=xterm-256color " PREVIEW "--frames 3 --steps 1");
    cr_expect_null(strchr(o.error, '\033'), "stderr is a file: %s", o.error);
    folder_close(&f);
}
