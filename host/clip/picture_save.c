/* picture_save.c: one frame as one PNG file. */
#include <limits.h>
#include <prevue/clip.h>
#include <stdio.h>
#include <stdlib.h>

#include "clip/encode.h"
#include "clip/partial.h"
#include "clip/picture_files.h"

static pv_status encode(const pv_frame *frame, struct pv_target *target, struct pv_encoder *encoder, AVPacket *packet,
                        struct pv_error *err)
{
    PV_TRY(pv_target_choose("picture.png", PV_CLIP_PRESET_REVIEW, PV_CLIP_PIPE_NUT, target, err));
    PV_TRY(pv_encoder_open(encoder, &target->recipe, frame->width, frame->height, (AVRational){1, 1}, 1, false, err));
    PV_TRY(pv_encoder_send(encoder, frame, err));
    PV_TRY(pv_encoder_drain(encoder, err));
    return pv_encoder_receive(encoder, packet, err);
}

pv_status pv_clip_picture_save(const char *path, const pv_frame *frame, int overwrite,
                               char message[PV_CLIP_MESSAGE_SIZE])
{
    struct pv_error err = {""};
    struct pv_target target = {0};
    struct pv_encoder encoder = {0};
    AVPacket *packet = av_packet_alloc();
    char *partial = pv_partial_name(path, ".partial");
    int64_t bytes = 0;
    pv_status status = PV_OK;
    if (!frame->data || frame->width < 1 || frame->height < 1 || frame->stride < 3 * (size_t)frame->width ||
        frame->stride > INT_MAX)
        status = pv_fail(&err, PV_ERR_ARGUMENT, "a frame of %dx%d with a stride of %zu bytes cannot be written",
                         frame->width, frame->height, frame->stride);
    else if (!packet || !partial)
        status = pv_fail(&err, PV_ERR_MEMORY, "no memory to write '%s'", path);
    if (status == PV_OK)
        status = pv_partial_check(path, overwrite, &err);
    if (status == PV_OK)
        status = encode(frame, &target, &encoder, packet, &err);
    if (status == PV_OK)
        status = pv_picture_file_write(partial, path, overwrite, NULL, packet, &bytes, &err);
    pv_encoder_release(&encoder);
    pv_target_release(&target);
    av_packet_free(&packet);
    free(partial);
    snprintf(message, PV_CLIP_MESSAGE_SIZE, "%s", err.text);
    return status;
}
