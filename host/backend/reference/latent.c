/* latent.c: between latents and tokens, between latents and features, and the sampler's arithmetic. */
#include <math.h>

#include "backend/reference/reference.h"
#include "base/random.h"

pv_status pv_reference_patch(struct pv_stream *s, const struct pv_patch *p)
{
    PV_TRY(pv_check_patch(s, p));
    const size_t height = (size_t)p->height, width = (size_t)p->width, channels = (size_t)p->channels;
    const size_t side = (size_t)p->p;
    float *dst = p->dst;

    for (size_t ty = 0; ty < height / side; ty++)
        for (size_t tx = 0; tx < width / side; tx++)
            for (int source = 0; source < p->sources; source++)
                for (size_t dy = 0; dy < side; dy++)
                    for (size_t dx = 0; dx < side; dx++)
                        for (size_t c = 0; c < channels; c++)
                            *dst++ = p->src[source][((ty * side + dy) * width + tx * side + dx) * channels + c];
    return PV_OK;
}

/* Of a token's change. */
static double size_of(const float *token, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)token[i] * token[i];
    return sqrt(sum / (double)count);
}

static double share_of(const struct pv_unpatch *p, int ty, int tx)
{
    const int columns = p->width / p->p, rows = p->height / p->p / p->takes, top = ty / rows * rows;
    const size_t count = (size_t)p->p * (size_t)p->p * (size_t)p->channels;
    double largest = 0;
    for (int y = ty - 1; y <= ty + 1; y++)
        for (int x = tx - 1; x <= tx + 1; x++)
            if (y >= top && y < top + rows && x >= 0 && x < columns)
                largest = fmax(largest, size_of((const float *)p->src + (size_t)(y * columns + x) * count, count));
    return fmin(fmax(largest / p->still - 1, 0), 1);
}

pv_status pv_reference_unpatch(struct pv_stream *s, const struct pv_unpatch *p)
{
    PV_TRY(pv_check_unpatch(s, p));
    const size_t height = (size_t)p->height, width = (size_t)p->width, channels = (size_t)p->channels;
    const size_t side = (size_t)p->p;
    const float *src = p->src;

    for (size_t ty = 0; ty < height / side; ty++)
        for (size_t tx = 0; tx < width / side; tx++) {
            const double share = p->still > 0 ? share_of(p, (int)ty, (int)tx) : 1;
            for (size_t dy = 0; dy < side; dy++)
                for (size_t dx = 0; dx < side; dx++)
                    for (size_t c = 0; c < channels; c++) {
                        const size_t at = ((ty * side + dy) * width + tx * side + dx) * channels + c;
                        p->dst[at] = (float)(share * *src++ + (p->base ? p->base[at] : 0));
                    }
        }
    return PV_OK;
}

pv_status pv_reference_latent_out(struct pv_stream *s, const struct pv_latent_out *p)
{
    PV_TRY(pv_check_latent_out(s, p));
    const size_t channels = (size_t)p->channels;
    const float *src = p->src;
    for (size_t i = 0; i < p->pixels * channels; i++)
        p->dst[i] = (float)(((double)src[i] - p->mean[i % channels]) / p->std[i % channels]);
    return PV_OK;
}

pv_status pv_reference_latent_in(struct pv_stream *s, const struct pv_latent_in *p)
{
    PV_TRY(pv_check_latent_in(s, p));
    const size_t channels = (size_t)p->channels;
    float *dst = p->dst;
    for (size_t i = 0; i < p->pixels * channels; i++) {
        const double v = (double)p->src[i] * p->std[i % channels] + p->mean[i % channels];
        dst[i] = (float)(3 * tanh(v / 3));
    }
    return PV_OK;
}

pv_status pv_reference_combine(struct pv_stream *s, const struct pv_combine *p)
{
    PV_TRY(pv_check_combine(s, p));
    for (size_t i = 0; i < p->count; i++)
        p->dst[i] = (float)((double)p->a * p->x[i] + (p->y ? (double)p->b * p->y[i] : 0));
    return PV_OK;
}

pv_status pv_reference_noise(struct pv_stream *s, const struct pv_noise *p)
{
    PV_TRY(pv_check_noise(s, p));
    for (int take = 0; take < p->takes; take++) {
        const uint64_t seed = p->seed + (uint64_t)take;
        const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
        float *dst = p->dst + (size_t)take * p->count;
        for (size_t i = 0; i < p->count; i += 4) {
            const uint32_t counter[4] = {(uint32_t)(i / 4), p->frame + (p->past ? *p->past : 0), p->purpose, p->take};
            uint32_t bits[4];
            float normal[4];
            pv_philox(counter, key, bits);
            pv_normal_from_bits(bits[0], bits[1], normal);
            pv_normal_from_bits(bits[2], bits[3], normal + 2);
            for (size_t j = 0; j < 4 && i + j < p->count; j++)
                dst[i + j] = normal[j];
        }
    }
    return PV_OK;
}

pv_status pv_reference_level_embedding(struct pv_stream *s, const struct pv_level_embedding *p)
{
    PV_TRY(pv_check_level_embedding(s, p));
    const int half = p->dim / 2;
    float *dst = p->dst;
    for (int i = 0; i < half; i++) {
        const double angle = 1000 * (double)p->level * exp(-log(10000) * i / half);
        dst[i] = (float)cos(angle);
        dst[half + i] = (float)sin(angle);
    }
    return PV_OK;
}
