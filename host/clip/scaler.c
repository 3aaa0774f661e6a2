/* scaler.c: RGB frames of one size to another. */
#include <limits.h>
#include <prevue/clip.h>
#include <stdlib.h>
#include <string.h>

#include "clip/colour.h"

struct pv_clip_scaler {
    struct pv_picture_format from, to;
    struct SwsContext *sws; /* NULL when the sizes are equal */
};

enum { MAX_SIDE = 32768 };

pv_status pv_clip_scaler_open(int from_width, int from_height, int to_width, int to_height, pv_clip_scaler **scaler)
{
    *scaler = NULL;
    const int sides[4] = {from_width, from_height, to_width, to_height};
    for (int i = 0; i < 4; i++)
        if (sides[i] < 1 || sides[i] > MAX_SIDE)
            return PV_ERR_ARGUMENT;
    pv_clip_scaler *s = calloc(1, sizeof *s);
    if (!s)
        return PV_ERR_MEMORY;
    s->from = (struct pv_picture_format){
        .width = from_width, .height = from_height, .format = AV_PIX_FMT_RGB24, .full_range = true};
    s->to = s->from;
    s->to.width = to_width;
    s->to.height = to_height;
    const bool same = from_width == to_width && from_height == to_height;
    const bool shrinks = to_width <= from_width && to_height <= from_height;
    if (!same) {
        const pv_status status = pv_colour_open_sws(&s->from, &s->to, shrinks ? SWS_AREA : SWS_BICUBIC, &s->sws, NULL);
        if (status != PV_OK) {
            free(s);
            return status;
        }
    }
    *scaler = s;
    return PV_OK;
}

static bool has_size(const pv_frame *frame, const struct pv_picture_format *size)
{
    return frame->data && frame->width == size->width && frame->height == size->height &&
           frame->stride >= 3 * (size_t)size->width && frame->stride <= INT_MAX;
}

pv_status pv_clip_scaler_run(pv_clip_scaler *s, const pv_frame *from, pv_frame *to)
{
    if (!has_size(from, &s->from) || !has_size(to, &s->to))
        return PV_ERR_ARGUMENT;
    to->index = from->index;
    if (!s->sws) {
        for (int y = 0; y < to->height; y++)
            memcpy(to->data + (size_t)y * to->stride, from->data + (size_t)y * from->stride, 3 * (size_t)to->width);
        return PV_OK;
    }
    const uint8_t *const source[4] = {from->data};
    uint8_t *const target[4] = {to->data};
    const int source_stride[4] = {(int)from->stride}, target_stride[4] = {(int)to->stride};
    const int rows = sws_scale(s->sws, source, source_stride, 0, from->height, target, target_stride);
    return rows == to->height ? PV_OK : PV_ERR_INTERNAL;
}

void pv_clip_scaler_close(pv_clip_scaler *s)
{
    if (!s)
        return;
    sws_freeContext(s->sws);
    free(s);
}
