/* pour.c: the world `pour`: a cup tilts and its liquid falls into another cup, or onto an obstacle. It asks how full
 * the other cup gets, and what is spilled.
 *
 * Truth, beyond that of every world (truth.c):
 * floor: its height. liquid: {particles, area, colour, hue}, area in units squared.
 * cup: {x, y, width, height, wall, colour, hue, starts, ends}: middle and size of its inside when upright, radius of
 *   its walls, and when it starts and stops tilting (seconds, frame 0 being time 0);
 * target: {x, y, width, height, wall}, y being that of its inside's bottom, or null;
 * obstacle: {from, to, radius}, or null;
 * trajectory: one item a frame: {time, angle, cup, target, spilled, level}: the cup's angle (radians counter-clockwise,
 *   so negative when it pours to the right), the shares of the liquid inside the cup, inside the target, and come down
 *   outside both (the rest is in the air), and the mean depth in the target, in units;
 * poured: the share that has left the cup in the last frame;
 * events: [{what, frame, time}]: the first frame in which the liquid has left the cup ("pours") and reached the
 * "target", the "obstacle" or the "floor", in order of time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world/backdrop.h"
#include "world/fluid.h"
#include "world/kind.h"
#include "world/liquid.h"
#include "world/truth.h"

enum { CUP_BARS = 3, STEPS_A_SECOND = 240, EVENTS = 4 };

static const double settle_seconds = 0.4; /* before a clip begins, with the cup upright */

/* A rectangle open at the top, seen from the side. */
struct cup {
    struct pv_point middle; /* of its inside, upright */
    double width, height;   /* of its inside */
    double wall;            /* radius of its walls */
};

/* What one frame shows. */
struct view {
    double angle, in_cup, in_target, spilled;
};

enum event { EVENT_POURS, EVENT_TARGET, EVENT_OBSTACLE, EVENT_FLOOR };

struct pour {
    struct pv_stage *stage;
    struct pv_fluid fluid; /* the cup's bars are its first solids */
    struct cup cup, target;
    struct pv_bar obstacle;
    bool has_target;
    double side;         /* 1 pours to the right, -1 to the left */
    double starts, ends; /* of the tilt, seconds after the first step */
    double floor;
    double cup_hue, liquid_hue;
    struct pv_colour cup_colour;
    struct pv_backdrop backdrop;
    uint8_t *picture; /* [height][width][3] */
    struct pv_liquid liquid;
    struct pv_point *drawn;  /* [2 * particles], while drawing */
    struct view *views;      /* [frames] */
    int first_frame[EVENTS]; /* 1 + the frame, 0 = not yet */
    int substeps;
    int64_t substep;
};

/* ---- the scene ---- */

static double seconds_now(const struct pour *w)
{
    return (double)w->substep / w->substeps * w->stage->frame_seconds;
}

static double angle_now(const struct pour *w)
{
    static const double whole = 1.91986217719376; /* 110 degrees */
    const double t = fmin(fmax((seconds_now(w) - w->starts) / (w->ends - w->starts), 0), 1);
    return -w->side * whole * t * t * (3 - 2 * t);
}

static struct pv_point turned(const struct cup *cup, double angle, double x, double y)
{
    const double c = cos(angle), s = sin(angle);
    return (struct pv_point){cup->middle.x + c * x - s * y, cup->middle.y + s * x + c * y};
}

/* Left wall, bottom, right wall. */
static void cup_bars(const struct cup *cup, double angle, struct pv_bar bars[CUP_BARS])
{
    const double x = cup->width / 2 + cup->wall, low = -cup->height / 2 - cup->wall, high = cup->height / 2;
    const struct pv_point corner[4] = {turned(cup, angle, -x, high), turned(cup, angle, -x, low),
                                       turned(cup, angle, x, low), turned(cup, angle, x, high)};
    for (int i = 0; i < CUP_BARS; i++)
        bars[i] = (struct pv_bar){corner[i], corner[i + 1], cup->wall};
}

