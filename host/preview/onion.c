/* onion.c: the onion skin: each take's motion in one picture. Over what stands still lie the last real frame and the
 * predicted ones, tinted from blue (soon) to orange (late). What stands still is the median, pixel by pixel, of the
 * last real frames and the predicted ones. Right for a still camera; a moving one leaves ghosts. */
#include <stdio.h>
#include <stdlib.h>

#include "preview/frames.h"
#include "preview/sheet.h"
#include "preview/write.h"

enum {
    SKINS = 8,
    REAL = 8,
    BOX = 480,
    NOISE = 14 /* code values that differ without anything having moved */
};

static uint8_t mix(int a, int b, int part)
{
    return (uint8_t)((a * (256 - part) + b * part) / 256);
}

/* number of count: its tint. */
static void tint_of(int number, int count, int tint[3])
{
    static const int soon[3] = {70, 130, 255}, late[3] = {255, 150, 40};
    const int part = count > 1 ? 256 * number / (count - 1) : 256;
    for (int c = 0; c < 3; c++)
        tint[c] = mix(soon[c], late[c], part);
}

static int difference(const uint8_t *a, const uint8_t *b)
{
    int most = 0;
    for (int c = 0; c < 3; c++)
        most = abs(a[c] - b[c]) > most ? abs(a[c] - b[c]) : most;
    return most;
}

/* Where skin is not the background it covers out; tint NULL = in its own colours. */
static void lay_over(const pv_frame *background, const pv_frame *skin, const int *tint, pv_frame *out)
{
    const size_t bytes = out->stride * (size_t)out->height;
    for (size_t i = 0; i < bytes; i += 3) {
        const int off = difference(background->data + i, skin->data + i) - NOISE;
        const int cover = off <= 0 ? 0 : off > 48 ? 208 : off * 208 / 48;
        for (size_t c = 0; c < 3; c++) {
            const uint8_t own = skin->data[i + c];
            out->data[i + c] = mix(out->data[i + c], tint ? mix(own, tint[c], 112) : own, cover);
        }
    }
}

static void dim(const pv_frame *from, pv_frame *out)
{
    const size_t bytes = out->stride * (size_t)out->height;
    for (size_t i = 0; i < bytes; i++)
        out->data[i] = mix(from->data[i], 0x17, 80);
}

static void find_median(const pv_frame *frames, int count, pv_frame *median)
{
    const size_t bytes = median->stride * (size_t)median->height;
    uint8_t sorted[REAL + SKINS];
    for (size_t i = 0; i < bytes; i++) {
        for (int n = 0; n < count; n++) {
            int place = n;
            for (; place > 0 && sorted[place - 1] > frames[n].data[i]; place--)
                sorted[place] = sorted[place - 1];
            sorted[place] = frames[n].data[i];
        }
        median->data[i] = sorted[count / 2];
    }
}

/* Everything at the size the model works at. */
struct onion {
    struct pv_preview_frames frames;
    struct pv_sheet sheet;
    pv_frame layers[REAL + SKINS]; /* the last real frames, then the predicted ones */
    int real, skins;
    pv_frame background, out;
};

static pv_status keep_real(struct onion *o, struct pv_error *err)
{
    const struct pv_preview_plan *plan = o->frames.preview->plan;
    pv_clip_scaler *scaler;
    if (pv_clip_scaler_open(plan->source.width, plan->source.height, plan->model.width, plan->model.height, &scaler) !=
        PV_OK)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to scale frames from %dx%d", plan->source.width,
                       plan->source.height);
    o->real = plan->source.tail < REAL ? plan->source.tail : REAL;
    pv_status status = PV_OK;
    for (int i = 0; i < o->real && status == PV_OK; i++) {
        status = pv_preview_frames_real(&o->frames, plan->source.tail - o->real + i, err);
        if (status == PV_OK)
            pv_clip_scaler_run(scaler, &o->frames.real, &o->layers[i]);
    }
    pv_clip_scaler_close(scaler);
    return status;
}

static pv_status onion_open(struct onion *o, const struct pv_preview *preview, int64_t count, struct pv_error *err)
{
    const struct pv_preview_plan *plan = preview->plan;
    const struct pv_preview_source *source = &plan->source;
    const struct pv_cells cells = pv_cells_arrange(plan->takes, source->width, source->height, 1920, 1080);
    char title[256];
    snprintf(title, sizeof title, "%s v%03d   onion skin, blue: soon, orange: late", plan->shot, plan->version);
    o->skins = count < SKINS ? (int)count : SKINS;
    PV_TRY(pv_preview_frames_open(&o->frames, preview, err));
    PV_TRY(pv_canvas_open(plan->model.width, plan->model.height, 0, &o->background, err));
    PV_TRY(pv_canvas_open(plan->model.width, plan->model.height, 0, &o->out, err));
    for (int i = 0; i < REAL + SKINS; i++)
        PV_TRY(pv_canvas_open(plan->model.width, plan->model.height, 0, &o->layers[i], err));
    PV_TRY(keep_real(o, err));
    return pv_sheet_open(&o->sheet, preview, cells.columns, cells.rows, BOX, title, err);
}

static void onion_close(struct onion *o)
{
    pv_sheet_release(&o->sheet);
    pv_preview_frames_release(&o->frames);
    for (int i = 0; i < REAL + SKINS; i++)
        free(o->layers[i].data);
    free(o->background.data);
    free(o->out.data);
}

static pv_status draw_take(struct onion *o, int take, int64_t count, struct pv_error *err)
{
    const struct pv_preview_plan *plan = o->frames.preview->plan;
    pv_frame *const skins = o->layers + o->real, own = o->frames.predicted;
    for (int i = 0; i < o->skins; i++) {
        o->frames.predicted.data = skins[i].data; /* read straight into the layer */
        const pv_status status = pv_preview_frames_predicted(&o->frames, take, pv_sheet_time(count, o->skins, i), err);
        o->frames.predicted = own;
        PV_TRY(status);
    }
    find_median(o->layers, o->real + o->skins, &o->background);
    dim(&o->background, &o->out);
    lay_over(&o->background, &o->layers[o->real - 1], NULL, &o->out);
    for (int i = 0; i < o->skins; i++) {
        int tint[3];
        tint_of(i, o->skins, tint);
        lay_over(&o->background, &skins[i], tint, &o->out);
    }
    char words[96];
    snprintf(words, sizeof words, "s%llu  to +%.2f s", (unsigned long long)pv_preview_seed(plan, take),
             (double)count * plan->source.fps_den / plan->source.fps_num);
    return pv_sheet_put(&o->sheet, take % o->sheet.columns, take / o->sheet.columns, &o->out, true, words, err);
}

pv_status pv_preview_write_onion(const struct pv_preview *preview, struct pv_error *err)
{
    const int64_t count = pv_preview_frames_count(preview);
    struct onion o = {0};
    if (count == 0)
        return PV_END;
    pv_status status = onion_open(&o, preview, count, err);
    for (int take = 0; take < preview->plan->takes && status == PV_OK; take++)
        status = draw_take(&o, take, count, err);
    if (status == PV_OK)
        status = pv_sheet_save(&o.sheet, PV_PREVIEW_ONION, err);
    onion_close(&o);
    return status;
}
