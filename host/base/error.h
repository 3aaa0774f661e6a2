/* error.h: how a failure travels: a status to act on, and one sentence to show.
 *
 * A function that can fail takes a struct pv_error, fills it through pv_fail and returns the status. The sentence names
 * the file, value or tensor, what was expected, and what to do. The first failure wins: callers pass the error on. */
#ifndef PV_BASE_ERROR_H
#define PV_BASE_ERROR_H

#include <prevue/prevue.h>

#include "base/compiler.h"

enum { PV_ERROR_TEXT = 1024 };

struct pv_error {
    char text[PV_ERROR_TEXT]; /* NUL-terminated, cut when longer; "" = none */
};

/* Writes the sentence and returns status, so that a failure is one line: return pv_fail(err, PV_ERR_IO, "...", ...).
 * err may be NULL. */
pv_status pv_fail(struct pv_error *err, pv_status status, const char *format, ...) PV_PRINTF(3, 4);

/* Leaves the function with the status of call when that is not PV_OK. For functions with nothing to release. */
#define PV_TRY(call)                                                                                                   \
    do {                                                                                                               \
        const pv_status try_status_ = (call);                                                                          \
        if (try_status_ != PV_OK)                                                                                      \
            return try_status_;                                                                                        \
    } while (0)

#endif
