/* clip_file.c: renders a scene of the world drop and encodes it for review, as a clip that people have. */
#include "bench/clip_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <prevue/clip.h>

#include "world/world.h"

enum { CLIP_FRAMES = 72 };

pv_status pv_bench_folder(struct pv_bench *b, struct pv_error *err)
{
    if (*b->folder)
        return PV_OK;
    const char *parent = getenv("TMPDIR");
    if (snprintf(b->folder, sizeof b->folder, "%s/prevue-bench-XXXXXX", parent && *parent ? parent : "/tmp") >=
        (int)sizeof b->folder)
        snprintf(b->folder, sizeof b->folder, "/tmp/prevue-bench-XXXXXX");
    if (mkdtemp(b->folder))
        return PV_OK;
    const pv_status status = pv_fail(err, PV_ERR_IO,
                                     "cannot make the folder %s for clips: %s; set TMPDIR to one that "
                                     "can be written",
                                     b->folder, strerror(errno));
    b->folder[0] = '\0';
    return status;
}

void pv_bench_folder_remove(struct pv_bench *b)
{
    char path[sizeof b->folder + 300];
    DIR *dir = *b->folder ? opendir(b->folder) : NULL;
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        snprintf(path, sizeof path, "%s/%s", b->folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(path);
    }
    if (dir)
        closedir(dir);
    if (*b->folder)
        rmdir(b->folder);
}

/* A world's sides are from 16 to 4096 and none is more than twice the other. */
static int world_side(int side, int other)
{
    side = side < (other + 1) / 2 ? (other + 1) / 2 : side;
    return side < 16 ? 16 : side > 4096 ? 4096 : side;
}

static pv_status encode(struct pv_world *world, const struct pv_world_params *p, pv_clip_writer *writer, uint8_t *rgb,
                        struct pv_error *err)
{
    const pv_frame frame = {.data = rgb, .stride = (size_t)p->width * 3, .width = p->width, .height = p->height};
    pv_status status;
    while ((status = pv_world_next(world, rgb, frame.stride, NULL, err)) == PV_OK) {
        status = pv_clip_writer_send(writer, &frame);
        if (status != PV_OK)
            return pv_fail(err, status, "%s", pv_clip_writer_message(writer));
    }
    if (status == PV_END)
        status = pv_clip_writer_finish(writer);
    return status == PV_OK || *err->text ? status : pv_fail(err, status, "%s", pv_clip_writer_message(writer));
}

static pv_status render(const struct pv_bench *b, const struct pv_bench_case *c, const char *path, struct pv_error *err)
{
    struct pv_world_params p;
    struct pv_world *world;
    pv_clip_writer *writer = NULL;
    pv_clip_writer_params w;
    pv_world_params_init(&p, "drop");
    p.seed = PV_WORLD_HELD_OUT_SEED;
    p.width = world_side(c->width, c->height);
    p.height = world_side(c->height, p.width);
    p.frames = CLIP_FRAMES > 2 * c->context ? CLIP_FRAMES : 2 * c->context;
    p.fps_num = b->model.info.fps_num;
    p.fps_den = b->model.info.fps_den;
    PV_TRY(pv_world_open(&p, &world, err));
    pv_clip_writer_params_init(&w);
    w.width = p.width;
    w.height = p.height;
    w.fps_num = p.fps_num;
    w.fps_den = p.fps_den;
    w.overwrite = 1;
    uint8_t *rgb = malloc((size_t)p.width * 3 * (size_t)p.height);
    pv_status status = rgb ? pv_clip_writer_open(path, &w, &writer) : PV_ERR_MEMORY;
    if (status != PV_OK)
        pv_fail(err, status, "%s", writer ? pv_clip_writer_message(writer) : "no memory for a clip");
    else
        status = encode(world, &p, writer, rgb, err);
    pv_clip_writer_close(writer);
    pv_world_close(world);
    free(rgb);
    return status;
}

pv_status pv_bench_clip(struct pv_bench *b, const struct pv_bench_case *c, const char **path, struct pv_error *err)
{
    const struct pv_bench_case full = pv_bench_resolve(b, c);
    *path = b->v->clip;
    if (*path)
        return PV_OK;
    PV_TRY(pv_bench_folder(b, err));
    snprintf(b->clip, sizeof b->clip, "%s/%dx%d-%d.mp4", b->folder, full.width, full.height, full.context);
    *path = b->clip;
    return access(b->clip, F_OK) == 0 ? PV_OK : render(b, &full, b->clip, err);
}