static bool is_in_cup(const struct cup *cup, double angle, struct pv_point p)
{
    const double c = cos(angle), s = sin(angle), dx = p.x - cup->middle.x, dy = p.y - cup->middle.y;
    return fabs(c * dx + s * dy) < cup->width / 2 && fabs(c * dy - s * dx) < cup->height / 2;
}

/* Draws sizes and places. Lengths grow with the picture's height; the cup turns in a circle above the target's rim. */
static void draw_layout(struct pour *w, struct pv_draw *draw, int *particles, double *spacing)
{
    const struct pv_stage *stage = w->stage;
    const bool out = stage->params.range == PV_WORLD_OUT;
    w->floor = pv_draw_uniform(draw, 0.35, 0.6);
    const double room = stage->height - w->floor, unit = fmin(room / 4.8, 1.35);
    w->side = pv_draw_int(draw, 2) ? 1 : -1;
    *particles = (out ? 1800 : 600) + pv_draw_int(draw, out ? 1201 : 901);
    const double area = pv_draw_uniform(draw, out ? 2.2 : 1.1, out ? 2.6 : 2.1) * unit * unit;
    *spacing = sqrt(area / *particles);

    const double wall = pv_draw_uniform(draw, 0.07, 0.09) * unit;
    const double inside = area / pv_draw_uniform(draw, 0.7, 0.92), tallness = pv_draw_uniform(draw, 1, 1.35);
    w->cup = (struct cup){.width = sqrt(inside / tallness), .height = sqrt(inside * tallness), .wall = wall};
    const double turning = hypot(w->cup.width / 2 + 2 * wall, w->cup.height / 2 + 2 * wall);
    w->starts = pv_draw_uniform(draw, 0.1, 0.4);
    w->ends = w->starts + (out ? pv_draw_uniform(draw, 0.7, 0.9) : pv_draw_uniform(draw, 1, 1.5));

    w->has_target = pv_draw_uniform(draw, 0, 1) < 0.7;
    const double rim = pv_draw_uniform(draw, 0.8, 1.3) * unit, capacity = area * pv_draw_uniform(draw, 0.7, 1.6);
    const double target_width = fmin(fmax(capacity / rim, 1.2 * unit), 2.4 * unit);
    const double lowest = w->floor + rim + turning + 0.05 * unit, highest = stage->height - turning - 0.05 * unit;
    w->cup.middle.y = lowest < highest ? lowest + (highest - lowest) * pv_draw_uniform(draw, 0, 0.5) : lowest;
    const double from = pv_draw_uniform(draw, 3.2, 4.2), away = pv_draw_uniform(draw, 1, 2.5) * unit;
    const double x = from + away, at = w->side > 0 ? x : stage->width - x;
    w->cup.middle.x = w->side > 0 ? from : stage->width - from;
    w->target = (struct cup){{at, w->floor + 2 * wall + rim / 2}, target_width, rim, wall};

    const bool round = pv_draw_int(draw, 2);
    const double size = pv_draw_uniform(draw, 0.4, 0.8) * unit, tilt = pv_draw_uniform(draw, -0.5, 0.5);
    const double high = w->floor + pv_draw_uniform(draw, 0.6, 1.1) * unit;
    const double dx = round ? 0 : size * cos(tilt), dy = round ? 0 : size * sin(tilt);
    const double obstacle_x = w->cup.middle.x + w->side * pv_draw_uniform(draw, 1, 2) * unit;
    w->obstacle =
        (struct pv_bar){{obstacle_x - dx, high - dy}, {obstacle_x + dx, high + dy}, round ? size * 0.6 : wall};
}

