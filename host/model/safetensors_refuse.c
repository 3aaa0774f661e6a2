/* safetensors_refuse.c: the one shape of every sentence that says a file is not valid. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/safetensors_part.h"

pv_status pv_source_refuse(const struct pv_source *source, const char *format, ...)
{
    char problem[PV_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(problem, sizeof problem, format, args);
    va_end(args);
    return pv_fail(source->err, source->invalid, "%s is not valid: %s. Export or download it again.",
                   pv_path_tail(source->file), problem);
}

pv_status pv_source_out_of_memory(const struct pv_source *source)
{
    return pv_fail(source->err, PV_ERR_MEMORY, "%s: no memory for its list of tensors", pv_path_tail(source->file));
}

pv_status pv_source_refuse_json(const struct pv_source *source, const json_error_t *error, const char *text,
                                size_t length, size_t offset)
{
    enum { CONTEXT = 48 };
    if (error->text[0] == '\0') /* jansson sets no text only when it runs out of memory */
        return pv_source_out_of_memory(source);

    /* jansson quotes the text nearby as it is, if it is short. Ours is safe to print and always there. */
    const char *near = strstr(error->text, " near ");
    const int problem = near ? (int)(near - error->text) : (int)strlen(error->text);
    size_t at = error->position > 0 ? (size_t)error->position : 0;
    if (at > length)
        at = length;
    const size_t shown = at < CONTEXT ? at : CONTEXT;
    return pv_source_refuse(source, "byte %zu: %.*s, after %s", offset + at, problem, error->text,
                            pv_quote(text + at - shown, shown).text);
}
