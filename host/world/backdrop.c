/* backdrop.c: what stands still: a soft gradient with light and low-frequency texture, floor and ramps. */
#include <math.h>

#include "world/rigid.h"

enum { OCTAVES = 2, LATTICE_X = 16, LATTICE_Y = 28 };

/* Units between lattice points; 10 / .8 + 2 points fit LATTICE_X and 20 / .8 + 2 fit LATTICE_Y. */
static const double lattice_step[OCTAVES] = {2.1, 0.8};

struct noise {
    float value[OCTAVES][LATTICE_Y][LATTICE_X]; /* -1 to 1 */
};

static void draw_noise(struct noise *noise, uint64_t seed)
{
    struct pv_draw draw = pv_draw_start(seed, PV_DRAW_LOOK, 0);
    for (int octave = 0; octave < OCTAVES; octave++)
        for (int y = 0; y < LATTICE_Y; y++)
            for (int x = 0; x < LATTICE_X; x++)
                noise->value[octave][y][x] = (float)pv_draw_uniform(&draw, -1, 1);
}

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

/* Value noise at a point of the picture, -1 to 1: the coarse octave counts double. */
static double noise_at(const struct noise *noise, double x, double y)
{
    double sum = 0;
    for (int octave = 0; octave < OCTAVES; octave++) {
        const double u = x / lattice_step[octave], v = y / lattice_step[octave];
        const int i = (int)u, j = (int)v;
        const double s = smooth(u - i), t = smooth(v - j);
        const float *a = &noise->value[octave][j][i], *b = &noise->value[octave][j + 1][i];
        const double low = (double)a[0] + s * (double)(a[1] - a[0]);
        const double high = (double)b[0] + s * (double)(b[1] - b[0]);
        sum += (low + t * (high - low)) * (octave == 0 ? 2.0 / 3 : 1.0 / 3);
    }
    return sum;
}

static double clamp01(double x)
{
    return fmin(fmax(x, 0), 1);
}

static struct pv_colour mix(struct pv_colour a, struct pv_colour b, double t)
{
    const float f = (float)t;
    return (struct pv_colour){a.r + (b.r - a.r) * f, a.g + (b.g - a.g) * f, a.b + (b.b - a.b) * f};
}

static struct pv_colour scaled(struct pv_colour c, double factor)
{
    const float f = (float)factor;
    return (struct pv_colour){c.r * f, c.g * f, c.b * f};
}

static double distance_to_obstacle(const struct pv_obstacle *o, double x, double y)
{
    const double dx = o->to.x - o->from.x, dy = o->to.y - o->from.y;
    const double px = x - o->from.x, py = y - o->from.y;
    const double t = clamp01((px * dx + py * dy) / (dx * dx + dy * dy));
    const double ex = px - t * dx, ey = py - t * dy;
    return sqrt(ex * ex + ey * ey) - o->radius;
}

static uint8_t to_byte(float value)
{
    return (uint8_t)(fminf(fmaxf(value, 0), 1) * 255 + 0.5f);
}

void pv_rigid_paint_backdrop(const struct pv_rigid *rigid, int width, int height, uint8_t *rgb)
{
    const struct pv_backdrop *b = &rigid->backdrop;
    const double pixels = width / rigid->width; /* a unit */
    const double extent = fabs(b->direction.x) * rigid->width + fabs(b->direction.y) * rigid->height;
    const double spot = 1 / (0.18 * rigid->width * rigid->width); /* light falls to a third 4.2 units away */
    static const double edge = 0.07; /* units: the bright line along the top of floor and ramps */
    struct noise noise;
    draw_noise(&noise, b->seed);

    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const double x = (i + 0.5) / pixels, y = (height - j - 0.5) / pixels;
            const double cx = x - rigid->width / 2, cy = y - rigid->height / 2;
            const double along = (cx * b->direction.x + cy * b->direction.y) / extent + 0.5;
            const double lx = x - b->light.x, ly = y - b->light.y;
            const double light = 1 + b->light_strength * exp(-(lx * lx + ly * ly) * spot);
            const double texture = 1 + b->texture * noise_at(&noise, x, y);
            struct pv_colour c = scaled(mix(b->from, b->to, along), light * texture);

            for (int k = 0; k < rigid->obstacle_count; k++) {
                const struct pv_obstacle *o = &rigid->obstacles[k];
                if (o->thing.kind == PV_THING_WALL)
                    continue;
                const bool floor = o->thing.kind == PV_THING_FLOOR;
                const double distance = floor ? y - rigid->floor : distance_to_obstacle(o, x, y);
                const double cover = clamp01(0.5 - distance * pixels);
                if (cover == 0)
                    continue;
                const double line = clamp01(0.5 - (-edge - distance) * pixels);
                c = mix(c, scaled(floor ? b->floor : b->ramp, texture * (1 + 0.12 * line)), cover);
            }
            uint8_t *out = &rgb[((size_t)j * (size_t)width + (size_t)i) * 3];
            out[0] = to_byte(c.r);
            out[1] = to_byte(c.g);
            out[2] = to_byte(c.b);
        }
}
