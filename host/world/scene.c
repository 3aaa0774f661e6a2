/* scene.c: the world `scene`: any picture in motion. A camera pans, zooms, turns and shakes over layers of textures,
 * near ones moving more than far ones; textured sprites go their ways between them; the light may change. Nothing
 * collides and nothing falls. It asks whether motion goes on, and is what makes a codec useful on footage that nobody
 * simulated.
 *
 * Truth, beyond that of every world (truth.c). Every motion is a smooth function of time.
 * layers: [{parallax, front}], from far to near: how much of the camera's motion a layer shows, and whether it lies in
 *   front of the objects;
 * objects: [{radius, parallax}], sprites from far to near;
 * trajectory: one item a frame: {time, camera: {x, y, angle, zoom}, light, objects: [{x, y, px, py, angle, scale}]}:
 *   the camera's place in units, its angle in radians and its enlargement; a factor on every colour; where the objects'
 *   middles are in the picture, in units and pixels, their angles and enlargements there. A layer's point q is seen at
 *   middle + zoom * rotate(q - parallax * camera, -angle). */
#include <math.h>

#include "world/kind.h"
#include "world/texture.h"
#include "world/truth.h"

enum { LAYERS = 3, SPRITES = 5, WAVES = 2, SIDE_MAX = 2048 };

static const double tau = 6.28318530717958647692;

/* start + rate * t + waves: what every motion is. */
struct path {
    double start, rate;
    double amplitude[WAVES], frequency[WAVES], phase[WAVES]; /* frequency in radians a second */
};

struct layer {
    struct pv_texture texture;
    double parallax;
    bool front;
};

struct sprite {
    struct pv_texture texture;
    double parallax, radius;
    struct path x, y, angle, scale; /* x, y from the layer's middle; scale as a logarithm */
};

struct scene {
    struct pv_stage *stage;
    struct layer layers[LAYERS]; /* far to near */
    struct sprite sprites[SPRITES];
    int layer_count, sprite_count;
    struct path x, y, angle, zoom; /* the camera's; zoom as a logarithm */
    struct path light;             /* as a logarithm */
    bool light_changes;
    int frame; /* the current one, skipped ones included */
};

/* ---- motion ---- */

static double at(const struct path *p, double t)
{
    double value = p->start + p->rate * t;
    for (int i = 0; i < WAVES; i++)
        value += p->amplitude[i] * sin(p->frequency[i] * t + p->phase[i]);
    return value;
}

/* A steady rate up to `rate`, and a slow wave around it. */
static struct path draw_path(struct pv_draw *draw, double start, double rate, double amplitude)
{
    struct path p = {.start = start, .rate = pv_draw_uniform(draw, -rate, rate)};
    p.amplitude[0] = pv_draw_uniform(draw, 0, amplitude);
    p.frequency[0] = tau * pv_draw_uniform(draw, 0.15, 0.8);
    p.phase[0] = pv_draw_uniform(draw, 0, tau);
    return p;
}

static void add_shake(struct path *p, struct pv_draw *draw, double amplitude)
{
    p->amplitude[1] = amplitude * pv_draw_uniform(draw, 0.3, 1);
    p->frequency[1] = tau * pv_draw_uniform(draw, 2, 6);
    p->phase[1] = pv_draw_uniform(draw, 0, tau);
}

static void draw_camera(struct scene *s, struct pv_draw *draw)
{
    const bool out = s->stage->params.range == PV_WORLD_OUT;
    const double speed = out ? pv_draw_uniform(draw, 4, 6) : pv_draw_uniform(draw, 0.1, 3);
    const double heading = pv_draw_uniform(draw, 0, tau);
    const bool pans = pv_draw_uniform(draw, 0, 1) < 0.6, zooms = pv_draw_uniform(draw, 0, 1) < 0.35;
    const bool turns = pv_draw_uniform(draw, 0, 1) < 0.3, shakes = pv_draw_uniform(draw, 0, 1) < 0.3;
    const double faster = out ? 2 : 1, start = pv_draw_uniform(draw, 0, PV_TEXTURE_UNITS);
    s->x = draw_path(draw, start, 0, pans ? 0.5 : 0);
    s->y = draw_path(draw, start, 0, pans ? 0.5 : 0);
    s->angle = draw_path(draw, pv_draw_uniform(draw, 0, tau), turns ? 0.35 * faster : 0, turns ? 0.15 : 0);
    s->zoom = draw_path(draw, pv_draw_uniform(draw, -0.15, 0.25), zooms ? 0.25 * faster : 0, zooms ? 0.12 : 0);
    if (pans) {
        s->x.rate = speed * cos(heading);
        s->y.rate = speed * sin(heading);
    }
    if (shakes) {
        const double amplitude = pv_draw_uniform(draw, 0.02, 0.12) * faster;
        add_shake(&s->x, draw, amplitude);
        add_shake(&s->y, draw, amplitude);
        add_shake(&s->angle, draw, amplitude / 6);
    }
    s->light_changes = pv_draw_int(draw, 2);
    s->light = draw_path(draw, 0, s->light_changes ? 0.25 : 0, s->light_changes ? 0.2 : 0);
}

