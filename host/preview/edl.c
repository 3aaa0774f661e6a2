/* edl.c: CMX3600 edit decision lists: two events, the source and the new frames of one take, cut together. Out points
 * are exclusive. The programme starts at one hour, as is usual. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "preview/timeline.h"
#include "preview/work.h"

bool pv_preview_edl_knows_rate(const struct pv_preview_plan *plan)
{
    const int num = plan->source.fps_num, den = plan->source.fps_den, whole = (num + den / 2) / den;
    const bool near = num % den == 0 || (int64_t)num * 1001 == (int64_t)whole * 1000 * den; /* 24000/1001 counts 24 */
    return near && (whole == 24 || whole == 25 || whole == 30 || whole == 50 || whole == 60);
}

struct event {
    const char *start; /* timecode of the first frame used */
    int64_t programme; /* frame of the programme */
    int64_t frames;
    const char *channels, *name;
};

static int write_event(const struct pv_preview_plan *p, int number, const struct event *e, const char *hour, char *out,
                       size_t room)
{
    char code[4][PV_CLIP_TIMECODE_SIZE];
    const int num = p->source.fps_num, den = p->source.fps_den;
    pv_clip_timecode_add(e->start, num, den, 0, code[0]);
    pv_clip_timecode_add(e->start, num, den, e->frames, code[1]);
    pv_clip_timecode_add(hour, num, den, e->programme, code[2]);
    pv_clip_timecode_add(hour, num, den, e->programme + e->frames, code[3]);
    return snprintf(out, room, "%03d  AX       %-5s C        %s %s %s %s\n* FROM CLIP NAME: %s\n", number, e->channels,
                    code[0], code[1], code[2], code[3], e->name);
}

/* The last part of the path, as one line of plain text. */
static void plain_name(const char *path, char name[PV_QUOTED_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *last = slash && slash[1] ? slash + 1 : path;
    const struct pv_quoted quoted = pv_quote(last, strlen(last));
    snprintf(name, PV_QUOTED_BYTES, "%.*s", (int)strlen(quoted.text) - 2, quoted.text + 1); /* without its quotes */
}

pv_status pv_preview_write_edl(const struct pv_preview_plan *p, int take, int64_t frames, struct pv_error *err)
{
    const struct pv_preview_source *s = &p->source;
    const bool timed = *s->timecode != '\0', drop = timed && strchr(s->timecode, ';');
    const char *zero = drop ? "00:00:00;00" : "00:00:00:00", *hour = drop ? "01:00:00;00" : "01:00:00:00";
    char seam[PV_CLIP_TIMECODE_SIZE], mark[PV_CLIP_TIMECODE_SIZE], source_name[PV_QUOTED_BYTES];
    char name[PV_PREVIEW_NAME_BYTES], path[PV_PREVIEW_PATH_BYTES], text[2048];
    pv_clip_timecode_add(timed ? s->timecode : zero, s->fps_num, s->fps_den, timed ? s->frames : pv_preview_handles(p),
                         seam);
    pv_clip_timecode_add(hour, s->fps_num, s->fps_den, s->frames, mark);
    plain_name(s->path, source_name);
    pv_preview_name(p, PV_PREVIEW_NEW, take, name);
    const struct event source = {timed ? s->timecode : zero, 0, s->frames, s->has_audio ? "AA/V" : "V", source_name};
    const struct event future = {seam, s->frames, frames, "V", name};
    int used = snprintf(text, sizeof text, "TITLE: %s_v%03d_s%llu\nFCM: %s\n\n", p->shot, p->version,
                        (unsigned long long)pv_preview_seed(p, take), drop ? "DROP FRAME" : "NON-DROP FRAME");
    used += write_event(p, 1, &source, hour, text + used, sizeof text - (size_t)used);
    used += snprintf(text + used, sizeof text - (size_t)used, "\n");
    used += write_event(p, 2, &future, hour, text + used, sizeof text - (size_t)used);
    used += snprintf(text + used, sizeof text - (size_t)used, "* LOC: %s ORANGE  SEAM\n", mark);
    pv_preview_name(p, PV_PREVIEW_CUT, take, name);
    PV_TRY(pv_preview_path(p, name, path, err));
    return pv_preview_save_text(path, text, (size_t)used, err);
}
