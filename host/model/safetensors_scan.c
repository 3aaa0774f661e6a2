/* safetensors_scan.c: a first look at a header, byte by byte, before jansson sees it.
 *
 * A header needs little of JSON: one object of objects, which hold strings and short lists of whole numbers. Whatever
 * goes beyond that (a sign, a fraction, true, a list in a list) is refused here with its byte. What passes cannot nest
 * deeply and cannot hold more tensors than allowed, so the memory jansson takes for it is bounded. Grammar is left to
 * jansson: this scan only knows strings and depth. */
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "model/safetensors_part.h"

struct scan {
    const struct pv_source *source;
    const char *text;
    size_t length, at;
    int depth; /* open objects and lists */
    bool in_list;
    size_t commas;            /* of the open list */
    size_t tensors;           /* keys of the outermost object */
    size_t name, name_length; /* the latest string of the outermost object, without its quotes */
};

static bool at_metadata(const struct scan *s)
{
    static const char key[] = PV_SAFETENSORS_METADATA_KEY;
    return s->name_length == sizeof key - 1 && memcmp(s->text + s->name, key, sizeof key - 1) == 0;
}

/* Refuses with the byte, counted from the start of the file, and the tensor it is in. */
static pv_status refuse_here(const struct scan *s, const char *problem)
{
    const size_t byte = PV_SAFETENSORS_LENGTH_BYTES + s->at;
    const struct pv_quoted found = pv_quote(s->text + s->at, 1);
    if (s->depth < 2)
        return pv_source_refuse(s->source, "byte %zu is %s; %s", byte, found.text, problem);
    if (at_metadata(s))
        return pv_source_refuse(s->source, "byte %zu, in " PV_SAFETENSORS_METADATA_KEY ", is %s; %s", byte, found.text,
                                problem);
    return pv_source_refuse(s->source, "byte %zu, in tensor %s, is %s; %s", byte,
                            pv_quote(s->text + s->name, s->name_length).text, found.text, problem);
}

/* at is on the opening quote; leaves it on the closing one, or at the end when there is none. */
static pv_status scan_string(struct scan *s)
{
    const size_t start = ++s->at;
    while (s->at < s->length && s->text[s->at] != '"') {
        if (s->text[s->at] == '\\') {
            if (s->length - s->at >= 6 && memcmp(s->text + s->at, "\\u0000", 6) == 0)
                return refuse_here(s, "it starts an escaped NUL, which no name may hold");
            s->at++;
        }
        s->at++;
    }
    if (s->at > s->length)
        s->at = s->length;
    if (s->depth == 1) {
        s->name = start;
        s->name_length = s->at - start;
    }
    return PV_OK;
}

static pv_status open_object(struct scan *s)
{
    if (s->depth == 0 && s->at != 0)
        return refuse_here(s, "the header is one object");
    if (s->depth > 1)
        return refuse_here(s, "no object belongs inside a tensor's entry or " PV_SAFETENSORS_METADATA_KEY);
    s->depth++;
    return PV_OK;
}

static pv_status open_list(struct scan *s)
{
    if (s->depth != 2 || s->in_list)
        return refuse_here(s, "only shape and data_offsets are lists");
    s->depth++;
    s->in_list = true;
    s->commas = 0;
    return PV_OK;
}

static pv_status close_one(struct scan *s, bool list)
{
    if (s->depth == 0 || s->in_list != list)
        return refuse_here(s, "it closes nothing");
    s->depth--;
    s->in_list = false;
    return PV_OK;
}

static pv_status scan_byte(struct scan *s)
{
    switch (s->text[s->at]) {
    case '"': return scan_string(s);
    case '{': return open_object(s);
    case '[': return open_list(s);
    case '}': return close_one(s, false);
    case ']': return close_one(s, true);
    case ',':
        if (s->in_list && ++s->commas == PV_TENSOR_MAX_RANK)
            return refuse_here(s, "a tensor has at most 8 dimensions");
        return PV_OK;
    case ':':
        if (s->depth == 1 && !at_metadata(s) && ++s->tensors > PV_SAFETENSORS_MAX_TENSORS)
            return refuse_here(s, "a file has at most 1000000 tensors");
        return PV_OK;
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
    case ' ':
    case '\t':
    case '\n':
    case '\r': return PV_OK;
    case '-':
    case '+':
    case '.':
    case 'e':
    case 'E': return refuse_here(s, "numbers are whole and not negative");
    default: return refuse_here(s, "expected a string, a whole number, a list or an object");
    }
}

pv_status pv_safetensors_scan(const struct pv_source *source, const char *text, size_t length)
{
    struct scan s = {.source = source, .text = text, .length = length};
    if (length == 0)
        return pv_source_refuse(source, "its header is empty; expected '{' at byte 8");
    if (text[0] != '{')
        return refuse_here(&s, "the header starts with '{'");

    const char *nul = memchr(text, '\0', length);
    if (nul) {
        s.at = (size_t)(nul - text);
        return refuse_here(&s, "the header holds no NUL");
    }
    const size_t valid = pv_utf8_valid_bytes(text, length);
    if (valid < length) {
        s.at = valid;
        return refuse_here(&s, "the header is not UTF-8 from there on");
    }
    for (; s.at < length; s.at++)
        PV_TRY(scan_byte(&s));
    return PV_OK;
}
