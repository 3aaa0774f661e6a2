/* law.c: the worlds `uniform`, `collision` and `parabola`: one law of motion each, exactly as in the published protocol
 * (Kang et al., "How Far is Video Generation from World Model", ICML 2025, arXiv 2411.02385), so that results can stand
 * beside the published ones. Pictures are square, 10x10 units; the ground is white, ball 1 red, ball 2 blue. Motion is
 * evaluated in closed form, not stepped.
 *
 * Truth, beyond that of all worlds of bodies (truth.c): beyond: what lies outside the training range, "nothing",
 * "size", "speed" or "both". vx, vy are those of the frame's own time. The only event is the collision. */
#include <math.h>

#include "world/draw.h"
#include "world/truth.h"

enum { RIGHT_PLACE = 24, BEFORE = 8, AFTER = 8, PROTOCOL_FRAMES = 32 };

static const double size = 10, frame_seconds = 0.1; /* of the protocol, for the start positions */

struct law {
    struct pv_stage *stage;
    struct pv_body balls[2];
    struct pv_motion start[2];
    int ball_count;
    double contact;        /* seconds after the start; infinite if never */
    double speed_after[2]; /* x, from then on */
    int frame;             /* the current one, skipped ones included */
    double gravity;        /* of the start */
    const char *beyond;
    struct pv_record record;
};

struct span {
    double low, high;
};

/* What a law draws its balls from. Out of range is below or above. */
struct law_range {
    struct span in, below, above;
};

static const struct law_range one_ball_radius = {{0.7, 1.4}, {0.3, 0.6}, {1.5, 2}};
static const struct law_range two_ball_radius = {{0.5, 1.5}, {0.3, 0.4}, {1.7, 2}};
static const struct law_range speed = {{1, 4}, {0, 0.8}, {4.5, 6}};

/* Which of the spans a clip uses. */
struct choice {
    const struct span *radius, *speed;
};

static double draw_span(struct pv_draw *draw, struct span s)
{
    return pv_draw_uniform(draw, s.low, s.high);
}

static const struct span *choose(struct pv_draw *draw, const struct law_range *range, bool out)
{
    const bool above = pv_draw_int(draw, 2);
    return !out ? &range->in : above ? &range->above : &range->below;
}

/* Out of range: the size, the speed or both, a third of the clips each. */
static struct choice draw_choice(struct law *law, struct pv_draw *draw, const struct law_range *radius)
{
    static const char *const beyond[] = {"size", "speed", "both"};
    const bool out = law->stage->params.range == PV_WORLD_OUT;
    const int level = pv_draw_int(draw, 3);
    law->beyond = out ? beyond[level] : "nothing";
    const struct span *r = choose(draw, radius, out && level != 1);
    return (struct choice){r, choose(draw, &speed, out && level != 0)};
}

static struct pv_body ball(double radius, bool red)
{
    const struct pv_colour colour = red ? (struct pv_colour){1, 0, 0} : (struct pv_colour){0, 0, 1};
    return (struct pv_body){
        .shape = PV_SHAPE_DISC,
        .half_width = radius,
        .half_height = radius,
        .restitution = 1,
        .hue = red ? 0 : 240,
        .colour = colour,
        .mark_colour = colour,
    };
}

/* One ball to the right; it stays in the picture for 24 frames where its speed allows. y: of its middle. */
static void start_one_ball(struct law *law, struct pv_draw *draw, double radius, double v, struct span y)
{
    double rightmost = size - (RIGHT_PLACE * frame_seconds * v + radius);
    const double near_left = radius + pv_draw_uniform(draw, 0, 0.5);
    if (rightmost < radius)
        rightmost = near_left;
    law->balls[0] = ball(radius, true);
    law->start[0].x = pv_draw_uniform(draw, radius, rightmost);
    law->start[0].y = draw_span(draw, y);
    law->start[0].vx = v;
    law->ball_count = 1;
    law->contact = INFINITY;
}

