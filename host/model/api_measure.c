/* api_measure.c: the public functions that tell what a frame is made of and what the device can do. */
#include <prevue/measure.h>
#include <string.h>

#include "backend/ceilings.h"
#include "model/rollout.h"

pv_status pv_rollout_set_meter(pv_rollout *rollout, pv_meter meter)
{
    if (!rollout)
        return PV_ERR_ARGUMENT;
    if (!rollout->ready)
        return pv_fail(&rollout->error, PV_ERR_ARGUMENT, "the rollout is not open: opening it failed");
    if (meter < PV_METER_OFF || meter > PV_METER_OPS)
        return pv_fail(&rollout->error, PV_ERR_ARGUMENT, "meter is %d; it must be off, parts or ops", (int)meter);
    return pv_rollout_meter(rollout, meter);
}

static void fill(pv_meter_row *row, const struct pv_meter_sum *sum)
{
    row->calls = sum->calls;
    row->operations = sum->operations;
    row->bytes = sum->bytes;
    row->seconds = (double)sum->ns * 1e-9;
}

pv_status pv_rollout_get_meter(const pv_rollout *rollout, size_t index, pv_meter_row *row)
{
    if (!rollout || !row || row->struct_size < sizeof *row || !rollout->meter)
        return PV_ERR_ARGUMENT;
    const struct pv_metered_stream *meter = rollout->meter;
    const size_t size = row->struct_size;
    if (index >= PV_PART_COUNT + meter->op_count)
        return PV_END;
    memset(row, 0, size); /* members of a newer header */
    row->struct_size = size;
    row->shape = "";
    if (index < PV_PART_COUNT) {
        row->part = (pv_frame_part)index;
        fill(row, &meter->parts[index]);
        return PV_OK;
    }
    const struct pv_meter_op *op = &meter->ops[index - PV_PART_COUNT];
    row->part = op->part;
    row->op = op->op;
    row->shape = op->shape;
    fill(row, &op->sum);
    return PV_OK;
}

pv_status pv_model_measure_ceilings(pv_model *model, pv_ceilings *ceilings)
{
    if (!model || !ceilings || ceilings->struct_size < sizeof *ceilings)
        return PV_ERR_ARGUMENT;
    if (!model->ready)
        return pv_fail(&model->error, PV_ERR_ARGUMENT, "the model is not open: opening it failed");
    const size_t size = ceilings->struct_size;
    memset(ceilings, 0, size);
    ceilings->struct_size = size;
    return pv_backend_measure_ceilings(model->backend, ceilings, &model->error);
}
