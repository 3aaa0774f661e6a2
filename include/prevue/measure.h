/* measure.h: what models cost: a model of any shape without a file, what the parts of a frame and their ops are made
 * of, and what the device can do at best. For `prevue bench`, and for programs that choose a model by its cost.
 *
 * The rules of prevue.h hold here. */
#ifndef PREVUE_MEASURE_H
#define PREVUE_MEASURE_H

#include <prevue/prevue.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models without a file ---- */

/* A model with random weights. config: the JSON object that a model file has under the key `prevue`
 * (docs/model-format.md). A weight is a function of seed, tensor and place alone, scaled so that numbers neither vanish
 * nor explode. *model is set also on failure when there was memory for it. PV_ERR_MODEL: the config is not valid. */
PV_API pv_status pv_model_open_random(const char *config, uint64_t seed, const pv_model_params *params,
                                      pv_model **model);

/* ---- what a frame is made of ---- */

/* What a rollout does, in the order it does it: send is encode, condition, commit, decode (as far as the decoder's
 * memory reaches); predict is condition, sample, commit, decode. */
typedef enum pv_frame_part {
    PV_PART_ENCODE = 0, /* frame -> latent */
    PV_PART_CONDITION,  /* action -> modulations; nothing while the action stays the same */
    PV_PART_SAMPLE,     /* noise -> latent: one dynamics pass a sampling step */
    PV_PART_COMMIT,     /* one more pass: latent -> keys and values */
    PV_PART_DECODE,     /* latent -> frame */
    PV_PART_COUNT
} pv_frame_part;

typedef enum pv_meter {
    PV_METER_OFF = 0,
    PV_METER_PARTS, /* counts every op; waits for the device, and looks at the clock, where a part ends */
    PV_METER_OPS    /* times every op alone; short ops of a device that takes long to answer are repeated, so that what
                       the rollout predicts from then on means nothing */
} pv_meter;

typedef struct pv_meter_row {
    size_t struct_size;
    pv_frame_part part;
    const char *op;    /* "linear"; NULL = the part as a whole */
    const char *shape; /* "64 x 192 -> 576"; "" for a part. Both are valid until the next call on the rollout */
    uint64_t calls;
    double operations; /* multiplications and additions of matrix products, convolutions and attention, as many as the
                          result needs, of all calls together; other ops count none */
    double bytes;      /* that must be read and written at least: inputs, outputs and weights, each once a call */
    double seconds;    /* of all calls together; with PV_METER_PARTS only parts have a time */
} pv_meter_row;

/* Starts counting from zero, or stops. PV_METER_OFF: the rollout runs as it would without a meter. With one it does
 * everything in turn, also on a device: no frame is taken while another waits. */
PV_API pv_status pv_rollout_set_meter(pv_rollout *rollout, pv_meter meter);
/* Rows 0 to PV_PART_COUNT - 1 are the parts, those after it their ops, in the order of their first call. PV_END past
 * the last; PV_ERR_ARGUMENT when no meter is set. row->struct_size must be set by the caller. */
PV_API pv_status pv_rollout_get_meter(const pv_rollout *rollout, size_t index, pv_meter_row *row);

/* ---- what the device can do ---- */

/* Measured through the same ops that the model uses. */
typedef struct pv_ceilings {
    size_t struct_size;
    int element_bytes;               /* of an activation: 4 = float, 2 = bfloat16 */
    double operations_per_second;    /* of a large matrix product */
    double bytes_per_second;         /* read and written by a large copy */
    double linear_call_seconds;      /* of the smallest matrix product: what a call costs before it does anything */
    double convolution_call_seconds; /* likewise */
    double other_call_seconds;       /* likewise, of an op that only walks over numbers */
} pv_ceilings;

/* Takes a few seconds and 256 MiB of the device's memory. No rollout of the model may be in use meanwhile.
 * ceilings->struct_size must be set by the caller. */
PV_API pv_status pv_model_measure_ceilings(pv_model *model, pv_ceilings *ceilings);

#ifdef __cplusplus
}
#endif

#endif