/* Rows from wall to wall, every other one shifted by half a step, from the cup's bottom up. */
static void fill_cup(struct pour *w)
{
    struct pv_fluid *f = &w->fluid;
    const int across = (int)(w->cup.width / (f->spacing * sqrt(2 / sqrt(3))));
    const double apart = w->cup.width / across, row = f->spacing * f->spacing / apart;
    for (int i = 0; i < f->count; i++) {
        const int k = i / across;
        f->at[i].x = w->cup.middle.x - w->cup.width / 2 + apart * (i % across + (k & 1 ? 0.75 : 0.25));
        f->at[i].y = w->cup.middle.y - w->cup.height / 2 + row * (k + 0.5);
    }
}

static void draw_look(struct pour *w, struct pv_draw *draw)
{
    pv_backdrop_choose(&w->backdrop, w->stage->width, w->stage->height, draw);
    w->liquid_hue = fmod(pv_draw_uniform(draw, 170, 400), 360); /* water, juice, wine; no mud */
    w->cup_hue = fmod(w->liquid_hue + pv_draw_uniform(draw, 100, 260), 360);
    const double saturation = pv_draw_uniform(draw, 0.7, 0.9), value = pv_draw_uniform(draw, 0.62, 0.82);
    w->liquid.deep = pv_colour_from_hsv(w->liquid_hue, saturation, value);
    w->liquid.bright = pv_colour_from_hsv(w->liquid_hue, saturation * 0.65, fmin(1, value * 1.4));
    w->cup_colour = pv_colour_from_hsv(w->cup_hue, 0.75, pv_draw_uniform(draw, 0.55, 0.85));
}

/* ---- the table's functions ---- */

static void substep(struct pour *w)
{
    w->substep++;
    cup_bars(&w->cup, angle_now(w), w->fluid.solids);
    pv_fluid_step(&w->fluid, w->stage->frame_seconds / w->substeps);
}

static void step(void *state)
{
    struct pour *w = state;
    w->fluid.gravity.y = w->stage->gravity[1];
    for (int i = 0; i < w->substeps; i++)
        substep(w);
}

static void add_solid(struct pv_fluid *fluid, const struct pv_bar *bar)
{
    fluid->solids[fluid->solid_count++] = *bar;
}

static pv_status open(void *state, struct pv_stage *stage, struct pv_error *err)
{
    struct pour *w = state;
    const struct pv_world_params *p = &stage->params;
    w->stage = stage;
    w->substeps = (int)(((int64_t)STEPS_A_SECOND * p->fps_den + p->fps_num - 1) / p->fps_num);
    struct pv_draw draw = pv_draw_start(p->seed, PV_DRAW_LAYOUT, (uint32_t)p->range);
    stage->gravity[1] = -pv_draw_uniform(&draw, 6, 10) * (p->range == PV_WORLD_OUT ? 1.5 : 1);
    stage->gravity[1] *= stage->gravity_scale;
    int particles;
    double spacing;
    draw_layout(w, &draw, &particles, &spacing);

    PV_TRY(pv_fluid_open(&w->fluid, particles, spacing, (struct pv_point){0, w->floor},
                         (struct pv_point){stage->width, stage->height}, err));
    w->fluid.gravity.y = stage->gravity[1];
    struct pv_bar bars[CUP_BARS];
    cup_bars(&w->cup, 0, bars);
    for (int i = 0; i < CUP_BARS; i++)
        add_solid(&w->fluid, &bars[i]);
    w->fluid.moving = CUP_BARS;
    cup_bars(&w->target, 0, bars);
    for (int i = 0; w->has_target && i < CUP_BARS; i++)
        add_solid(&w->fluid, &bars[i]);
    if (!w->has_target)
        add_solid(&w->fluid, &w->obstacle);
    fill_cup(w);

    struct pv_draw look = pv_draw_start(p->seed, PV_DRAW_LOOK, (uint32_t)p->range);
    draw_look(w, &look);
    PV_TRY(pv_liquid_open(&w->liquid, p->width, p->height, err));
    w->picture = malloc((size_t)p->width * (size_t)p->height * 3);
    w->views = calloc((size_t)p->frames, sizeof *w->views);
    w->drawn = calloc((size_t)particles * 2, sizeof *w->drawn);
    if (!w->picture || !w->views || !w->drawn)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a world of %dx%d pixels and %d frames; choose fewer",
                       p->width, p->height, p->frames);
    pv_backdrop_paint(&w->backdrop, stage->width, w->floor, NULL, 0, p->width, p->height, w->picture);

    for (int i = 0; i < (int)(settle_seconds * STEPS_A_SECOND); i++)
        pv_fluid_step(&w->fluid, 1.0 / STEPS_A_SECOND);
    for (int i = 0; i < p->skip; i++)
        step(w);
    return PV_OK;
}

