/* texture.c: five ways to paint a texture, and three ways to cut it. All wrap around. */
#include "world/texture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world/clamp.h"
#include "world/letters.h"

enum { COLOURS = 4, OCTAVES = 9 };

static const double tau = 6.28318530717958647692;

struct palette {
    struct pv_colour colours[COLOURS];
};

pv_status pv_texture_open(struct pv_texture *t, int side, double units, struct pv_error *err)
{
    const size_t texels = (size_t)side * (size_t)side;
    t->side = side;
    t->units = units;
    t->rgba = malloc(texels * sizeof *t->rgba);
    t->field = malloc(texels * sizeof *t->field);
    t->columns = malloc((size_t)side * sizeof *t->columns);
    t->weights = malloc((size_t)side * sizeof *t->weights);
    if (!t->rgba || !t->field || !t->columns || !t->weights)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a texture of %d texels a side; choose a smaller picture",
                       side);
    for (size_t i = 0; i < texels; i++)
        t->rgba[i] = 0xff000000u;
    return PV_OK;
}

void pv_texture_close(struct pv_texture *t)
{
    free(t->rgba);
    free(t->field);
    free(t->columns);
    free(t->weights);
}

static uint64_t draw_seed(struct pv_draw *draw)
{
    const uint64_t high = pv_draw_bits(draw);
    return high << 32 | pv_draw_bits(draw);
}

/* Related hues or any, from grey to loud, dark and light. */
static struct palette draw_palette(struct pv_draw *draw)
{
    struct palette p;
    const double hue = pv_draw_uniform(draw, 0, 360), spread = pv_draw_int(draw, 2) ? 60 : 360;
    const double loudness = pv_draw_uniform(draw, 0.05, 0.9);
    for (int i = 0; i < COLOURS; i++) {
        const double turn = pv_draw_uniform(draw, 0, spread), saturation = pv_draw_uniform(draw, 0.3, 1) * loudness;
        p.colours[i] = pv_colour_from_hsv(fmod(hue + turn, 360), saturation, pv_draw_uniform(draw, 0.08, 1));
    }
    return p;
}

static inline uint32_t byte_of(float value)
{
    return (uint32_t)(pv_clampf(value, 0, 1) * 255 + 0.5f);
}

static inline uint32_t pack(struct pv_colour c)
{
    return byte_of(c.r) | byte_of(c.g) << 8 | byte_of(c.b) << 16 | 0xff000000u;
}

/* Along the palette, t from 0 to 1. */
static inline struct pv_colour shade(const struct palette *p, float t)
{
    const float place = pv_clampf(t, 0, 0.9999f) * (COLOURS - 1);
    const int i = (int)place;
    const float f = place - (float)i;
    const struct pv_colour a = p->colours[i], b = p->colours[i + 1];
    return (struct pv_colour){a.r + (b.r - a.r) * f, a.g + (b.g - a.g) * f, a.b + (b.b - a.b) * f};
}

/* [lattice][lattice] values, and room for a row of lattice + 1 more. */
static float *octave_values(uint64_t seed, int octave, int lattice)
{
    float *values = malloc(((size_t)lattice * (size_t)lattice + (size_t)lattice + 1) * sizeof *values);
    struct pv_draw draw = pv_draw_start(seed, PV_DRAW_LOOK, (uint32_t)octave);
    for (int i = 0; values && i < lattice * lattice; i++)
        values[i] = (float)pv_draw_uniform(&draw, -1, 1);
    return values;
}

/* Adds value noise on a lattice of so many points a side. line: room for a row of it, at the height of a texel. */
static void add_octave(struct pv_texture *t, const float *values, float *line, int lattice, float amplitude)
{
    const float step = (float)lattice / (float)t->side;
    for (int i = 0; i < t->side; i++) {
        const float u = (float)i * step, f = u - floorf(u);
        t->columns[i] = (int)u;
        t->weights[i] = f * f * (3 - 2 * f);
    }
    for (int j = 0; j < t->side; j++) {
        const float sy = t->weights[j]; /* rows lie as columns do */
        const float *low = values + (size_t)t->columns[j] * (size_t)lattice;
        const float *high = values + (size_t)((t->columns[j] + 1) % lattice) * (size_t)lattice;
        for (int k = 0; k < lattice; k++)
            line[k] = amplitude * (low[k] + sy * (high[k] - low[k]));
        line[lattice] = line[0];
        float *row = t->field + (size_t)j * (size_t)t->side;
        for (int i = 0; i < t->side; i++) {
            const int k = t->columns[i];
            row[i] += line[k] + t->weights[i] * (line[k + 1] - line[k]);
        }
    }
}

