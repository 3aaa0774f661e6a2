/* warp.c: textures in the picture, turned and enlarged. Each pixel asks where in the texture it lies and mixes the four
 * texels around that point, in whole numbers: 1/65536 of a texel to walk, 1/256 to mix. */
#include <math.h>

#include "world/texture.h"

enum { ONE = 1 << 16 };

/* The map from pixels to texels: of the middle of pixel (0, 0), and what a step to the right and one down adds. */
struct map {
    double u, v, right_u, right_v, down_u, down_v;
};

/* anchor: the texture's point, in units, that lies at the placing's x, y. */
static struct map map_of(const struct pv_texture *t, const struct pv_placing *p, const struct pv_canvas *canvas,
                         double anchor)
{
    const double texels = t->side / t->units, step = texels / (canvas->pixels * p->scale);
    const double c = cos(p->angle) * step, s = sin(p->angle) * step;
    const double dx = 0.5 - p->x * canvas->pixels, dy = canvas->height - 0.5 - p->y * canvas->pixels;
    /* Texel (i, j) has its middle at (i + .5, j + .5). */
    return (struct map){
        anchor * texels + c * dx + s * dy - 0.5, anchor * texels - s * dx + c * dy - 0.5, c, -s, -s, -c};
}

static uint32_t fixed(double value)
{
    return (uint32_t)(int64_t)llround(value * ONE);
}

/* Four bytes, each in 16 bits of its own: red, blue, green, alpha from the lowest. */
static inline uint64_t spread(uint32_t texel)
{
    return (texel & 0xff00ffu) | (uint64_t)(texel & 0xff00ff00u) << 24;
}

static inline uint32_t gathered(uint64_t bytes)
{
    return (uint32_t)bytes | (uint32_t)(bytes >> 24);
}

/* The mean of four texels, by weights that add up to 256: the products stay within their 16 bits. */
static inline uint32_t texel_at(const uint32_t *rgba, uint32_t side, uint32_t u, uint32_t v)
{
    const uint32_t last = side - 1, i = u >> 16 & last, j = v >> 16 & last, i2 = (i + 1) & last, j2 = (j + 1) & last;
    const uint32_t *low = rgba + (size_t)j * side, *high = rgba + (size_t)j2 * side;
    const uint32_t fu = u >> 8 & 255, fv = v >> 8 & 255, both = (fu * fv + 128) >> 8;
    const uint64_t sum = spread(low[i]) * (256 - fu - fv + both) + spread(low[i2]) * (fu - both) +
                         spread(high[i]) * (fv - both) + spread(high[i2]) * both;
    return gathered((sum + 0x0080008000800080u) >> 8 & 0x00ff00ff00ff00ffu);
}

/* A row of `count` texels from (u, v) on. */
static void fetch_row(const uint32_t *rgba, uint32_t side, uint32_t u, uint32_t v, uint32_t du, uint32_t dv, int count,
                      uint32_t *out)
{
    for (int i = 0; i < count; i++, u += du, v += dv)
        out[i] = texel_at(rgba, side, u, v);
}

static void blend(uint8_t *out, uint32_t value, uint32_t alpha)
{
    const uint32_t sum = *out * (255 - alpha) + value * alpha + 127;
    *out = (uint8_t)((sum + (sum >> 8) + 1) >> 8); /* / 255 */
}

static void put_row(const uint32_t *texels, int count, uint8_t *rgb, uint8_t *coverage, bool moves)
{
    for (int i = 0; i < count; i++, rgb += 3) {
        const uint32_t t = texels[i], alpha = t >> 24;
        if (alpha == 255) {
            rgb[0] = (uint8_t)t;
            rgb[1] = (uint8_t)(t >> 8);
            rgb[2] = (uint8_t)(t >> 16);
        } else if (alpha > 0) {
            blend(&rgb[0], t & 255, alpha);
            blend(&rgb[1], t >> 8 & 255, alpha);
            blend(&rgb[2], t >> 16 & 255, alpha);
        }
        if (coverage && alpha > 0)
            blend(&coverage[i], moves ? 255 : 0, alpha);
    }
}

enum { CHUNK = 64 }; /* pixels of a row at a time */

/* The pixels of row j from left to right, `right` excluded. */
static void draw_span(const struct pv_texture *t, const struct map *m, const struct pv_canvas *canvas, int j, int left,
                      int right, bool moves)
{
    uint32_t texels[CHUNK];
    for (int i = left; i < right; i += CHUNK) {
        const int count = right - i < CHUNK ? right - i : CHUNK;
        const double u = m->u + m->right_u * i + m->down_u * j, v = m->v + m->right_v * i + m->down_v * j;
        fetch_row(t->rgba, (uint32_t)t->side, fixed(u), fixed(v), fixed(m->right_u), fixed(m->right_v), count, texels);
        uint8_t *coverage = canvas->coverage ? canvas->coverage + (size_t)j * (size_t)canvas->width + i : NULL;
        put_row(texels, count, canvas->rgb + (size_t)j * canvas->stride + 3 * (size_t)i, coverage, moves);
    }
}

void pv_texture_cover(const struct pv_texture *t, const struct pv_placing *placing, const struct pv_canvas *canvas)
{
    const struct map m = map_of(t, placing, canvas, 0);
    /* In columns: what one row reads of the texture, the next rows find in the cache, however it is turned. */
    for (int left = 0; left < canvas->width; left += CHUNK)
        for (int j = 0; j < canvas->height; j++)
            draw_span(t, &m, canvas, j, left, left + CHUNK < canvas->width ? left + CHUNK : canvas->width, false);
}

/* Narrows [*low, *high) to the i for which start + i * step lies in [0, end). */
static void narrow(double start, double step, double end, int *low, int *high)
{
    if (fabs(step) < 1e-9) {
        if (start < 0 || start >= end)
            *high = *low;
        return;
    }
    const double a = -start / step, b = (end - start) / step;
    *low = (int)fmax(*low, fmin(ceil(fmin(a, b)), *high));
    *high = (int)fmin(*high, fmax(floor(fmax(a, b)), *low));
}

void pv_texture_stick(const struct pv_texture *t, const struct pv_placing *placing, const struct pv_canvas *canvas)
{
    const struct map m = map_of(t, placing, canvas, t->units / 2);
    const double end = t->side - 1; /* what is cut leaves an empty rim: no seam shows */
    for (int j = 0; j < canvas->height; j++) {
        int left = 0, right = canvas->width;
        narrow(m.u + m.down_u * j, m.right_u, end, &left, &right);
        narrow(m.v + m.down_v * j, m.right_v, end, &left, &right);
        draw_span(t, &m, canvas, j, left, right, true);
    }
}
