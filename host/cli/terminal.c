/* terminal.c: sentences and the progress line share stderr; the lock keeps them apart. */
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

enum { SENTENCE_BYTES = 1536, MOST_NOTICES = 64 };

bool pv_terminal_styled(int fd)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

int pv_terminal_columns(int fd)
{
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col < 40 ? 40 : size.ws_col > 100 ? 100 : size.ws_col;
}

bool pv_terminal_open(struct pv_terminal *terminal)
{
    const char *term = getenv("TERM");
    *terminal = (struct pv_terminal){
        .live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
        .colour = pv_terminal_styled(STDERR_FILENO),
        .notices = json_array(),
    };
    return terminal->notices && pthread_mutex_init(&terminal->lock, NULL) == 0;
}

void pv_terminal_close(struct pv_terminal *terminal)
{
    pv_terminal_progress_end(terminal);
    json_decref(terminal->notices);
    pthread_mutex_destroy(&terminal->lock);
}

/* Well-formed UTF-8 without control characters: of the C0 set, DEL, and C1 (U+0080 to U+009F, which is C2 80 to C2 9F).
 */
static void make_safe(const char *sentence, char *out, size_t room)
{
    const char *end = out + room - 5; /* one \xNN and the NUL */
    for (size_t left = strlen(sentence); left > 0 && out < end;) {
        const unsigned char c = (unsigned char)*sentence;
        const bool c1 = c == 0xc2 && left > 1 && (unsigned char)sentence[1] < 0xa0;
        const bool printable = c < 0x80 ? c >= 0x20 && c != 0x7f : !c1 && pv_utf8_valid_bytes(sentence, left) > 0;
        size_t bytes = 1;
        if (printable) {
            bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
            if (out + bytes > end)
                break;
            memcpy(out, sentence, bytes);
            out += bytes;
        } else {
            out += snprintf(out, 5, "\\x%02x", c);
        }
        sentence += bytes;
        left -= bytes;
    }
    *out = '\0';
}

/* The picture and the line below it. */
static void clear_line_locked(struct pv_terminal *terminal)
{
    if (terminal->picture_rows > 0)
        fprintf(stderr, "\r\033[%dA%s\033[J", terminal->picture_rows, terminal->picture_erase);
    else if (terminal->progress_shown)
        fputs("\r\033[K", stderr);
    terminal->picture_rows = 0;
    terminal->progress_shown = false;
}

static void print_sentence(struct pv_terminal *terminal, pv_log_level level, const char *sentence)
{
    static const char *const kinds[] = {"", "warning: ", "note: ", ""};
    static const char *const colours[] = {"\033[1;31m", "\033[1;33m", "\033[1m", "\033[2m"};
    char safe[SENTENCE_BYTES];
    if (level < PV_LOG_ERROR || level > PV_LOG_DEBUG)
        level = PV_LOG_DEBUG;
    make_safe(sentence, safe, sizeof safe);
    pthread_mutex_lock(&terminal->lock);
    if ((level == PV_LOG_WARNING || level == PV_LOG_NOTICE) && json_array_size(terminal->notices) < MOST_NOTICES)
        json_array_append_new(terminal->notices, json_string(safe));
    if (level == PV_LOG_ERROR || (level == PV_LOG_DEBUG ? terminal->verbose : !terminal->quiet)) {
        clear_line_locked(terminal);
        fprintf(stderr, "%sprevue:%s %s%s\n", terminal->colour ? colours[level] : "", terminal->colour ? "\033[0m" : "",
                kinds[level], safe);
    }
    pthread_mutex_unlock(&terminal->lock);
}

void pv_terminal_say(struct pv_terminal *terminal, pv_log_level level, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    print_sentence(terminal, level, sentence);
}

void pv_terminal_log(void *user, pv_log_level level, const char *sentence)
{
    if (level != PV_LOG_ERROR)
        print_sentence(user, level, sentence);
}

/* Notices are bounded, so this is too. */
static bool was_said(struct pv_terminal *terminal, const char *sentence)
{
    char safe[SENTENCE_BYTES];
    bool found = false;
    size_t i;
    json_t *notice;
    make_safe(sentence, safe, sizeof safe);
    pthread_mutex_lock(&terminal->lock);
    json_array_foreach(terminal->notices, i, notice)
    {
        const char *said = json_string_value(notice);
        found = found || (said && strcmp(said, safe) == 0);
    }
    pthread_mutex_unlock(&terminal->lock);
    return found;
}

