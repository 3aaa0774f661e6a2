/* ahead.h: how the commands keep a device busy: frames are asked for as long as it takes them, then one is received. */
#ifndef PV_CLI_AHEAD_H
#define PV_CLI_AHEAD_H

#include <prevue/prevue.h>
#include <stdint.h>

/* Predicts until so many frames were asked for, or no more is taken: at least one waits then, if any is to come.
 * *asked: how many were so far. */
static inline pv_status pv_ask_ahead(pv_rollout *rollout, const pv_action *action, int64_t *asked, int64_t until)
{
    pv_status status = PV_OK;
    while (*asked < until && (status = pv_rollout_predict(rollout, action)) == PV_OK)
        ++*asked;
    return status == PV_AGAIN ? PV_OK : status;
}

#endif
