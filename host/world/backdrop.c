/* backdrop.c: the gradient, the lit spot, value noise of low frequency, floor and ramps. */
#include "world/backdrop.h"

#include <math.h>
#include <stddef.h>

#include "world/clamp.h"

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

static uint8_t to_byte(float value)
{
    return (uint8_t)(pv_clampf(value, 0, 1) * 255 + 0.5f);
}

void pv_backdrop_choose(struct pv_backdrop *b, double width, double height, struct pv_draw *draw)
{
    static const double pi = 3.14159265358979323846;
    const double hue = pv_draw_uniform(draw, 0, 360);
    const double value = pv_draw_uniform(draw, 0.42, 0.88), change = pv_draw_uniform(draw, -0.1, 0.1);
    b->from = pv_colour_from_hsv(hue, pv_draw_uniform(draw, 0, 0.14), value + change);
    const double saturation = pv_draw_uniform(draw, 0, 0.14), turn = pv_draw_uniform(draw, 0, 90);
    b->to = pv_colour_from_hsv(fmod(hue + turn, 360), saturation, value - change);
    const double angle = pi * (0.5 + pv_draw_uniform(draw, -0.25, 0.25)); /* vertical to diagonal */
    b->direction = (struct pv_point){cos(angle), sin(angle)};
    b->texture = pv_draw_uniform(draw, 0.005, 0.03);
    b->light.y = pv_draw_uniform(draw, 0.4, 1) * height;
    b->light.x = pv_draw_uniform(draw, 0, width);
    b->light_strength = pv_draw_uniform(draw, 0, 0.08);
    b->seed = (uint64_t)pv_draw_bits(draw) << 32;
    b->seed |= pv_draw_bits(draw);

    /* Floor and ramps stand out from the wall behind them, darker where it is bright. */
    const double down = value > 0.6 ? -1 : 1;
    const double ground = pv_draw_uniform(draw, 0, 360), grey = pv_draw_uniform(draw, 0.02, 0.16);
    b->floor = pv_colour_from_hsv(ground, grey, value + down * pv_draw_uniform(draw, 0.16, 0.3));
    b->ramp = pv_colour_from_hsv(ground, grey, value + down * pv_draw_uniform(draw, 0.22, 0.36));
}

void pv_backdrop_paint(const struct pv_backdrop *b, double units, double floor_height, const struct pv_bar *ramps,
                       int ramp_count, int width, int height, uint8_t *rgb)
{
    const double pixels = width / units, tall = units * height / width;
    const double extent = fabs(b->direction.x) * units + fabs(b->direction.y) * tall;
    const double spot = 1 / (0.18 * units * units); /* light falls to a third 4.2 units away */
    static const double edge = 0.07;                /* units: the bright line along the top of floor and ramps */
    struct noise noise;
    draw_noise(&noise, b->seed);

    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const struct pv_point p = {(i + 0.5) / pixels, (height - j - 0.5) / pixels};
            const double cx = p.x - units / 2, cy = p.y - tall / 2;
            const double along = (cx * b->direction.x + cy * b->direction.y) / extent + 0.5;
            const double lx = p.x - b->light.x, ly = p.y - b->light.y;
            const double light = 1 + b->light_strength * exp(-(lx * lx + ly * ly) * spot);
            const double texture = 1 + b->texture * noise_at(&noise, p.x, p.y);
            struct pv_colour c = scaled(mix(b->from, b->to, along), light * texture);

            for (int k = -1; k < ramp_count; k++) { /* the floor first */
                struct pv_point nearest;
                const double distance = k < 0 ? p.y - floor_height : pv_bar_distance(&ramps[k], p, &nearest);
                const double cover = pv_clamp(0.5 - distance * pixels, 0, 1);
                if (cover == 0)
                    continue;
                const double line = pv_clamp(0.5 - (-edge - distance) * pixels, 0, 1);
                c = mix(c, scaled(k < 0 ? b->floor : b->ramp, texture * (1 + 0.12 * line)), cover);
            }
            uint8_t *out = &rgb[((size_t)j * (size_t)width + (size_t)i) * 3];
            out[0] = to_byte(c.r);
            out[1] = to_byte(c.g);
            out[2] = to_byte(c.b);
        }
}
