/* reader_parts.h: the reader's handle, and the two things it is made of besides its public functions: pictures in order
 * (reader_pictures.c) and what the clip is (reader_describe.c). */
#ifndef PV_CLIP_READER_PARTS_H
#define PV_CLIP_READER_PARTS_H

#include <prevue/clip.h>

#include "clip/decode.h"
#include "clip/deinterlace.h"
#include "clip/picture.h"

/* A picture and its place in time. */
struct pv_slot {
    AVFrame *frame;
    int64_t pts; /* ticks of the stream */
    bool filled;
    bool damaged;   /* the decoder flagged the picture of this time */
    bool stands_in; /* and frame is the last good one instead */
    bool shown;
};

struct pv_clip_reader {
    char *path;
    pv_clip_reader_params params;
    struct pv_error error;
    pv_status failed; /* final failure, or PV_END */

    struct pv_demux demux;
    struct pv_decoder decoder;
    struct pv_deinterlacer deinterlacer;
    struct pv_clock clock;
    struct pv_resampler resampler;
    struct pv_picture picture;

    AVFrame *waiting; /* decoded, on its way into the deinterlacer */
    bool waits;
    struct pv_slot current, next;
    bool source_ended;
    bool said_interlaced, said_alpha, said_size;

    pv_clip_info info;
    char timecode[PV_CLIP_TIMECODE_SIZE];
    pv_clip_reader_summary summary;
};

/* Fills r->next with the next picture, progressive, at its steady time, or sets r->source_ended. */
pv_status pv_reader_fill_next(pv_clip_reader *r);

/* next becomes current. */
void pv_reader_step(pv_clip_reader *r);

/* Chooses the output rate and sets up clock and resampler; before the first picture. */
void pv_reader_find_rate(pv_clip_reader *r);

/* Fills r->info and sets up r->picture from the first picture, r->current; says what is guessed or converted. */
pv_status pv_reader_describe(pv_clip_reader *r);

#endif