static void build_uniform(struct law *law, struct pv_draw *draw)
{
    const struct choice c = draw_choice(law, draw, &one_ball_radius);
    const double r = draw_span(draw, *c.radius), v = draw_span(draw, *c.speed);
    start_one_ball(law, draw, r, v, (struct span){r + 0.5, size - 0.5 - r});
}

static void build_parabola(struct law *law, struct pv_draw *draw)
{
    const struct choice c = draw_choice(law, draw, &one_ball_radius);
    const double r = draw_span(draw, *c.radius), v = draw_span(draw, *c.speed);
    start_one_ball(law, draw, r, v, (struct span){size - 1.5 - r, size - 0.5 - r});
    law->stage->gravity[1] = -2.5 * law->stage->gravity_scale;
    law->gravity = law->stage->gravity[1];
}

/* Two balls of density 1 meet head on, without loss. At least 8 frames pass before they touch and 8 of 32 after; both
 * start wholly in the picture. False if balls so large or so fast have no such start. */
static bool start_two_balls(struct law *law, struct pv_draw *draw, const double r[2], const double v[2])
{
    const double closing = v[0] + v[1], radii = r[0] + r[1];
    const double nearest = BEFORE * frame_seconds * closing + radii;
    double farthest = fmin((PROTOCOL_FRAMES - AFTER) * frame_seconds * closing + radii, size - radii);
    if (r[0] > 2 * r[1] || r[1] > 2 * r[0]) /* the small one flies off fast: let it do so in the picture */
        farthest = fmin(farthest, 1.25 * nearest);
    if (farthest < nearest)
        return false;
    const double apart = pv_draw_uniform(draw, nearest, farthest), rightmost = size - r[1] - apart;
    const double leftmost = r[1] > 2 * r[0] ? fmax(r[0], rightmost - 0.5) : r[0];
    const double x = pv_draw_uniform(draw, leftmost, rightmost), larger = fmax(r[0], r[1]);
    const double y = pv_draw_uniform(draw, larger + 0.5, size - 0.5 - larger);
    law->start[0] = (struct pv_motion){.x = x, .y = y, .vx = v[0]};
    law->start[1] = (struct pv_motion){.x = x + apart, .y = y, .vx = -v[1]};
    law->contact = closing > 0 ? (apart - radii) / closing : INFINITY;
    return true;
}

static void build_collision(struct law *law, struct pv_draw *draw)
{
    double r[2], v[2];
    do {
        const struct choice c = draw_choice(law, draw, &two_ball_radius);
        for (int i = 0; i < 2; i++) {
            r[i] = draw_span(draw, *c.radius);
            v[i] = draw_span(draw, *c.speed);
        }
    } while (!start_two_balls(law, draw, r, v));

    law->ball_count = 2;
    for (int i = 0; i < 2; i++)
        law->balls[i] = ball(r[i], i == 0);
    const double m[2] = {r[0] * r[0], r[1] * r[1]};
    const double u[2] = {law->start[0].vx, law->start[1].vx}, centre = (m[0] * u[0] + m[1] * u[1]) / (m[0] + m[1]);
    for (int i = 0; i < 2; i++)
        law->speed_after[i] = 2 * centre - u[i]; /* mirrored in the frame of the centre of mass */
}

static pv_status open_law(void *state, struct pv_stage *stage, void (*build)(struct law *, struct pv_draw *),
                          struct pv_error *err)
{
    struct law *law = state;
    const struct pv_world_params *p = &stage->params;
    if (p->width != p->height)
        return pv_fail(err, PV_ERR_ARGUMENT, "the world %s is square: it cannot be %dx%d pixels, choose %dx%d", p->name,
                       p->width, p->height, p->width, p->width);
    law->stage = stage;
    law->frame = p->skip;
    struct pv_draw draw = pv_draw_start(p->seed, PV_DRAW_LAYOUT, (uint32_t)p->range);
    build(law, &draw);
    return pv_record_open(&law->record, stage, law->balls, law->ball_count, err);
}

