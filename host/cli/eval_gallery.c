/* eval_gallery.c: clips that are shown: on a contact sheet, and as films, which are files in memory. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <prevue/clip.h>

#include "base/file_map.h"
#include "eval_part.h"

enum { GAP = 6, OBSERVED = 12 };

struct film {
    int group;
    struct pv_file_map file;
};

struct pv_gallery {
    struct pv_eval_sheet *sheet; /* NULL = none is asked for */
    bool films;
    struct film *film;
    size_t film_count;
};

pv_status pv_gallery_open(bool sheet, int sheet_step, bool films, struct pv_gallery **gallery, struct pv_error *err)
{
    *gallery = calloc(1, sizeof **gallery);
    if (!*gallery)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for pictures of the clips");
    (*gallery)->films = films;
    return sheet ? pv_eval_sheet_open(sheet_step, &(*gallery)->sheet, err) : PV_OK;
}

void pv_gallery_close(struct pv_gallery *gallery)
{
    if (!gallery)
        return;
    for (size_t i = 0; i < gallery->film_count; i++)
        pv_file_map_close(&gallery->film[i].file);
    free(gallery->film);
    pv_eval_sheet_close(gallery->sheet);
    free(gallery);
}

const uint8_t *pv_gallery_frame(const struct pv_footage *f, int t, bool predicted)
{
    return predicted && t > 0 ? f->predicted + (size_t)(t - 1) * pv_footage_frame_bytes(f) : pv_footage_frame(f, t);
}

/* ---- films ---- */

/* Truth above prediction, with a line between that is grey while both are observed and orange once they are not. */
static pv_status write_film(const struct pv_footage *f, pv_clip_writer *writer, uint8_t *stacked, struct pv_error *err)
{
    const size_t bytes = pv_footage_frame_bytes(f), row = (size_t)f->width * 3;
    const pv_frame frame = {.data = stacked, .stride = row, .width = f->width, .height = 2 * f->height + GAP};
    const int observed = f->context < OBSERVED ? f->context : OBSERVED;
    for (int t = 1 - observed; t <= f->ahead; t++) {
        static const uint8_t grey[3] = {128, 128, 128}, orange[3] = {240, 140, 20};
        memcpy(stacked, pv_gallery_frame(f, t, false), bytes);
        for (size_t i = 0; i < (size_t)GAP * (size_t)f->width; i++)
            memcpy(stacked + bytes + 3 * i, t > 0 ? orange : grey, 3);
        memcpy(stacked + bytes + GAP * row, pv_gallery_frame(f, t, true), bytes);
        if (pv_clip_writer_send(writer, &frame) != PV_OK)
            return pv_fail(err, PV_ERR_IO, "%s", pv_clip_writer_message(writer));
    }
    return pv_clip_writer_finish(writer) == PV_OK ? PV_OK
                                                  : pv_fail(err, PV_ERR_IO, "%s", pv_clip_writer_message(writer));
}

static pv_status encode_film(const struct pv_footage *f, const char *path, int fps_num, int fps_den,
                             struct pv_error *err)
{
    pv_clip_writer_params w;
    pv_clip_writer_params_init(&w);
    w.width = f->width;
    w.height = 2 * f->height + GAP;
    w.fps_num = fps_num;
    w.fps_den = fps_den;
    w.overwrite = 1;
    pv_clip_writer *writer;
    uint8_t *stacked = malloc((size_t)w.width * (size_t)w.height * 3);
    pv_status status = pv_clip_writer_open(path, &w, &writer);
    if (!stacked)
        status = pv_fail(err, PV_ERR_MEMORY, "no memory for a film");
    else if (status != PV_OK)
        pv_fail(err, status, "%s", writer ? pv_clip_writer_message(writer) : "no memory for a film");
    else
        status = write_film(f, writer, stacked, err);
    pv_clip_writer_close(writer);
    free(stacked);
    return status;
}

static pv_status add_film(struct pv_gallery *g, const struct pv_footage *f, int group, int fps_num, int fps_den,
                          struct pv_error *err)
{
    const char *temporary = getenv("TMPDIR");
    char folder[1024], path[1100];
    snprintf(folder, sizeof folder, "%s/prevue-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return pv_fail(err, PV_ERR_IO, "no temporary folder can be made in '%s': set TMPDIR to one that takes files",
                       temporary && *temporary ? temporary : "/tmp");
    snprintf(path, sizeof path, "%s/film.mp4", folder);
    struct film *more = realloc(g->film, (g->film_count + 1) * sizeof *more);
    pv_status status = more ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for a film");
    g->film = more ? more : g->film;
    if (status == PV_OK)
        status = encode_film(f, path, fps_num, fps_den, err);
    if (status == PV_OK)
        status = pv_file_map_open(path, PV_FILE_READ, &g->film[g->film_count].file, err);
    if (status == PV_OK)
        g->film[g->film_count++].group = group;
    unlink(path);
    rmdir(folder);
    return status;
}

pv_status pv_gallery_add(struct pv_gallery *g, const struct pv_footage *footage, const struct pv_shown *shown,
                         struct pv_error *err)
{
    if (g->sheet && shown->on_sheet)
        PV_TRY(pv_eval_sheet_add(g->sheet, footage, shown->name, err));
    return g->films && shown->on_page ? add_film(g, footage, shown->group, shown->fps_num, shown->fps_den, err) : PV_OK;
}

pv_status pv_gallery_save_sheet(const struct pv_gallery *g, const char *path, bool overwrite, struct pv_error *err)
{
    return pv_eval_sheet_save(g->sheet, path, overwrite, err);
}

const uint8_t *pv_gallery_film(const struct pv_gallery *g, int group, size_t index, size_t *bytes)
{
    for (size_t i = 0; i < g->film_count; i++)
        if (g->film[i].group == group && index-- == 0) {
            *bytes = g->film[i].file.size;
            return g->film[i].file.data;
        }
    return NULL;
}
