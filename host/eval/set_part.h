/* set_part.h: what reading and recording of held-out clips share; nobody else includes it. */
#ifndef PV_EVAL_SET_PART_H
#define PV_EVAL_SET_PART_H

#include "eval/set.h"

#define PV_SET_SCHEMA         1
#define PV_SET_STEPS_A_UNIT   2048.0
#define PV_SET_STEPS_A_RADIAN (65536 / 6.28318530717958647692)

const char *pv_set_range_name(enum pv_world_range range);

/* Of what the seed drew, and no simulation: FNV-1a over the text of objects, floor, ramps and gravity, numbers to six
 * digits. A world that is changed no longer fits its recording. */
json_int_t pv_set_scene_hash(const json_t *truth);

#endif
