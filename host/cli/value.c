/* value.c: the text of one option's argument -> a checked value. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "suggest.h"

const char *pv_choice_next(const char *choices, char out[PV_CHOICE_BYTES])
{
    if (!choices || !*choices)
        return NULL;
    const size_t length = strcspn(choices, "|");
    snprintf(out, PV_CHOICE_BYTES, "%.*s", (int)length, choices);
    return choices + length + (choices[length] == '|');
}

int pv_choice_find(const char *choices, const char *word)
{
    char choice[PV_CHOICE_BYTES];
    for (int place = 0; (choices = pv_choice_next(choices, choice)); place++)
        if (strcmp(choice, word) == 0)
            return place;
    return -1;
}

/* "review, edit or none" */
static void choices_to_words(const char *choices, char *out, size_t room)
{
    char choice[PV_CHOICE_BYTES];
    size_t used = 0;
    out[0] = '\0';
    while ((choices = pv_choice_next(choices, choice))) {
        const char *before = used == 0 ? "" : *choices ? ", " : " or ";
        const int more = snprintf(out + used, room - used, "%s%s", before, choice);
        if (more < 0 || (size_t)more >= room - used)
            return;
        used += (size_t)more;
    }
}

/* All kinds of refusal read the same: what the option takes, what it got, and the nearest choice. */
static pv_status refuse(const struct pv_option *option, const char *text, const char *expected, struct pv_error *err)
{
    struct pv_suggestion near = {.typed = text};
    char words[8][PV_CHOICE_BYTES];
    const char *rest = option->choices;
    for (int i = 0; i < 8 && (rest = pv_choice_next(rest, words[i])); i++)
        pv_suggestion_offer(&near, words[i]);
    if (near.best)
        return pv_fail(err, PV_ERR_ARGUMENT, "--%s takes %s, not '%s'; did you mean %s?", option->name, expected, text,
                       near.best);
    return pv_fail(err, PV_ERR_ARGUMENT, "--%s takes %s, not '%s'", option->name, expected, text);
}

/* The whole text as a number; false when there is more or less than one. */
static bool read_number(const char *text, double *out)
{
    char *end;
    if (!*text || strchr(" \t\n\v\f\r", *text))
        return false;
    errno = 0;
    *out = strtod(text, &end);
    return !*end && isfinite(*out) && errno != ERANGE && !strpbrk(text, "xXpP");
}

static bool read_integer(const char *text, int64_t *out)
{
    char *end;
    if (!*text || strchr(" \t\n\v\f\r", *text))
        return false;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    *out = value;
    return !*end && end != text && errno == 0;
}

static bool read_seed(const char *text, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return !*end && errno == 0 && value <= INT64_MAX;
}

static pv_status store_count(const struct pv_option *option, const char *text, int64_t *out, struct pv_error *err)
{
    char expected[96];
    snprintf(expected, sizeof expected, "a whole number from %.0f to %.0f", option->min, option->max);
    if (!read_integer(text, out) || (double)*out < option->min || (double)*out > option->max)
        return refuse(option, text, expected, err);
    return PV_OK;
}

static pv_status store_number(const struct pv_option *option, const char *text, double *out, struct pv_error *err)
{
    char expected[96];
    snprintf(expected, sizeof expected, "a number from %g to %g", option->min, option->max);
    if (!read_number(text, out) || *out < option->min || *out > option->max)
        return refuse(option, text, expected, err);
    return PV_OK;
}

static pv_status store_choice(const struct pv_option *option, const char *text, int *out, struct pv_error *err)
{
    char expected[160];
    choices_to_words(option->choices, expected, sizeof expected);
    *out = pv_choice_find(option->choices, text);
    return *out < 0 ? refuse(option, text, expected, err) : PV_OK;
}

