/* yuv.c: YUV 4:2:0 to RGB, a few pairs of pixels at a time, so that every loop walks along plain arrays. */
#include "backend/yuv.h"

#include "backend/cpu/cpu.h"

enum { PAIRS = 64 }; /* of pixels, at a time */

/* One row of pixels: its luma, and the two rows of chroma it sees, the other one by so many quarters. */
struct pixel_row {
    const void *luma, *near, *other;
    int32_t share;
};

static struct pixel_row pixel_row(const struct pv_yuv_to_rgb *p, size_t y)
{
    const size_t near = y / 2, last = (size_t)p->height / 2 - 1;
    const size_t other = y % 2 == 0 ? near - (near > 0) : near + (near < last);
    const char *const chroma = p->chroma;
    return (struct pixel_row){.luma = (const char *)p->luma + y * p->luma_stride,
                              .near = chroma + near * p->chroma_stride,
                              .other = chroma + other * p->chroma_stride,
                              .share = y % 2 == 0 ? p->between_y : 2 - p->between_y};
}

static PV_INLINE int32_t sample(const void *row, size_t i, bool wide)
{
    return wide ? ((const uint16_t *)row)[i] >> 6 : ((const uint8_t *)row)[i];
}

/* A row's U and V of pairs first - 1 to first + count, blended down, in quarters. */
struct chroma {
    int32_t u[PAIRS + 2], v[PAIRS + 2];
};

static PV_INLINE int32_t blend(struct pixel_row row, size_t at, bool wide)
{
    return (4 - row.share) * sample(row.near, at, wide) + row.share * sample(row.other, at, wide);
}

static PV_INLINE void blend_down(struct pixel_row row, size_t first, size_t count, size_t pairs, bool wide,
                                 struct chroma *c)
{
    for (size_t i = 0; i < count; i++) {
        c->u[i + 1] = blend(row, 2 * (first + i), wide);
        c->v[i + 1] = blend(row, 2 * (first + i) + 1, wide);
    }
    const size_t before = 2 * (first - (first > 0)), after = 2 * (first + count - (first + count == pairs));
    c->u[0] = blend(row, before, wide);
    c->v[0] = blend(row, before + 1, wide);
    c->u[count + 1] = blend(row, after, wide);
    c->v[count + 1] = blend(row, after + 1, wide);
}

static PV_INLINE uint8_t scaled_byte(int32_t sum)
{
    const int32_t byte = sum < 0 ? 0 : sum >> PV_YUV_SHIFT;
    return (uint8_t)(byte < 255 ? byte : 255);
}

/* One pixel of each of count pairs: which is 0 or 1; beside has the sample that it sees by so many quarters. */
static PV_INLINE void convert(const struct pv_yuv_scale *k, const void *luma, size_t first, size_t count, bool wide,
                              size_t which, int32_t share, const struct chroma *c, uint8_t rgb[3][2 * PAIRS])
{
    const size_t beside = 2 * which;
    for (size_t i = 0; i < count; i++) {
        const int32_t y = k->luma * sample(luma, 2 * (first + i) + which, wide);
        const int32_t u = (4 - share) * c->u[i + 1] + share * c->u[i + beside];
        const int32_t v = (4 - share) * c->v[i + 1] + share * c->v[i + beside];
        rgb[0][2 * i + which] = scaled_byte(y + k->red_v * v + k->red);
        rgb[1][2 * i + which] = scaled_byte(y + k->green_u * u + k->green_v * v + k->green);
        rgb[2][2 * i + which] = scaled_byte(y + k->blue_u * u + k->blue);
    }
}

static PV_INLINE void any_rows(const struct pv_yuv_to_rgb *p, const struct pv_yuv_scale *k, size_t begin, size_t end,
                               bool wide)
{
    const size_t pairs = (size_t)p->width / 2;
    struct chroma c;
    uint8_t rgb[3][2 * PAIRS];
    for (size_t y = begin; y < end; y++) {
        const struct pixel_row row = pixel_row(p, y);
        uint8_t *dst = p->dst + y * 6 * pairs;
        for (size_t first = 0; first < pairs; first += PAIRS) {
            const size_t count = pairs - first < PAIRS ? pairs - first : PAIRS;
            blend_down(row, first, count, pairs, wide, &c);
            convert(k, row.luma, first, count, wide, 0, p->between_x, &c, rgb);
            convert(k, row.luma, first, count, wide, 1, 2 - p->between_x, &c, rgb);
            for (size_t x = 0; x < 2 * count; x++)
                for (size_t colour = 0; colour < 3; colour++)
                    *dst++ = rgb[colour][x];
        }
    }
}

PV_MULTIVERSION
static void rows_of_bytes(const struct pv_yuv_to_rgb *p, const struct pv_yuv_scale *k, size_t begin, size_t end)
{
    any_rows(p, k, begin, end, false);
}

PV_MULTIVERSION
static void rows_of_words(const struct pv_yuv_to_rgb *p, const struct pv_yuv_scale *k, size_t begin, size_t end)
{
    any_rows(p, k, begin, end, true);
}

pv_status pv_cpu_yuv_to_rgb(struct pv_stream *s, const struct pv_yuv_to_rgb *p)
{
    PV_TRY(pv_check_yuv_to_rgb(s, p));
    const struct pv_yuv_scale k = pv_yuv_scale_of(p);
#pragma omp parallel if ((size_t)p->height * (size_t)p->width * 3 >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share((size_t)p->height, 1);
        (p->bits == 8 ? rows_of_bytes : rows_of_words)(p, &k, part.begin, part.end);
    }
    return PV_OK;
}
