/* info_clip.c: what is known about a clip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prevue/clip.h>

#include "info.h"
#include "json.h"
#include "signals.h"
#include "terminal.h"

static const char *matrix_name(pv_clip_matrix matrix)
{
    static const char *const names[] = {"auto", "bt601", "bt709", "bt2020", "rgb"};
    return names[matrix];
}

static json_t *clip_to_json(const char *path, const pv_clip_info *c)
{
    char sar[32];
    snprintf(sar, sizeof sar, "%d:%d", c->sar_num, c->sar_den);
    return json_pack("{s:o, s:s, s:i, s:i, s:i, s:i, s:s, s:i, s:b, s:o, s:b, s:o, s:o, s:s, s:s, s:s, s:s, s:b, s:s, "
                     "s:b, s:s, s:s, "
                     "s:b, s:b, s:b, s:b, s:o}",
                     "path", pv_json_text(path), "kind", c->is_sequence ? "image sequence" : "clip", "width", c->width,
                     "height", c->height, "coded_width", c->coded_width, "coded_height", c->coded_height, "pixel_shape",
                     sar, "rotation", c->rotation, "mirrored", c->mirrored, "fps",
                     pv_json_rate(c->source_fps_num, c->source_fps_den), "variable_rate", c->variable_rate,
                     "frames_claimed", c->frame_count > 0 ? json_integer((json_int_t)c->frame_count) : json_null(),
                     "seconds_claimed", c->duration_seconds > 0 ? pv_json_rounded(c->duration_seconds) : json_null(),
                     "container", c->container, "codec", c->codec, "pixel_format", c->pixel_format, "matrix",
                     matrix_name(c->matrix), "matrix_guessed", c->matrix_guessed, "range",
                     c->range == PV_CLIP_RANGE_FULL ? "full" : "limited", "range_guessed", c->range_guessed,
                     "primaries", c->primaries, "transfer", c->transfer, "hdr", c->hdr, "interlaced", c->interlaced,
                     "alpha", c->has_alpha, "audio", c->has_audio, "timecode",
                     *c->timecode ? pv_json_text(c->timecode) : json_null());
}

/* Decodes the whole clip, to count what is really there. */
static int count_frames(pv_clip_reader *reader, const pv_clip_info *info, struct pv_terminal *terminal, json_t *object)
{
    pv_frame frame = {.width = info->width, .height = info->height, .stride = (size_t)info->width * 3};
    frame.data = malloc(frame.stride * (size_t)frame.height);
    if (!frame.data) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "no memory for a frame of %dx%d", frame.width, frame.height);
        return PV_EXIT_DEVICE;
    }
    pv_status status = PV_OK;
    while (status == PV_OK && pv_signals_count() == 0)
        status = pv_clip_reader_receive(reader, &frame, NULL);
    free(frame.data);
    if (pv_signals_count() > 0)
        return PV_EXIT_INTERRUPTED;
    if (status != PV_END)
        pv_terminal_say(terminal, PV_LOG_ERROR, "%s", pv_clip_reader_message(reader));
    pv_clip_reader_summary s = {.struct_size = sizeof s};
    pv_clip_reader_get_summary(reader, &s);
    json_object_set_new(object, "frames_counted", json_integer((json_int_t)s.decoded));
    json_object_set_new(object, "frames_corrupt", json_integer((json_int_t)s.corrupt));
    json_object_set_new(object, "bad_packets", json_integer((json_int_t)s.bad_packets));
    json_object_set_new(object, "truncated", json_boolean(s.truncated));
    if (status != PV_END)
        return pv_exit_from_status(status, PV_EXIT_INPUT);
    return s.corrupt > 0 || s.bad_packets > 0 || s.truncated ? PV_EXIT_PARTIAL : PV_EXIT_DONE;
}

int pv_info_clip(const char *path, const struct pv_info_values *values, struct pv_terminal *terminal, json_t **object)
{
    pv_clip_reader *reader;
    pv_clip_reader_params params;
    pv_clip_reader_params_init(&params);
    params.matrix = (pv_clip_matrix)values->matrix;
    params.range = (pv_clip_range)values->range;
    params.callbacks = (pv_callbacks){.abort = pv_signals_abort};
    if (values->count)
        params.callbacks = (pv_callbacks){.user = terminal, .log = pv_terminal_log, .abort = pv_signals_abort};
    if (values->in_rate.num) {
        params.sequence_fps_num = values->in_rate.num;
        params.sequence_fps_den = values->in_rate.den;
    }
    *object = NULL;
    int code = PV_EXIT_DONE;
    const pv_status status = pv_clip_reader_open(path, &params, &reader);
    if (status != PV_OK) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "%s", reader ? pv_clip_reader_message(reader) : pv_status_text(status));
        code = pv_exit_from_status(status, PV_EXIT_INPUT);
    } else {
        pv_clip_info info = {.struct_size = sizeof info};
        pv_clip_reader_get_info(reader, &info);
        *object = clip_to_json(path, &info);
        if (values->count && *object)
            code = count_frames(reader, &info, terminal, *object);
    }
    pv_clip_reader_close(reader);
    return code;
}