static pv_status open_uniform(void *state, struct pv_stage *stage, struct pv_error *err)
{
    return open_law(state, stage, build_uniform, err);
}

static pv_status open_collision(void *state, struct pv_stage *stage, struct pv_error *err)
{
    return open_law(state, stage, build_collision, err);
}

static pv_status open_parabola(void *state, struct pv_stage *stage, struct pv_error *err)
{
    return open_law(state, stage, build_parabola, err);
}

static void motions_now(const struct law *law, struct pv_motion motions[2])
{
    const struct pv_world_params *p = &law->stage->params;
    const double t = law->frame * law->stage->frame_seconds, first = law->gravity, g = law->stage->gravity[1];
    const double early = p->gravity_from > 0 ? fmin(t, (p->skip + p->gravity_from) * law->stage->frame_seconds) : t;
    const double late = t - early; /* time under g, after `early` under the first */
    for (int i = 0; i < law->ball_count; i++) {
        const struct pv_motion *s = &law->start[i];
        const double before = fmin(t, law->contact), after = t - before;
        motions[i] = *s;
        motions[i].vx = after > 0 ? law->speed_after[i] : s->vx;
        motions[i].x = s->x + s->vx * before + law->speed_after[i] * after;
        motions[i].vy = s->vy + first * early + g * late;
        motions[i].y = s->y + s->vy * t + first * early * early / 2 + (first * early + g * late / 2) * late;
    }
}

static void record(void *state, int frame)
{
    struct law *law = state;
    struct pv_motion motions[2];
    motions_now(law, motions);
    pv_record_frame(&law->record, frame, motions);

    const double frames = law->contact / law->stage->frame_seconds;
    if (frames <= law->frame && law->record.contact_count == 0) {
        const struct pv_motion *a = &law->start[0], *b = &law->start[1];
        pv_record_contact(&law->record, &(struct pv_contact){
                                            .a = {PV_THING_BODY, 0},
                                            .b = {PV_THING_BODY, 1},
                                            .frames = frames,
                                            .speed = a->vx - b->vx,
                                            .x = a->x + a->vx * law->contact + law->balls[0].half_width,
                                            .y = a->y,
                                            .first = true,
                                        });
    }
}

static void draw(void *state, const struct pv_canvas *canvas)
{
    const struct law *law = state;
    struct pv_motion motions[2];
    motions_now(law, motions);
    pv_canvas_start(canvas, NULL);
    for (int i = 0; i < law->ball_count; i++)
        pv_render_body(canvas, &law->balls[i], &motions[i], (struct pv_point){0, 0}, 0);
}

static void step(void *state)
{
    ((struct law *)state)->frame++;
}

static json_t *truth(const void *state, int frames)
{
    const struct law *law = state;
    return pv_truth_join(json_pack("{s:s}", "beyond", law->beyond), pv_truth_bodies(&law->record, frames));
}

static void close_law(void *state)
{
    pv_record_close(&((struct law *)state)->record);
}

#define LAW(law_name, law_summary)                                                                                     \
    const struct pv_world_kind pv_world_##law_name = {                                                                 \
        .name = #law_name,                                                                                             \
        .summary = law_summary,                                                                                        \
        .width = 128,                                                                                                  \
        .height = 128,                                                                                                 \
        .frames = PROTOCOL_FRAMES,                                                                                     \
        .fps = 10,                                                                                                     \
        .state_size = sizeof(struct law),                                                                              \
        .open = open_##law_name,                                                                                       \
        .record = record,                                                                                              \
        .draw = draw,                                                                                                  \
        .step = step,                                                                                                  \
        .truth = truth,                                                                                                \
        .close = close_law,                                                                                            \
    }

LAW(uniform, "law: one ball moves at constant speed");
LAW(collision, "law: two balls meet head on, without loss");
LAW(parabola, "law: one ball is thrown and falls");