/* ---- what is seen ---- */

static int side_for(double texels)
{
    int side = 16;
    while (side < SIDE_MAX && side * 1.41421356 < texels)
        side *= 2;
    return side;
}

static pv_status draw_layer(struct scene *s, struct pv_draw *draw, double parallax, bool front, struct pv_error *err)
{
    struct layer *l = &s->layers[s->layer_count++];
    const bool opaque = s->layer_count == 1;
    *l = (struct layer){.parallax = parallax, .front = front};
    const double pixels = s->stage->params.width / s->stage->width;
    PV_TRY(pv_texture_open(&l->texture, side_for(PV_TEXTURE_UNITS * pixels), PV_TEXTURE_UNITS, err));
    if (!opaque && front && pv_draw_int(draw, 3) == 0) { /* a caption: fixed to the picture, or near */
        if (pv_draw_int(draw, 2))
            l->parallax = 0;
        pv_texture_cut_letters(&l->texture, draw);
        return PV_OK;
    }
    pv_texture_paint(&l->texture, draw);
    if (!opaque)
        pv_texture_cut_islands(&l->texture, draw, pv_draw_uniform(draw, 0.15, front ? 0.25 : 0.45));
    return PV_OK;
}

static pv_status draw_sprite(struct scene *s, struct pv_draw *draw, double parallax, struct pv_error *err)
{
    const struct pv_stage *stage = s->stage;
    const bool out = stage->params.range == PV_WORLD_OUT;
    struct sprite *sprite = &s->sprites[s->sprite_count++];
    const double size = pv_draw_uniform(draw, 0.9, 3), pixels = stage->params.width / stage->width;
    PV_TRY(pv_texture_open(&sprite->texture, side_for(size * pixels * 1.2), size, err));
    pv_texture_paint(&sprite->texture, draw);
    sprite->radius = pv_texture_cut_shape(&sprite->texture, draw);
    sprite->parallax = parallax;
    const double speed = out ? pv_draw_uniform(draw, 4.5, 6.5) : pv_draw_uniform(draw, 0, 3.5);
    const double heading = pv_draw_uniform(draw, 0, tau), spin = pv_draw_int(draw, 2) ? pv_draw_uniform(draw, 0, 2) : 0;
    const double x = pv_draw_uniform(draw, -0.4, 0.4) * stage->width,
                 y = pv_draw_uniform(draw, -0.4, 0.4) * stage->height;
    sprite->x = draw_path(draw, x, 0, 0.8);
    sprite->y = draw_path(draw, y, 0, 0.8);
    sprite->x.rate = speed * cos(heading);
    sprite->y.rate = speed * sin(heading);
    sprite->angle = draw_path(draw, pv_draw_uniform(draw, 0, tau), spin, 0.3);
    sprite->scale = draw_path(draw, 0, pv_draw_int(draw, 3) ? 0 : 0.3, 0);
    /* Where the camera looks at first. */
    sprite->x.start += parallax * s->x.start;
    sprite->y.start += parallax * s->y.start;
    return PV_OK;
}

static pv_status open(void *state, struct pv_stage *stage, struct pv_error *err)
{
    struct scene *s = state;
    const struct pv_world_params *p = &stage->params;
    s->stage = stage;
    s->frame = p->skip;
    struct pv_draw draw = pv_draw_start(p->seed, PV_DRAW_LAYOUT, (uint32_t)p->range);
    struct pv_draw look = pv_draw_start(p->seed, PV_DRAW_LOOK, (uint32_t)p->range);
    draw_camera(s, &draw);
    const bool middle = pv_draw_uniform(&draw, 0, 1) < 0.45, front = pv_draw_uniform(&draw, 0, 1) < 0.35;
    const int sprites = pv_draw_int(&draw, SPRITES + 1);
    const double far = pv_draw_uniform(&draw, 0.3, 0.8), near = pv_draw_uniform(&draw, 1.2, 1.7);
    PV_TRY(draw_layer(s, &look, far, false, err));
    if (middle)
        PV_TRY(draw_layer(s, &look, pv_draw_uniform(&draw, 0.8, 1), false, err));
    for (int i = 0; i < sprites; i++)
        PV_TRY(draw_sprite(s, &look, 0.8 + 0.4 * (i + 0.5) / sprites, err));
    if (front)
        PV_TRY(draw_layer(s, &look, near, true, err));
    return PV_OK;
}

/* ---- one frame ---- */

struct view {
    double x, y, angle, zoom, light, time;
};

static struct view view_at(const struct scene *s, int frame)
{
    const double t = frame * s->stage->frame_seconds;
    return (struct view){at(&s->x, t), at(&s->y, t), at(&s->angle, t), exp(at(&s->zoom, t)), exp(at(&s->light, t)), t};
}

