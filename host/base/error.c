/* error.c: formatting of failures and the words for each status. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

pv_status pv_fail(struct pv_error *err, pv_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

const char *pv_status_text(pv_status status)
{
    switch (status) {
    case PV_OK: return "done";
    case PV_AGAIN: return "nothing ready yet";
    case PV_END: return "nothing left";
    case PV_ERR_ARGUMENT: return "a value is out of its range";
    case PV_ERR_MEMORY: return "out of memory";
    case PV_ERR_IO: return "a file cannot be opened, read or written";
    case PV_ERR_FORMAT: return "a file is not valid";
    case PV_ERR_MODEL: return "a model file is not valid";
    case PV_ERR_UNSUPPORTED: return "not supported by this build";
    case PV_ERR_DEVICE: return "a device is missing or failed";
    case PV_ERR_ABORTED: return "stopped on request";
    case PV_ERR_INTERNAL: return "a mistake in prevue";
    }
    return "unknown status";
}
