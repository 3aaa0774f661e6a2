/* sequence.c: see sequence.h. FFmpeg's image2 looks for the first number only near 0 and stops at a hole in silence;
 * shots start at 1001 and holes matter, so the directory is read here. */
#include "clip/sequence.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/path.h"

enum { MAX_DIGITS = 9 };

/* The first number in a pattern: where it starts and ends, and its digits; NULL = none. */
static const char *find_number(const char *path, const char **end, int *digits)
{
    for (const char *p = path; *p; p++) {
        if (*p == '#') {
            const size_t length = strspn(p, "#");
            *end = p + length;
            *digits = length <= MAX_DIGITS ? (int)length : MAX_DIGITS;
            return p;
        }
        if (*p == '%') {
            const char *q = p + 1;
            int width = 0;
            while (isdigit((unsigned char)*q) && width <= MAX_DIGITS)
                width = 10 * width + (*q++ - '0');
            if (*q == 'd' && width <= MAX_DIGITS) {
                *end = q + 1;
                *digits = width > 0 ? width : 1;
                return p;
            }
        }
    }
    return NULL;
}

bool pv_sequence_is_pattern(const char *path)
{
    const char *end;
    int digits;
    struct stat st;
    return find_number(path, &end, &digits) && stat(path, &st) != 0;
}

static pv_status make(struct pv_sequence *s, const char *prefix, size_t prefix_length, const char *suffix, int digits,
                      struct pv_error *err)
{
    s->prefix = strndup(prefix, prefix_length);
    s->suffix = strdup(suffix);
    s->digits = digits;
    if (s->prefix && s->suffix)
        return PV_OK;
    pv_sequence_release(s);
    return pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
}

pv_status pv_sequence_parse(const char *path, struct pv_sequence *sequence, struct pv_error *err)
{
    const char *end, *again;
    int digits, ignored;
    const char *start = find_number(path, &end, &digits);
    *sequence = (struct pv_sequence){0};
    if (!start || find_number(end, &again, &ignored))
        return pv_fail(err, PV_ERR_ARGUMENT,
                       "'%s' must have exactly one place for the picture's number, such as %%04d or ####", path);
    return make(sequence, path, (size_t)(start - path), end, digits, err);
}

