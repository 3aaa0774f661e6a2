/* picture.c: RGB bytes to features and back, pixels folded into channels. */
#include "backend/reference/reference.h"

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