/* Fills the field with noise from features of `units` down to two texels; its deviation is about .3. A texture too fine
 * for the memory there is stays smoother. */
static void fill_noise(struct pv_texture *t, uint64_t seed, double units, float roughness)
{
    int lattice = (int)fmax(2, t->units / units);
    float amplitude = 1, power = 0;
    memset(t->field, 0, (size_t)t->side * (size_t)t->side * sizeof *t->field);
    for (int octave = 0; octave < OCTAVES && lattice <= t->side / 2; octave++, lattice *= 2, amplitude *= roughness) {
        float *values = octave_values(seed, octave, lattice);
        if (!values)
            break;
        add_octave(t, values, values + (size_t)lattice * (size_t)lattice, lattice, amplitude);
        free(values);
        power += amplitude * amplitude;
    }
    const float scale = power > 0 ? 1 / sqrtf(power) : 0;
    for (int i = 0; i < t->side * t->side; i++)
        t->field[i] *= scale;
}

static void colour_field(struct pv_texture *t, const struct palette *p)
{
    for (int i = 0; i < t->side * t->side; i++)
        t->rgba[i] = pack(shade(p, 0.5f + 0.6f * t->field[i]));
}

static uint32_t mixed(uint32_t under, struct pv_colour over, float cover)
{
    const float old[3] = {(float)(under & 255), (float)(under >> 8 & 255), (float)(under >> 16 & 255)};
    const float new[3] = {over.r * 255, over.g * 255, over.b * 255}, alpha = (float)(under >> 24);
    uint32_t texel = (uint32_t)(alpha + (255 - alpha) * cover + 0.5f) << 24;
    for (int i = 0; i < 3; i++)
        texel |= (uint32_t)(pv_clampf(old[i] + (new[i] - old[i]) * cover, 0, 255) + 0.5f) << (8 * i);
    return texel;
}

/* Stamps a body, x, y in units, around the edges too, and makes it opaque where it is. */
static void stamp(struct pv_texture *t, const struct pv_body *body, double x, double y, double angle,
                  struct pv_colour colour)
{
    const double texels = t->side / t->units, reach = pv_body_reach(body) + 1 / texels;
    const double c = cos(angle), s = sin(angle);
    const int left = (int)floor((x - reach) * texels), right = (int)ceil((x + reach) * texels);
    const int low = (int)floor((y - reach) * texels), high = (int)ceil((y + reach) * texels);
    for (int j = low; j < high; j++) {
        uint32_t *row = t->rgba + (size_t)(j & (t->side - 1)) * (size_t)t->side;
        for (int i = left; i < right; i++) {
            const double dx = (i + 0.5) / texels - x, dy = (j + 0.5) / texels - y;
            const double distance = pv_body_distance(body, c * dx + s * dy, c * dy - s * dx);
            const float cover = (float)pv_clamp(0.5 - distance * texels, 0, 1);
            if (cover > 0)
                row[i & (t->side - 1)] = mixed(row[i & (t->side - 1)], colour, cover);
        }
    }
}

/* ---- painting ---- */

static void paint_noise(struct pv_texture *t, struct pv_draw *draw)
{
    const struct palette p = draw_palette(draw);
    const uint64_t seed = draw_seed(draw);
    const double units = pv_draw_uniform(draw, 1, 5);
    fill_noise(t, seed, units, (float)pv_draw_uniform(draw, 0.45, 0.8));
    colour_field(t, &p);
}

/* Discs and boxes of all sizes over each other: the statistics of natural pictures (Lee, Mumford and Huang 2001). */
static void paint_leaves(struct pv_texture *t, struct pv_draw *draw)
{
    const struct palette p = draw_palette(draw);
    const uint64_t seed = draw_seed(draw);
    const double grain = pv_draw_uniform(draw, 0, 0.35), boxes = pv_draw_uniform(draw, 0, 1);
    const double smallest = 0.1, largest = fmin(2.5, t->units / 3);
    const int count = (int)(1.6 * t->units * t->units);
    const struct pv_colour ground = p.colours[0];
    for (int i = 0; i < t->side * t->side; i++)
        t->rgba[i] = pack(ground);
    for (int i = 0; i < count; i++) {
        const double u = pv_draw_uniform(draw, 0, 1);
        const double r = 1 / (u / largest + (1 - u) / smallest); /* density r^-2 */
        const bool box = pv_draw_uniform(draw, 0, 1) < boxes;
        struct pv_body body = {.shape = box ? PV_SHAPE_BOX : PV_SHAPE_DISC, .half_width = r, .half_height = r};
        if (box) {
            body.half_height = r * pv_draw_uniform(draw, 0.2, 1);
            body.corner_radius = body.half_height * pv_draw_uniform(draw, 0, 1);
        }
        const double x = pv_draw_uniform(draw, 0, t->units), y = pv_draw_uniform(draw, 0, t->units);
        const double angle = pv_draw_uniform(draw, 0, tau);
        stamp(t, &body, x, y, angle, shade(&p, (float)pv_draw_uniform(draw, 0, 1)));
    }
    fill_noise(t, seed, 1.5, 0.7f);
    for (int i = 0; i < t->side * t->side; i++) { /* grain: towards black or white */
        const float f = t->field[i] * (float)grain, to = f > 0 ? 1 : 0;
        t->rgba[i] = mixed(t->rgba[i], (struct pv_colour){to, to, to}, pv_clampf(fabsf(f), 0, 1));
    }
}

