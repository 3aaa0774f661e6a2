/* latent.c: between latents and tokens, between latents and features, and the sampler's sums. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/vector_math.h"

/* ---- tokens ---- */

pv_status pv_cpu_patch(struct pv_stream *s, const struct pv_patch *p)
{
    PV_TRY(pv_check_patch(s, p));
    const size_t height = (size_t)p->height, width = (size_t)p->width, side = (size_t)p->p;
    const size_t run = side * (size_t)p->channels; /* pixels of a patch's row lie together in both layouts */
    float *dst = p->dst;
    for (size_t ty = 0; ty < height / side; ty++)
        for (size_t tx = 0; tx < width / side; tx++)
            for (int source = 0; source < p->sources; source++)
                for (size_t dy = 0; dy < side; dy++, dst += run)
                    memcpy(dst, p->src[source] + ((ty * side + dy) * (width / side) + tx) * run, run * sizeof(float));
    return PV_OK;
}

static void run_add(float *dst, const float *src, float share, const float *base, size_t run)
{
#pragma omp simd
    for (size_t i = 0; i < run; i++)
        dst[i] = share * src[i] + base[i];
}

/* Of a token's change. */
static float mean_square(const float *token, size_t count)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += token[i] * token[i];
    return sum / (float)count;
}

/* Squares are summed again for every neighbour: nothing beside the product that made the tokens. */
static float share_of(const struct pv_unpatch *p, size_t ty, size_t tx)
{
    const size_t columns = (size_t)(p->width / p->p), rows = (size_t)(p->height / p->p / p->takes);
    const size_t count = (size_t)p->p * (size_t)p->p * (size_t)p->channels, top = ty / rows * rows;
    const size_t from_y = ty > top ? ty - 1 : ty, to_y = ty + 1 < top + rows ? ty + 1 : ty;
    const size_t from_x = tx > 0 ? tx - 1 : tx, to_x = tx + 1 < columns ? tx + 1 : tx;
    float largest = 0;
    for (size_t y = from_y; y <= to_y; y++)
        for (size_t x = from_x; x <= to_x; x++)
            largest = fmaxf(largest, mean_square((const float *)p->src + (y * columns + x) * count, count));
    return fminf(fmaxf(sqrtf(largest) / p->still - 1, 0), 1);
}

pv_status pv_cpu_unpatch(struct pv_stream *s, const struct pv_unpatch *p)
{
    PV_TRY(pv_check_unpatch(s, p));
    const size_t height = (size_t)p->height, width = (size_t)p->width, side = (size_t)p->p;
    const size_t run = side * (size_t)p->channels;
    const float *src = p->src;
    for (size_t ty = 0; ty < height / side; ty++)
        for (size_t tx = 0; tx < width / side; tx++) {
            const float share = p->still > 0 ? share_of(p, ty, tx) : 1;
            for (size_t dy = 0; dy < side; dy++, src += run) {
                const size_t at = ((ty * side + dy) * (width / side) + tx) * run;
                if (p->base)
                    run_add(p->dst + at, src, share, p->base + at, run);
                else
                    memcpy(p->dst + at, src, run * sizeof(float));
            }
        }
    return PV_OK;
}

/* ---- features ---- */

PV_MULTIVERSION
static void latent_out_pixels(const struct pv_latent_out *p, size_t begin, size_t end)
{
    const size_t channels = (size_t)p->channels;
    for (size_t i = begin; i < end; i++) {
        const float *src = (const float *)p->src + i * channels;
        float *dst = p->dst + i * channels;
#pragma omp simd
        for (size_t c = 0; c < channels; c++)
            dst[c] = (src[c] - p->mean[c]) / p->std[c];
    }
}

pv_status pv_cpu_latent_out(struct pv_stream *s, const struct pv_latent_out *p)
{
    PV_TRY(pv_check_latent_out(s, p));
#pragma omp parallel if (p->pixels * (size_t)p->channels >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(p->pixels, 1);
        latent_out_pixels(p, part.begin, part.end);
    }
    return PV_OK;
}

PV_MULTIVERSION
static void latent_in_pixels(const struct pv_latent_in *p, size_t begin, size_t end)
{
    const size_t channels = (size_t)p->channels;
    for (size_t i = begin; i < end; i++) {
        const float *src = p->src + i * channels;
        float *dst = (float *)p->dst + i * channels;
#pragma omp simd
        for (size_t c = 0; c < channels; c++)
            dst[c] = 3.0f * math_tanh((src[c] * p->std[c] + p->mean[c]) * (1.0f / 3.0f));
    }
}

pv_status pv_cpu_latent_in(struct pv_stream *s, const struct pv_latent_in *p)
{
    PV_TRY(pv_check_latent_in(s, p));
#pragma omp parallel if (p->pixels * (size_t)p->channels >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(p->pixels, 1);
        latent_in_pixels(p, part.begin, part.end);
    }
    return PV_OK;
}

/* ---- sums ---- */

PV_MULTIVERSION
static void combine_range(const struct pv_combine *p, size_t begin, size_t end)
{
    float *dst = p->dst;
    const float *x = p->x, *y = p->y, a = p->a, b = p->b;
    if (y) {
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            dst[i] = a * x[i] + b * y[i];
    } else {
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            dst[i] = a * x[i];
    }
}

pv_status pv_cpu_combine(struct pv_stream *s, const struct pv_combine *p)
{
    PV_TRY(pv_check_combine(s, p));
#pragma omp parallel if (p->count >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(p->count, 64);
        combine_range(p, part.begin, part.end);
    }
    return PV_OK;
}