static void record(void *state, int frame)
{
    struct pour *w = state;
    const struct pv_fluid *f = &w->fluid;
    const double angle = angle_now(w), near = 1.5 * f->spacing;
    const double low = w->floor + (w->has_target ? w->target.height : 0.3); /* below this it has come down */
    int in_cup = 0, in_target = 0, spilled = 0;
    bool happens[EVENTS] = {false};
    for (int i = 0; i < f->count; i++) {
        const struct pv_point p = f->at[i];
        struct pv_point nearest;
        happens[EVENT_OBSTACLE] |= !w->has_target && pv_bar_distance(&w->obstacle, p, &nearest) < near;
        happens[EVENT_FLOOR] |= p.y < w->floor + near;
        if (is_in_cup(&w->cup, angle, p))
            in_cup++;
        else if (w->has_target && is_in_cup(&w->target, 0, p))
            in_target++;
        else if (p.y < low)
            spilled++;
    }
    happens[EVENT_POURS] = in_cup < f->count;
    happens[EVENT_TARGET] = in_target > 0;
    for (int i = 0; i < EVENTS; i++)
        if (happens[i] && !w->first_frame[i])
            w->first_frame[i] = frame + 1;
    const double all = f->count;
    w->views[frame] = (struct view){angle, in_cup / all, in_target / all, spilled / all};
}

/* The particles, and a mirror image of each one that is near a solid: the liquid then touches the solid's edge. Returns
 * how many. */
static int points_to_draw(struct pour *w)
{
    const struct pv_fluid *f = &w->fluid;
    int count = f->count;
    for (int i = 0; i < f->count; i++) {
        const struct pv_point p = w->drawn[i] = f->at[i];
        double least = 1.5 * f->spacing;
        struct pv_point image = {0, 0};
        bool near = false;
        for (int k = 0; k < f->solid_count; k++) {
            struct pv_point middle;
            const double distance = pv_bar_distance(&f->solids[k], p, &middle);
            if (distance >= least)
                continue;
            near = true;
            least = distance;
            const double back = 2 * distance / (distance + f->solids[k].radius);
            image = (struct pv_point){p.x - back * (p.x - middle.x), p.y - back * (p.y - middle.y)};
        }
        if (near)
            w->drawn[count++] = image;
    }
    return count;
}

/* The surface's radius reaches a little into the floor: the floor is in front. */
static void restore_floor(const struct pour *w, const struct pv_canvas *canvas)
{
    const size_t row = (size_t)canvas->width * 3;
    for (int j = canvas->height - (int)(w->floor * canvas->pixels); j < canvas->height; j++) {
        memcpy(canvas->rgb + (size_t)j * canvas->stride, w->picture + (size_t)j * row, row);
        if (canvas->coverage)
            memset(canvas->coverage + (size_t)j * (size_t)canvas->width, 0, (size_t)canvas->width);
    }
}