/* Adds a plane wave with whole numbers of periods a side; sharp: 0 = sine, large = square. */
static void add_wave(struct pv_texture *t, int periods_x, int periods_y, double phase, float sharp, float amplitude)
{
    const double step = tau / t->side;
    const float scale = sharp > 0 ? amplitude / tanhf(sharp) : amplitude;
    for (int j = 0; j < t->side; j++) {
        float *row = t->field + (size_t)j * (size_t)t->side;
        /* Rotating a pointer: no sine a texel. */
        double c = cos(periods_y * step * j + phase), s = sin(periods_y * step * j + phase);
        const double dc = cos(periods_x * step), ds = sin(periods_x * step);
        for (int i = 0; i < t->side; i++) {
            const float wave = (float)s;
            row[i] += sharp > 0 ? scale * tanhf(sharp * wave) : scale * wave;
            const double next = c * dc - s * ds;
            s = s * dc + c * ds;
            c = next;
        }
    }
}

static int draw_periods(struct pv_draw *draw, double most)
{
    return (int)lround(pv_draw_uniform(draw, -most, most));
}

static void paint_waves(struct pv_texture *t, struct pv_draw *draw, bool gratings)
{
    const struct palette p = draw_palette(draw);
    const int count = gratings ? 1 + pv_draw_int(draw, 3) : 4;
    const double most = gratings ? pv_draw_uniform(draw, 0.2, 1.6) * t->units : fmax(1, t->units / 8);
    memset(t->field, 0, (size_t)t->side * (size_t)t->side * sizeof *t->field);
    for (int i = 0; i < count; i++) {
        const int x = draw_periods(draw, most), y = draw_periods(draw, most);
        const double phase = pv_draw_uniform(draw, 0, tau);
        const double sharp = pv_draw_int(draw, 2) ? pv_draw_uniform(draw, 1, 4) : 0;
        add_wave(t, x, y, phase, gratings ? (float)sharp : 0, 0.8f / (float)count);
    }
    colour_field(t, &p);
}

/* Rows of letters of one size, with gaps. */
static void stamp_letters(struct pv_texture *t, struct pv_draw *draw, double height, struct pv_colour colour)
{
    const double scale = height / 1.5, thick = pv_draw_uniform(draw, 0.06, 0.12) * height;
    const int rows = (int)fmax(1, t->units / (1.7 * height)), columns = (int)fmax(1, t->units / (1.5 * scale));
    const double full = pv_draw_uniform(draw, 0.4, 0.9);
    for (int j = 0; j < rows; j++)
        for (int i = 0; i < columns; i++) {
            struct pv_point from[PV_LETTER_STROKES], to[PV_LETTER_STROKES];
            const int strokes = pv_letter_strokes(pv_draw_int(draw, PV_LETTERS), from, to);
            if (pv_draw_uniform(draw, 0, 1) > full)
                continue;
            const double x = (i + 0.5) * t->units / columns, y = (j + 0.5) * t->units / rows;
            for (int k = 0; k < strokes; k++) {
                const double dx = (to[k].x - from[k].x) * scale, dy = (to[k].y - from[k].y) * scale;
                const struct pv_body stroke = {.shape = PV_SHAPE_BOX,
                                               .half_width = hypot(dx, dy) / 2 + thick,
                                               .half_height = thick,
                                               .corner_radius = thick};
                stamp(t, &stroke, x + (from[k].x + to[k].x) / 2 * scale, y + (from[k].y + to[k].y) / 2 * scale,
                      atan2(dy, dx), colour);
            }
        }
}

