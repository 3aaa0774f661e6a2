/* meter.h: a stream around another one that counts what each op does and, when asked, how long it takes. Model code
 * runs on it unchanged, so counts come from the calls themselves and cannot drift from the model. */
#ifndef PV_BACKEND_METER_H
#define PV_BACKEND_METER_H

#include <prevue/measure.h>

#include "backend/cost.h"

enum { PV_METER_IDLE = -1 }; /* between parts */

struct pv_meter_sum {
    uint64_t calls;
    double operations, bytes; /* see pv_meter_row */
    uint64_t ns;
};

struct pv_meter_op {
    pv_frame_part part;
    const char *op; /* static */
    char shape[PV_COST_SHAPE];
    struct pv_meter_sum sum;
};

/* It embeds the stream that ops are called on. */
struct pv_metered_stream {
    struct pv_stream stream;
    struct pv_backend backend; /* what stream.backend points to: a table that counts, then calls inner's */
    struct pv_stream *inner;
    bool each;          /* PV_METER_OPS */
    uint64_t answer_ns; /* how long the device takes to say that it has nothing to do */
    uint64_t start_ns;  /* of the part, or of the op's runs */
    int runs;           /* of the op in work */
    int part;           /* enum pv_frame_part, or PV_METER_IDLE */
    struct pv_meter_sum parts[PV_PART_COUNT];
    struct pv_meter_op *ops;
    size_t op_count, op_room;
};

/* Between enter and leave of inner, whose error it shares. *metered is NULL on failure. */
pv_status pv_meter_open(struct pv_stream *inner, bool each, struct pv_metered_stream **metered);
/* inner lives on. NULL is allowed. */
void pv_meter_close(struct pv_metered_stream *metered);
/* From here on ops belong to this part. */
pv_status pv_meter_part(struct pv_metered_stream *metered, int part);

#endif