void pv_terminal_log_once(struct pv_terminal *terminal, pv_log_level level, const char *sentence)
{
    if (!was_said(terminal, sentence))
        pv_terminal_log(terminal, level, sentence);
}

void pv_terminal_result(struct pv_terminal *terminal, const char *format, ...)
{
    char sentence[SENTENCE_BYTES], safe[SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    make_safe(sentence, safe, sizeof safe);
    pthread_mutex_lock(&terminal->lock);
    clear_line_locked(terminal);
    if (!terminal->quiet)
        fprintf(stderr, "prevue: %s\n", safe);
    pthread_mutex_unlock(&terminal->lock);
}

void pv_terminal_progress(struct pv_terminal *terminal, const char *what, int64_t done, int64_t total, double seconds)
{
    if (!terminal->live || terminal->quiet)
        return;
    char line[128], left[32] = "";
    const double fps = seconds > 0 ? (double)done / seconds : 0;
    if (total > 0 && fps > 0) {
        const double remaining = (double)(total - done) / fps;
        const int64_t s = remaining < 359999 ? (int64_t)(remaining + 0.5) : 359999;
        snprintf(left, sizeof left, "  %d:%02d:%02d left", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    }
    if (total > 0)
        snprintf(line, sizeof line, "%s %lld of %lld frames  %.1f fps%s", what, (long long)done, (long long)total, fps,
                 left);
    else
        snprintf(line, sizeof line, "%s %lld frames  %.1f fps", what, (long long)done, fps);
    pv_terminal_progress_line(terminal, line);
}

void pv_terminal_progress_line(struct pv_terminal *terminal, const char *line)
{
    if (!terminal->live || terminal->quiet)
        return;
    pthread_mutex_lock(&terminal->lock);
    fprintf(stderr, "\r\033[K%.*s", pv_terminal_columns(STDERR_FILENO) - 1, line);
    fflush(stderr);
    terminal->progress_shown = true;
    pthread_mutex_unlock(&terminal->lock);
}

/* One write a picture, between marks that tell a terminal to show it at once: nothing flickers. The cursor's place is
 * kept by the terminal, since pictures of pixels leave it anywhere. */
void pv_terminal_picture(struct pv_terminal *terminal, const char *text, size_t length, int rows, const char *erase)
{
    char *bytes = NULL;
    size_t count = 0;
    if (!terminal->live || terminal->quiet)
        return;
    FILE *out = open_memstream(&bytes, &count);
    if (!out)
        return;
    pthread_mutex_lock(&terminal->lock);
    if (terminal->picture_rows != rows) {
        clear_line_locked(terminal);
        for (int i = 0; i < rows; i++)
            fputc('\n', out);
    }
    fprintf(out, "\033[?2026h\0337\r\033[%dA%s", rows, erase);
    fwrite(text, 1, length, out);
    fputs("\0338\033[?2026l", out);
    if (fclose(out) == 0) {
        fwrite(bytes, 1, count, stderr);
        terminal->picture_rows = rows;
        terminal->picture_erase = erase;
    }
    fflush(stderr);
    pthread_mutex_unlock(&terminal->lock);
    free(bytes);
}

bool pv_terminal_has_picture(struct pv_terminal *terminal)
{
    pthread_mutex_lock(&terminal->lock);
    const bool shown = terminal->picture_rows > 0;
    pthread_mutex_unlock(&terminal->lock);
    return shown;
}

void pv_terminal_picture_end(struct pv_terminal *terminal)
{
    pthread_mutex_lock(&terminal->lock);
    if (terminal->picture_rows > 0)
        clear_line_locked(terminal);
    pthread_mutex_unlock(&terminal->lock);
}

void pv_terminal_size_of(struct pv_terminal_size *size)
{
    struct winsize w;
    const bool told = isatty(STDERR_FILENO) && ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0;
    *size = told ? (struct pv_terminal_size){w.ws_col, w.ws_row, w.ws_xpixel, w.ws_ypixel}
                 : (struct pv_terminal_size){0, 0, 0, 0};
}

void pv_terminal_progress_end(struct pv_terminal *terminal)
{
    pthread_mutex_lock(&terminal->lock);
    clear_line_locked(terminal);
    pthread_mutex_unlock(&terminal->lock);
}