static void draw(void *state, const struct pv_canvas *canvas)
{
    struct pour *w = state;
    struct pv_bar bars[CUP_BARS];
    pv_canvas_start(canvas, w->picture);
    pv_liquid_draw(&w->liquid, canvas, w->drawn, points_to_draw(w), w->fluid.spacing);
    restore_floor(w, canvas);
    cup_bars(&w->target, 0, bars);
    for (int i = 0; w->has_target && i < CUP_BARS; i++)
        pv_render_bar(canvas, &bars[i], w->backdrop.ramp, false);
    if (!w->has_target)
        pv_render_bar(canvas, &w->obstacle, w->backdrop.ramp, false);
    cup_bars(&w->cup, angle_now(w), bars);
    for (int i = 0; i < CUP_BARS; i++)
        pv_render_bar(canvas, &bars[i], w->cup_colour, true);
}

static void close(void *state)
{
    struct pour *w = state;
    pv_fluid_close(&w->fluid);
    pv_liquid_close(&w->liquid);
    free(w->picture);
    free(w->views);
    free(w->drawn);
}

/* ---- the truth ---- */

static json_t *trajectory_json(const struct pour *w, int frames)
{
    const double area = w->fluid.count * w->fluid.spacing * w->fluid.spacing;
    json_t *list = json_array();
    for (int i = 0; list && i < frames; i++) {
        const struct view *v = &w->views[i];
        list = pv_truth_append(list, json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "time", i * w->stage->frame_seconds,
                                               "angle", v->angle, "cup", v->in_cup, "target", v->in_target, "spilled",
                                               v->spilled, "level", v->in_target * area / w->target.width));
    }
    return list;
}

static json_t *events_json(const struct pour *w)
{
    static const char *const what[EVENTS] = {"pours", "target", "obstacle", "floor"};
    json_t *list = json_array();
    for (int frame = 0; list && frame < w->stage->params.frames; frame++)
        for (int i = 0; list && i < EVENTS; i++)
            if (w->first_frame[i] == frame + 1)
                list = pv_truth_append(list, json_pack("{s:s, s:i, s:f}", "what", what[i], "frame", frame, "time",
                                                       frame * w->stage->frame_seconds));
    return list;
}

static json_t *target_json(const struct pour *w)
{
    const struct cup *t = &w->target;
    if (!w->has_target)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "x", t->middle.x, "y", t->middle.y - t->height / 2, "width", t->width,
                     "height", t->height, "wall", t->wall);
}

static json_t *truth(const void *state, int frames)
{
    const struct pour *w = state;
    const struct cup *c = &w->cup;
    const double skipped = w->stage->params.skip * w->stage->frame_seconds;
    json_t *liquid = json_pack("{s:i, s:f, s:o, s:f}", "particles", w->fluid.count, "area",
                               w->fluid.count * w->fluid.spacing * w->fluid.spacing, "colour",
                               pv_truth_colour(w->liquid.deep), "hue", w->liquid_hue);
    json_t *cup =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:o, s:f, s:f, s:f}", "x", c->middle.x, "y", c->middle.y, "width",
                  c->width, "height", c->height, "wall", c->wall, "colour", pv_truth_colour(w->cup_colour), "hue",
                  w->cup_hue, "starts", w->starts - skipped, "ends", w->ends - skipped);
    return json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:f, s:o}", "floor", w->floor, "liquid", liquid, "cup", cup,
                     "target", target_json(w), "obstacle", w->has_target ? json_null() : pv_truth_bar(&w->obstacle),
                     "trajectory", trajectory_json(w, frames), "poured",
                     frames > 0 ? 1 - w->views[frames - 1].in_cup : 0.0, "events", events_json(w));
}

const struct pv_world_kind pv_world_pour = {
    .name = "pour",
    .summary = "a cup tilts and pours liquid into another, or onto an obstacle",
    .width = 256,
    .height = 256,
    .frames = 72,
    .fps = 24,
    .state_size = sizeof(struct pour),
    .open = open,
    .record = record,
    .draw = draw,
    .step = step,
    .truth = truth,
    .close = close,
};
