/* picture.c: RGB bytes to features and back, pixels folded into channels. */
#include "backend/cpu/cpu.h"

/* A row of features is r rows of pixels. */
PV_MULTIVERSION
static void unshuffle_rows(const struct pv_unshuffle *p, size_t begin, size_t end)
{
    const size_t r = (size_t)p->r, width = (size_t)p->width;
    float *dst = (float *)p->dst + begin * (width / r) * 3 * r * r;
    for (size_t y = begin; y < end; y++)
        for (size_t x = 0; x < width; x += r)
            for (size_t c = 0; c < 3; c++)
                for (size_t dy = 0; dy < r; dy++)
                    for (size_t dx = 0; dx < r; dx++)
                        *dst++ = (float)p->src[((y * r + dy) * width + x + dx) * 3 + c] / 255.0f;
}

pv_status pv_cpu_unshuffle(struct pv_stream *s, const struct pv_unshuffle *p)
{
    PV_TRY(pv_check_unshuffle(s, p));
#pragma omp parallel if ((size_t)p->height * (size_t)p->width * 3 >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share((size_t)(p->height / p->r), 1);
        unshuffle_rows(p, part.begin, part.end);
    }
    return PV_OK;
}

static PV_INLINE uint8_t to_byte(float v)
{
    const float clamped = v > 0 ? (v < 1 ? v : 1) : 0; /* NaN is black */
    return (uint8_t)(int)(255.0f * clamped + 0.5f);
}

PV_MULTIVERSION
static void shuffle_rows(const struct pv_shuffle *p, size_t begin, size_t end)
{
    const size_t r = (size_t)p->r, width = (size_t)p->width;
    const float *src = (const float *)p->src + begin * (width / r) * 3 * r * r;
    for (size_t y = begin; y < end; y++)
        for (size_t x = 0; x < width; x += r)
            for (size_t c = 0; c < 3; c++)
                for (size_t dy = 0; dy < r; dy++)
                    for (size_t dx = 0; dx < r; dx++)
                        p->dst[((y * r + dy) * width + x + dx) * 3 + c] = to_byte(*src++);
}

pv_status pv_cpu_shuffle(struct pv_stream *s, const struct pv_shuffle *p)
{
    PV_TRY(pv_check_shuffle(s, p));
#pragma omp parallel if ((size_t)p->height * (size_t)p->width * 3 >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share((size_t)(p->height / p->r), 1);
        shuffle_rows(p, part.begin, part.end);
    }
    return PV_OK;
}
