/* burn_in.c: see burn_in.h. The layout:
 *
 *     shot v001                       nano s3
 *
 *     01:00:00:05    PREDICTED +0.50 s    1012
 *
 * Where the picture is too narrow for that, what is in the middle stands a line higher. */
#include "preview/burn_in.h"

#include <stdio.h>
#include <string.h>

enum { SHOT, MODEL, SOURCE, PREDICTED, TIMECODE, NUMBER, LABELS };

static const double letter_width = 0.602; /* of its size: DejaVu Sans Mono */

struct words {
    char text[LABELS][128];
};

static void fill_words(const struct pv_preview_plan *plan, int take, int64_t index, struct words *w)
{
    char offset[32];
    memset(w, 0, sizeof *w);
    snprintf(w->text[SHOT], sizeof w->text[SHOT], "%s v%03d", plan->shot, plan->version);
    if (take < 0)
        snprintf(w->text[MODEL], sizeof w->text[MODEL], "%.60s %d takes", plan->model.name, plan->takes);
    else
        snprintf(w->text[MODEL], sizeof w->text[MODEL], "%.60s s%llu", plan->model.name,
                 (unsigned long long)pv_preview_seed(plan, take));
    pv_preview_offset(plan, index, offset);
    if (index < plan->source.frames)
        snprintf(w->text[SOURCE], sizeof w->text[SOURCE], "SOURCE");
    else
        snprintf(w->text[PREDICTED], sizeof w->text[PREDICTED], "PREDICTED %s", offset);
    pv_preview_timecode(plan, index, w->text[TIMECODE]);
    snprintf(w->text[NUMBER], sizeof w->text[NUMBER], "%lld", (long long)(plan->first_number + index));
}

/* As large as reads well, and so that two words share a line. */
static int letter_size(const struct pv_preview_plan *plan, int width, int height)
{
    struct words w;
    fill_words(plan, 0, plan->source.frames + plan->frames, &w);
    const size_t top = strlen(w.text[SHOT]) + strlen(w.text[MODEL]) + 4;
    const size_t middle = strlen(w.text[PREDICTED]) + 2, bottom = strlen(w.text[TIMECODE]) + strlen(w.text[NUMBER]) + 4;
    const size_t longest = top > middle && top > bottom ? top : middle > bottom ? middle : bottom;
    const int fits = (int)(width / (letter_width * (double)longest)), good = height < 240 ? 12 : height / 20;
    const int size = fits < good ? fits : good;
    return size < 6 ? 6 : size > 96 ? 96 : size;
}

/* Is the last line wide enough for three words? */
static bool fits_below(const struct pv_preview_plan *plan, int width, int size)
{
    struct words w;
    fill_words(plan, 0, plan->source.frames + plan->frames, &w);
    const size_t timecode = strlen(w.text[TIMECODE]), number = strlen(w.text[NUMBER]);
    const double beside = (double)(timecode > number ? timecode : number) + 3,
                 middle = (double)strlen(w.text[PREDICTED]) / 2;
    return letter_width * size * (beside + middle) <= width / 2.0;
}

pv_status pv_burn_in_open(struct pv_burn_in *b, const struct pv_preview_plan *plan, int width, int height,
                          struct pv_error *err)
{
    const int size = letter_size(plan, width, height), margin = size / 2 + 1;
    const int top = margin + size, bottom = height - margin;
    const int middle = fits_below(plan, width, size) ? bottom : bottom - size * 3 / 2;
    const pv_clip_label labels[LABELS] = {
        [SHOT] = {margin, top, PV_CLIP_ALIGN_LEFT, size, PV_PREVIEW_WORDS_RGB},
        [MODEL] = {width - margin, top, PV_CLIP_ALIGN_RIGHT, size, PV_PREVIEW_WORDS_RGB},
        [SOURCE] = {width / 2, middle, PV_CLIP_ALIGN_CENTRE, size, PV_PREVIEW_SOURCE_RGB},
        [PREDICTED] = {width / 2, middle, PV_CLIP_ALIGN_CENTRE, size, PV_PREVIEW_PREDICTED_RGB},
        [TIMECODE] = {margin, bottom, PV_CLIP_ALIGN_LEFT, size, PV_PREVIEW_WORDS_RGB},
        [NUMBER] = {width - margin, bottom, PV_CLIP_ALIGN_RIGHT, size, PV_PREVIEW_WORDS_RGB},
    };
    char message[PV_CLIP_MESSAGE_SIZE];
    *b = (struct pv_burn_in){.plan = plan};
    const pv_status status = pv_clip_lettering_open(width, height, plan->font, labels, LABELS, &b->lettering, message);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", message);
}

pv_status pv_burn_in_draw(struct pv_burn_in *b, pv_frame *frame, int take, int64_t index, struct pv_error *err)
{
    struct words w;
    const char *pointers[LABELS];
    if (!b->lettering)
        return PV_OK;
    fill_words(b->plan, take, index, &w);
    for (int i = 0; i < LABELS; i++)
        pointers[i] = w.text[i];
    const pv_status status = pv_clip_lettering_draw(b->lettering, frame, pointers);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "cannot write on a frame: %s", pv_status_text(status));
}

void pv_burn_in_release(struct pv_burn_in *b)
{
    pv_clip_lettering_close(b->lettering);
    b->lettering = NULL;
}

void pv_preview_offset(const struct pv_preview_plan *plan, int64_t index, char text[32])
{
    const int64_t after = index - plan->source.frames + 1; /* the last real frame is 0 */
    snprintf(text, 32, "%+.2f s", (double)after * plan->source.fps_den / plan->source.fps_num);
}