static void paint_letters(struct pv_texture *t, struct pv_draw *draw)
{
    if (pv_draw_int(draw, 2))
        paint_noise(t, draw);
    else
        paint_waves(t, draw, false);
    const struct palette p = draw_palette(draw);
    const double height = pv_draw_uniform(draw, 0.4, 1.6);
    stamp_letters(t, draw, height, p.colours[0]);
}

void pv_texture_paint(struct pv_texture *t, struct pv_draw *draw)
{
    const double kind = pv_draw_uniform(draw, 0, 1);
    if (kind < 0.3)
        paint_noise(t, draw);
    else if (kind < 0.65)
        paint_leaves(t, draw);
    else if (kind < 0.75)
        paint_waves(t, draw, false);
    else if (kind < 0.87)
        paint_waves(t, draw, true);
    else
        paint_letters(t, draw);
}

/* ---- cutting ---- */

static void set_alpha(uint32_t *texel, double alpha)
{
    *texel = (*texel & 0xffffffu) | (uint32_t)(pv_clamp(alpha, 0, 1) * 255 + 0.5) << 24;
}

/* The value that `share` of the field lies above, to a hundredth. */
static float level_of(const struct pv_texture *t, double share)
{
    enum { BINS = 256 };
    int bins[BINS] = {0};
    const int texels = t->side * t->side;
    for (int i = 0; i < texels; i++)
        bins[(int)(pv_clampf(t->field[i] * 0.5f + 0.5f, 0, 0.999f) * BINS)]++;
    int above = 0, bin = BINS;
    while (bin > 0 && above < share * texels)
        above += bins[--bin];
    return ((float)bin / BINS - 0.5f) * 2;
}

void pv_texture_cut_islands(struct pv_texture *t, struct pv_draw *draw, double share)
{
    const uint64_t seed = draw_seed(draw);
    fill_noise(t, seed, pv_draw_uniform(draw, 2, 5), 0.35f);
    const float level = level_of(t, share);
    const int last = t->side - 1;
    for (int j = 0; j < t->side; j++)
        for (int i = 0; i < t->side; i++) {
            const float *row = t->field + (size_t)j * (size_t)t->side;
            const float *above = t->field + (size_t)((j + 1) & last) * (size_t)t->side;
            const float slope = hypotf(row[(i + 1) & last] - row[i], above[i] - row[i]);
            set_alpha(&t->rgba[(size_t)j * (size_t)t->side + (size_t)i],
                      0.5 + (double)(row[i] - level) / fmax((double)slope, 1e-4));
        }
}

void pv_texture_cut_letters(struct pv_texture *t, struct pv_draw *draw)
{
    const struct palette p = draw_palette(draw);
    for (int i = 0; i < t->side * t->side; i++)
        t->rgba[i] = pack(p.colours[0]) & 0xffffffu;
    stamp_letters(t, draw, pv_draw_uniform(draw, 0.6, 1.8), p.colours[0]);
}

double pv_texture_cut_shape(struct pv_texture *t, struct pv_draw *draw)
{
    enum { WAVES = 4 };
    const int kind = pv_draw_int(draw, 3);
    const double half = t->units / 2, texels = t->side / t->units, size = 0.95 * half;
    const double flat = pv_draw_uniform(draw, 0.35, 0.95);
    struct pv_body body = {.shape = kind == 0 ? PV_SHAPE_DISC : PV_SHAPE_BOX, .half_width = size, .half_height = size};
    if (kind == 1) {
        body.half_width = size * 0.72;
        body.half_height = body.half_width * flat;
        body.corner_radius = body.half_height * pv_draw_uniform(draw, 0, 0.5);
    }
    double amplitude[WAVES], phase[WAVES], sum = 0;
    for (int k = 0; k < WAVES; k++) {
        amplitude[k] = pv_draw_uniform(draw, 0, 0.35) / (k + 1);
        phase[k] = pv_draw_uniform(draw, 0, tau);
        sum += amplitude[k];
    }
    for (int j = 0; j < t->side; j++)
        for (int i = 0; i < t->side; i++) {
            const double x = (i + 0.5) / texels - half, y = (j + 0.5) / texels - half;
            double distance = pv_body_distance(&body, x, y);
            if (kind == 2) {
                const double angle = atan2(y, x);
                double edge = 1;
                for (int k = 0; k < WAVES; k++)
                    edge += amplitude[k] * cos((k + 2) * angle + phase[k]);
                distance = hypot(x, y) - size * edge / (1 + sum);
            }
            set_alpha(&t->rgba[(size_t)j * (size_t)t->side + (size_t)i], 0.5 - distance * texels);
        }
    return kind == 1 ? pv_body_reach(&body) : size;
}
