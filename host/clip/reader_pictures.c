/* reader_pictures.c: decode -> deinterlace -> a steady clock. A damaged picture is replaced here by the last good one.
 */
#include "clip/ffmpeg_shim.h"
#include "clip/reader_parts.h"
#include "clip/report.h"

static void count_decoded(pv_clip_reader *r, const AVFrame *frame)
{
    r->summary.decoded++;
    r->summary.corrupt += pv_decoder_is_damaged(frame);
    if (!r->said_size && r->picture.sws &&
        (frame->width != r->picture.from.width || frame->height != r->picture.from.height)) {
        r->said_size = true;
        pv_report(&r->params.callbacks, PV_LOG_NOTICE,
                  "the pictures of '%s' change size on the way: all are scaled to "
                  "%dx%d",
                  r->path, r->info.width, r->info.height);
    }
    if (!r->said_interlaced && r->params.deinterlace == PV_CLIP_DEINTERLACE_AUTO && pv_shim_frame_interlaced(frame)) {
        r->said_interlaced = true;
        pv_report(&r->params.callbacks, PV_LOG_NOTICE, "'%s' is interlaced: it is deinterlaced (bwdif)", r->path);
    }
}

/* The next picture, progressive, in display order. */
static pv_status next_picture(pv_clip_reader *r, AVFrame *frame)
{
    for (;;) {
        if (r->deinterlacer.graph) {
            const pv_status status = pv_deinterlacer_receive(&r->deinterlacer, frame, &r->error);
            if (status == PV_END)
                continue;
            if (status != PV_AGAIN)
                return status;
        }
        if (!r->waits) {
            const pv_status status = pv_decoder_next(&r->decoder, r->waiting, &r->error);
            if (status == PV_END && r->deinterlacer.graph) {
                PV_TRY(pv_deinterlacer_drain(&r->deinterlacer, &r->error));
                continue;
            }
            PV_TRY(status);
            r->waits = true;
            count_decoded(r, r->waiting);
        }
        if (r->params.deinterlace == PV_CLIP_DEINTERLACE_OFF || !pv_deinterlacer_wants(&r->deinterlacer, r->waiting)) {
            av_frame_move_ref(frame, r->waiting);
            r->waits = false;
            return PV_OK;
        }
        if (pv_deinterlacer_fits(&r->deinterlacer, r->waiting)) {
            r->waits = false;
            PV_TRY(pv_deinterlacer_send(&r->deinterlacer, r->waiting, &r->error));
        } else
            PV_TRY(pv_deinterlacer_drain(&r->deinterlacer, &r->error));
    }
}

pv_status pv_reader_fill_next(pv_clip_reader *r)
{
    struct pv_slot *n = &r->next;
    for (;;) {
        av_frame_unref(n->frame);
        const pv_status status = next_picture(r, n->frame);
        if (status == PV_END) {
            r->source_ended = true;
            return PV_OK;
        }
        PV_TRY(status);
        n->damaged = pv_decoder_is_damaged(n->frame);
        n->stands_in = n->damaged && !r->params.allow_corrupt;
        if (n->stands_in && !r->current.filled) {
            r->summary.dropped++; /* damaged from the start: the clip begins at its first good picture */
            continue;
        }
        bool spliced;
        n->pts = pv_clock_next(&r->clock, n->frame->best_effort_timestamp, &spliced);
        if (spliced)
            pv_report(&r->params.callbacks, PV_LOG_WARNING,
                      "the timestamps of '%s' jump after picture %lld: what follows is "
                      "joined on",
                      r->path, (long long)r->summary.decoded - 1);
        if (n->stands_in) {
            av_frame_unref(n->frame);
            if (av_frame_ref(n->frame, r->current.frame) < 0)
                return pv_fail(&r->error, PV_ERR_MEMORY, "no memory for a picture");
        }
        n->filled = true;
        n->shown = false;
        return PV_OK;
    }
}

void pv_reader_step(pv_clip_reader *r)
{
    if (r->current.filled && !r->current.shown)
        r->summary.dropped++;
    AVFrame *spare = r->current.frame;
    r->current = r->next;
    r->next = (struct pv_slot){.frame = spare};
    av_frame_unref(spare);
}
