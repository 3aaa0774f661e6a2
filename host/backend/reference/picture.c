/* picture.c: RGB bytes to features and back, pixels folded into channels; YUV to RGB. */
#include "backend/reference/reference.h"
#include "backend/yuv.h"

/* Where pixel (y, x), colour c of a picture lies among its folded features. */
static size_t folded(size_t y, size_t x, size_t c, size_t width, size_t r)
{
    const size_t place = y / r * (width / r) + x / r;
    return place * 3 * r * r + (c * r + y % r) * r + x % r;
}

pv_status pv_reference_unshuffle(struct pv_stream *s, const struct pv_unshuffle *p)
{
    PV_TRY(pv_check_unshuffle(s, p));
    const size_t height = (size_t)p->height, width = (size_t)p->width;
    float *dst = p->dst;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++)
                dst[folded(y, x, c, width, (size_t)p->r)] = (float)p->src[(y * width + x) * 3 + c] / 255.0f;
    return PV_OK;
}

pv_status pv_reference_shuffle(struct pv_stream *s, const struct pv_shuffle *p)
{
    PV_TRY(pv_check_shuffle(s, p));
    const size_t height = (size_t)p->height, width = (size_t)p->width;
    const float *src = p->src;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++) {
                const float v = src[folded(y, x, c, width, (size_t)p->r)];
                const float clamped = v > 0 ? (v < 1 ? v : 1) : 0; /* NaN is black */
                p->dst[(y * width + x) * 3 + c] = (uint8_t)(255.0f * clamped + 0.5f);
            }
    return PV_OK;
}

/* Pixel `at` of `count` along one side sees the nearest sample of chroma and, by so many quarters, another one. */
struct sight {
    int near, other, share;
};

static struct sight sight(int at, int count, bool between)
{
    const int near = at / 2, last = count / 2 - 1;
    if (at % 2 == 0)
        return (struct sight){near, near > 0 ? near - 1 : 0, between};
    return (struct sight){near, near < last ? near + 1 : last, 2 - between};
}

static int sample(const void *plane, size_t stride, int row, int column, int bits)
{
    const char *const first = (const char *)plane + (size_t)row * stride;
    return bits == 8 ? ((const uint8_t *)first)[column] : ((const uint16_t *)first)[column] >> 6;
}

/* U (c = 0) or V (1) of a pixel, in sixteenths. */
static int chroma(const struct pv_yuv_to_rgb *p, struct sight down, struct sight across, int c)
{
    const int row[] = {down.near, down.other}, column[] = {across.near, across.other};
    const int row_share[] = {4 - down.share, down.share}, column_share[] = {4 - across.share, across.share};
    int sum = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            sum += row_share[i] * column_share[j] *
                   sample(p->chroma, p->chroma_stride, row[i], 2 * column[j] + c, p->bits);
    return sum;
}

static uint8_t scaled_byte(int32_t sum)
{
    const int32_t byte = sum < 0 ? 0 : sum >> PV_YUV_SHIFT;
    return (uint8_t)(byte < 255 ? byte : 255);
}

pv_status pv_reference_yuv_to_rgb(struct pv_stream *s, const struct pv_yuv_to_rgb *p)
{
    PV_TRY(pv_check_yuv_to_rgb(s, p));
    const struct pv_yuv_scale k = pv_yuv_scale_of(p);
    uint8_t *dst = p->dst;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const struct sight down = sight(y, p->height, p->between_y), across = sight(x, p->width, p->between_x);
            const int32_t luma = k.luma * sample(p->luma, p->luma_stride, y, x, p->bits);
            const int u = chroma(p, down, across, 0), v = chroma(p, down, across, 1);
            *dst++ = scaled_byte(luma + k.red_v * v + k.red);
            *dst++ = scaled_byte(luma + k.green_u * u + k.green_v * v + k.green);
            *dst++ = scaled_byte(luma + k.blue_u * u + k.blue);
        }
    return PV_OK;
}