static pv_status store_size(const struct pv_option *option, const char *text, struct pv_size_value *out,
                            struct pv_error *err)
{
    char all[96], words[160], expected[224], width[12];
    snprintf(all, sizeof all, "%s%sWIDTHxHEIGHT", option->choices ? option->choices : "", option->choices ? "|" : "");
    choices_to_words(all, words, sizeof words);
    snprintf(expected, sizeof expected, "%s (sides from %.0f to %.0f)", words, option->min, option->max);
    out->choice = option->choices ? pv_choice_find(option->choices, text) : -1;
    if (out->choice >= 0)
        return PV_OK;
    int64_t w, h;
    const char *cross = strchr(text, 'x');
    if (!cross || (size_t)(cross - text) >= sizeof width)
        return refuse(option, text, expected, err);
    snprintf(width, sizeof width, "%.*s", (int)(cross - text), text);
    if (!read_integer(width, &w) || !read_integer(cross + 1, &h) || (double)w < option->min ||
        (double)h < option->min || (double)w > option->max || (double)h > option->max)
        return refuse(option, text, expected, err);
    out->width = (int)w;
    out->height = (int)h;
    return PV_OK;
}

static pv_status store_pair(const struct pv_option *option, const char *text, struct pv_pair_value *out,
                            struct pv_error *err)
{
    char expected[96], first[32];
    snprintf(expected, sizeof expected, "two numbers X,Y, each from %g to %g", option->min, option->max);
    const char *comma = strchr(text, ',');
    if (!comma || (size_t)(comma - text) >= sizeof first)
        return refuse(option, text, expected, err);
    snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
    if (!read_number(first, &out->x) || !read_number(comma + 1, &out->y) || out->x < option->min ||
        out->y < option->min || out->x > option->max || out->y > option->max)
        return refuse(option, text, expected, err);
    out->given = true;
    return PV_OK;
}

/* 23.976, 29.97 and 59.94 are the spoken names of 24000/1001, 30000/1001 and 60000/1001. */
static pv_status store_rate(const struct pv_option *option, const char *text, struct pv_rate_value *out,
                            struct pv_error *err)
{
    static const char expected[] = "frames a second, from 1 to 480: 24, 23.976 or 24000/1001";
    char num_text[12];
    int64_t num, den;
    double value;
    const char *slash = strchr(text, '/');
    if (slash && (size_t)(slash - text) < sizeof num_text) {
        snprintf(num_text, sizeof num_text, "%.*s", (int)(slash - text), text);
        if (!read_integer(num_text, &num) || !read_integer(slash + 1, &den) || den < 1 || den > 1000000)
            return refuse(option, text, expected, err);
    } else if (read_number(text, &value) && value >= 1 && value <= 480) {
        const double ntsc = round(value * 1.001);
        const bool spoken = value != floor(value) && fabs(ntsc * 1000 / 1001 - value) < 0.005;
        num = spoken ? (int64_t)ntsc * 1000 : llround(value * 1000);
        den = spoken ? 1001 : 1000;
        if (den == 1000 && num % 1000 == 0) {
            num /= 1000;
            den = 1;
        }
    } else {
        return refuse(option, text, expected, err);
    }
    if (num < den || num > 480 * den || num > INT32_MAX)
        return refuse(option, text, expected, err);
    out->num = (int)num;
    out->den = (int)den;
    return PV_OK;
}

pv_status pv_option_store(const struct pv_option *option, const char *text, void *values, struct pv_error *err)
{
    void *at = (char *)values + option->offset;
    switch (option->kind) {
    case PV_OPTION_FLAG: *(bool *)at = true; return PV_OK;
    case PV_OPTION_TEXT:
    case PV_OPTION_FILE:
        if (!*text)
            return pv_fail(err, PV_ERR_ARGUMENT, "--%s takes a %s, not an empty word", option->name, option->argument);
        *(const char **)at = text;
        return PV_OK;
    case PV_OPTION_COUNT: return store_count(option, text, at, err);
    case PV_OPTION_SEED:
        return read_seed(text, at) ? PV_OK : refuse(option, text, "a whole number from 0 to 9223372036854775807", err);
    case PV_OPTION_NUMBER: return store_number(option, text, at, err);
    case PV_OPTION_CHOICE: return store_choice(option, text, at, err);
    case PV_OPTION_SIZE: return store_size(option, text, at, err);
    case PV_OPTION_PAIR: return store_pair(option, text, at, err);
    case PV_OPTION_RATE: return store_rate(option, text, at, err);
    }
    return pv_fail(err, PV_ERR_INTERNAL, "--%s has no kind", option->name);
}
