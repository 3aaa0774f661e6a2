/* page.c: page.html, which the build turns into bytes, with the list of takes put in its place. */
#include "preview/page.h"

#include <stdlib.h>
#include <string.h>

#include "preview/page_bytes.h"
#include "preview/work.h"

static const char place[] = "@TAKES@";

/* JSON inside of HTML: a '<' could end the script. Inside of strings, where alone it occurs, \u003c is the same. */
static char *escaped(const json_t *versions, size_t *length)
{
    char *json = json_dumps(versions, JSON_COMPACT | JSON_ENSURE_ASCII);
    char *out = json ? malloc(6 * strlen(json) + 1) : NULL;
    *length = 0;
    for (const char *c = json; out && *c; c++) {
        if (*c == '<') {
            memcpy(out + *length, "\\u003c", 6);
            *length += 6;
        } else {
            out[(*length)++] = *c;
        }
    }
    free(json);
    return out;
}

pv_status pv_preview_write_page(const struct pv_preview_plan *plan, const json_t *versions, struct pv_error *err)
{
    const char *page = (const char *)pv_preview_page_bytes;
    const char *found = strstr(page, place);
    char path[PV_PREVIEW_PATH_BYTES];
    PV_TRY(pv_preview_path(plan, "index.html", path, err));
    size_t length;
    char *json = escaped(versions, &length);
    const size_t head = (size_t)(found - page), tail = strlen(found + sizeof place - 1);
    char *whole = json ? malloc(head + length + tail) : NULL;
    if (!whole) {
        free(json);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for '%s'", path);
    }
    memcpy(whole, page, head);
    memcpy(whole + head, json, length);
    memcpy(whole + head + length, found + sizeof place - 1, tail);
    const pv_status status = pv_preview_save_text(path, whole, head + length + tail, err);
    free(whole);
    free(json);
    return status;
}