static bool is_picture_name(const char *name)
{
    static const char *const endings[] = {".png", ".exr", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".bmp", ".webp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0 && !strstr(name, ".partial."))
            return true;
    return false;
}

pv_status pv_sequence_of_directory(const char *path, struct pv_sequence *sequence, struct pv_error *err)
{
    *sequence = (struct pv_sequence){0};
    DIR *dir = opendir(path);
    if (!dir)
        return pv_fail(err, PV_ERR_IO, "cannot read the directory '%s': %s", path, strerror(errno));
    char first[sizeof((struct dirent *)0)->d_name] = "";
    for (const struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (is_picture_name(name) && (!first[0] || strcmp(name, first) < 0))
            snprintf(first, sizeof first, "%s", name);
    }
    closedir(dir);
    /* The last run of digits before the ending is the number. */
    const char *dot = strrchr(first, '.'), *end = dot;
    while (end && end > first && !isdigit((unsigned char)end[-1]))
        end--;
    const char *start = end;
    while (start && start > first && isdigit((unsigned char)start[-1]) && end - start < MAX_DIGITS)
        start--;
    if (!start || start == end)
        return pv_fail(err, PV_ERR_FORMAT, "there is no numbered picture (such as shot.1001.png) in the directory '%s'",
                       path);
    const size_t path_length = strlen(path), length = path_length + 1 + (size_t)(start - first);
    char *prefix = malloc(length + 1);
    if (!prefix)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    snprintf(prefix, length + 1, "%s%s%.*s", path, path[path_length - 1] == '/' ? "" : "/", (int)(start - first),
             first);
    const pv_status status = make(sequence, prefix, strlen(prefix), end, (int)(end - start), err);
    free(prefix);
    return status;
}

pv_status pv_sequence_of_path(const char *path, struct pv_sequence *sequence, struct pv_error *err)
{
    struct stat st;
    *sequence = (struct pv_sequence){0};
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return pv_sequence_of_directory(path, sequence, err);
    return pv_sequence_is_pattern(path) ? pv_sequence_parse(path, sequence, err) : PV_OK;
}

/* The number of a file of this sequence; -1 = not one. */
static int number_of(const char *name, const char *stem, const char *suffix, int digits)
{
    const size_t stem_length = strlen(stem);
    if (strncmp(name, stem, stem_length) != 0)
        return -1;
    const char *p = name + stem_length;
    const size_t length = strspn(p, "0123456789");
    const bool padded_right = length == (size_t)digits || (length > (size_t)digits && p[0] != '0');
    if (!padded_right || length > MAX_DIGITS || strcmp(p + length, suffix) != 0)
        return -1;
    return atoi(p);
}

static int compare_int(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static pv_status collect_numbers(DIR *dir, const char *stem, const struct pv_sequence *s, int **numbers, size_t *count,
                                 struct pv_error *err)
{
    size_t room = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        const int number = number_of(entry->d_name, stem, s->suffix, s->digits);
        if (number < 0)
            continue;
        if (*count == room) {
            room = room ? 2 * room : 256;
            int *grown = room <= SIZE_MAX / sizeof *grown ? realloc(*numbers, room * sizeof *grown) : NULL;
            if (!grown)
                return pv_fail(err, PV_ERR_MEMORY, "no memory for the numbers of %zu pictures", *count);
            *numbers = grown;
        }
        (*numbers)[(*count)++] = number;
    }
    return PV_OK;
}

pv_status pv_sequence_scan(const struct pv_sequence *s, struct pv_sequence_extent *extent, struct pv_error *err)
{
    const char *slash = strrchr(s->prefix, '/');
    const char *stem = slash ? slash + 1 : s->prefix;
    char *folder = pv_path_folder(s->prefix);
    if (!folder)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    DIR *dir = strchr(s->suffix, '/') ? NULL : opendir(folder);
    free(folder);
    if (!dir)
        return pv_fail(err, PV_ERR_IO, "cannot read the directory of '%s...%s': %s", s->prefix, s->suffix,
                       strerror(errno));
    int *numbers = NULL;
    size_t count = 0;
    pv_status status = collect_numbers(dir, stem, s, &numbers, &count, err);
    closedir(dir);
    if (status == PV_OK && count == 0)
        status = pv_fail(err, PV_ERR_IO, "there is no picture named '%s' NUMBER '%s'", s->prefix, s->suffix);
    if (status == PV_OK) {
        qsort(numbers, count, sizeof *numbers, compare_int);
        size_t run = 1;
        while (run < count && numbers[run] == numbers[run - 1] + 1)
            run++;
        *extent = (struct pv_sequence_extent){.first = numbers[0], .run = (int)run, .total = (int)count};
    }
    free(numbers);
    return status;
}

char *pv_sequence_name(const struct pv_sequence *s, int number, const char *infix)
{
    const size_t size = strlen(s->prefix) + strlen(s->suffix) + strlen(infix) + 24;
    char *name = malloc(size);
    if (name)
        snprintf(name, size, "%s%0*d%s%s", s->prefix, s->digits, number, infix, s->suffix);
    return name;
}

/* Copies text with every % doubled; returns the end. */
static char *escape(char *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '%')
            *to++ = '%';
        *to++ = *text;
    }
    return to;
}

char *pv_sequence_pattern(const struct pv_sequence *s)
{
    const size_t size = 2 * (strlen(s->prefix) + strlen(s->suffix)) + 24;
    char *pattern = malloc(size);
    if (!pattern)
        return NULL;
    char *end = escape(pattern, s->prefix);
    end += snprintf(end, 16, "%%0%dd", s->digits);
    *escape(end, s->suffix) = '\0';
    return pattern;
}

void pv_sequence_release(struct pv_sequence *s)
{
    free(s->prefix);
    free(s->suffix);
    *s = (struct pv_sequence){0};
}