/* Where a point of a layer is seen, and how a thing there lies. */
static struct pv_placing seen_at(const struct scene *s, const struct view *v, double parallax, double x, double y)
{
    const double dx = x - parallax * v->x, dy = y - parallax * v->y, c = cos(v->angle), n = sin(v->angle);
    return (struct pv_placing){s->stage->width / 2 + v->zoom * (c * dx + n * dy),
                               s->stage->height / 2 + v->zoom * (c * dy - n * dx), -v->angle, v->zoom};
}

static struct pv_placing sprite_at(const struct scene *s, const struct sprite *sprite, const struct view *v)
{
    struct pv_placing p = seen_at(s, v, sprite->parallax, at(&sprite->x, v->time), at(&sprite->y, v->time));
    p.angle += at(&sprite->angle, v->time);
    p.scale *= exp(at(&sprite->scale, v->time));
    return p;
}

static void shed_light(const struct pv_canvas *canvas, double light)
{
    uint8_t lit[256];
    for (int i = 0; i < 256; i++)
        lit[i] = (uint8_t)fmin(i * light + 0.5, 255);
    for (int j = 0; j < canvas->height; j++) {
        uint8_t *row = canvas->rgb + (size_t)j * canvas->stride;
        for (int i = 0; i < 3 * canvas->width; i++)
            row[i] = lit[row[i]];
    }
}

static void draw(void *state, const struct pv_canvas *canvas)
{
    const struct scene *s = state;
    const struct view v = view_at(s, s->frame);
    pv_canvas_clear_coverage(canvas);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < s->layer_count; i++) {
            const struct pv_placing p = seen_at(s, &v, s->layers[i].parallax, 0, 0);
            if (s->layers[i].front == (pass == 1))
                pv_texture_cover(&s->layers[i].texture, &p, canvas);
        }
        for (int i = 0; i < s->sprite_count && pass == 0; i++) {
            const struct pv_placing p = sprite_at(s, &s->sprites[i], &v);
            pv_texture_stick(&s->sprites[i].texture, &p, canvas);
        }
    }
    if (s->light_changes)
        shed_light(canvas, v.light);
}

static void record(void *state, int frame)
{
    (void)state; /* every frame is a function of its number */
    (void)frame;
}

static void step(void *state)
{
    ((struct scene *)state)->frame++;
}

static void close(void *state)
{
    struct scene *s = state;
    for (int i = 0; i < s->layer_count; i++)
        pv_texture_close(&s->layers[i].texture);
    for (int i = 0; i < s->sprite_count; i++)
        pv_texture_close(&s->sprites[i].texture);
}

/* ---- the truth ---- */

static json_t *sprites_json(const struct scene *s, const struct view *v)
{
    const double pixels = s->stage->params.width / s->stage->width;
    json_t *list = json_array();
    for (int i = 0; list && i < s->sprite_count; i++) {
        const struct pv_placing p = sprite_at(s, &s->sprites[i], v);
        list = pv_truth_append(list,
                               json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "x", p.x, "y", p.y, "px", p.x * pixels, "py",
                                         s->stage->params.height - p.y * pixels, "angle", p.angle, "scale", p.scale));
    }
    return list;
}

static json_t *trajectory_json(const struct scene *s, int frames)
{
    json_t *list = json_array();
    for (int i = 0; list && i < frames; i++) {
        const struct view v = view_at(s, s->stage->params.skip + i);
        json_t *camera = json_pack("{s:f, s:f, s:f, s:f}", "x", v.x, "y", v.y, "angle", v.angle, "zoom", v.zoom);
        list = pv_truth_append(list, json_pack("{s:f, s:o, s:f, s:o}", "time", i * s->stage->frame_seconds, "camera",
                                               camera, "light", v.light, "objects", sprites_json(s, &v)));
    }
    return list;
}

static json_t *truth(const void *state, int frames)
{
    const struct scene *s = state;
    json_t *layers = json_array(), *objects = json_array();
    for (int i = 0; layers && i < s->layer_count; i++)
        layers = pv_truth_append(
            layers, json_pack("{s:f, s:b}", "parallax", s->layers[i].parallax, "front", s->layers[i].front));
    for (int i = 0; objects && i < s->sprite_count; i++)
        objects = pv_truth_append(
            objects, json_pack("{s:f, s:f}", "radius", s->sprites[i].radius, "parallax", s->sprites[i].parallax));
    return json_pack("{s:o, s:o, s:o}", "layers", layers, "objects", objects, "trajectory", trajectory_json(s, frames));
}

const struct pv_world_kind pv_world_scene = {
    .name = "scene",
    .summary = "a camera moves over textures, and sprites between them",
    .width = 256,
    .height = 256,
    .frames = 48,
    .fps = 24,
    .state_size = sizeof(struct scene),
    .open = open,
    .record = record,
    .draw = draw,
    .step = step,
    .truth = truth,
    .close = close,
};
