/* latent.cu: between latents and tokens, between latents and features, and the sampler's arithmetic. A thread an
 * element, or four for noise. */
#include "element.cuh"

/* ---- tokens ---- */

/* Where element i of one latent's tokens, [height/p * width/p][p*p * channels], lies in the latent. */
__device__ inline size_t latent_place(size_t i, int width, int channels, int p)
{
    const size_t side = (size_t)p;
    const division token = divide(i, side * side * (size_t)channels), pixel = divide(token.rest, (size_t)channels);
    const division patch = divide(token.whole, (size_t)(width / p)), inside = divide(pixel.whole, side);
    const size_t y = patch.whole * side + inside.whole, x = patch.rest * side + inside.rest;
    return (y * (size_t)width + x) * (size_t)channels + pixel.rest;
}

template <typename T> __global__ void patch_kernel(struct pv_patch p, size_t count)
{
    const size_t part = (size_t)p.p * (size_t)p.p * (size_t)p.channels; /* a token's elements of one source */
    PV_FOR_EACH(i, count)
    {
        const division token = divide(i, part * (size_t)p.sources), source = divide(token.rest, part);
        const float *const src = p.src[source.whole];
        ((T *)p.dst)[i] = from_float<T>(src[latent_place(token.whole * part + source.rest, p.width, p.channels, p.p)]);
    }
}

template <typename T> __global__ void unpatch_kernel(struct pv_unpatch p, size_t count)
{
    PV_FOR_EACH(i, count)
    {
        const size_t at = latent_place(i, p.width, p.channels, p.p);
        p.dst[at] = to_float(((const T *)p.src)[i]) + (p.base ? p.base[at] : 0);
    }
}

/* The mean square of a token's change, the same in all lanes of a warp. */
template <typename T> __device__ inline float mean_square(const T *token, int count)
{
    float sum = 0;
    for (int i = (int)(threadIdx.x % 32); i < count; i += 32) {
        const float x = to_float(token[i]);
        sum += x * x;
    }
    return warp_sum(sum) / (float)count;
}

/* The same where what hardly changes stays: a warp a token. Its neighbours' squares are summed again: they lie in the
 * cache, and one launch is less than two. */
template <typename T> __global__ void unpatch_still_kernel(struct pv_unpatch p, int tokens)
{
    const int token = (int)(blockIdx.x * (PV_THREADS / 32) + threadIdx.x / 32);
    const int columns = p.width / p.p, rows = p.height / p.p / p.takes, count = p.p * p.p * p.channels;
    if (token >= tokens)
        return;
    const int y = token / columns, x = token % columns, top = y / rows * rows;
    const T *const src = (const T *)p.src;
    float largest = 0;
    for (int v = max(y - 1, top); v <= min(y + 1, top + rows - 1); v++)
        for (int u = max(x - 1, 0); u <= min(x + 1, columns - 1); u++)
            largest =
                fmaxf(largest, mean_square(src + ((size_t)v * (size_t)columns + (size_t)u) * (size_t)count, count));
    const float share = fminf(fmaxf(sqrtf(largest) / p.still - 1, 0.0f), 1.0f);
    for (int i = (int)(threadIdx.x % 32); i < count; i += 32) {
        const size_t from = (size_t)token * (size_t)count + (size_t)i;
        const size_t at = latent_place(from, p.width, p.channels, p.p);
        p.dst[at] = share * to_float(src[from]) + p.base[at];
    }
}

extern "C" int pv_kernel_patch(const struct pv_patch *p, const struct pv_queue *q)
{
    const size_t count = (size_t)p->sources * (size_t)p->height * (size_t)p->width * (size_t)p->channels;
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(patch_kernel<T>, count, q->stream, *p, count););
}

extern "C" int pv_kernel_unpatch(const struct pv_unpatch *p, const struct pv_queue *q)
{
    const int tokens = p->height / p->p * (p->width / p->p), warps = PV_THREADS / 32;
    const size_t count = (size_t)p->height * (size_t)p->width * (size_t)p->channels;
    const dim3 blocks((unsigned)((tokens - 1) / warps + 1));
    if (p->still > 0)
        PV_FOR_ELEMENT(q->element, T,
                       return PV_LAUNCH(unpatch_still_kernel<T>, blocks, dim3(PV_THREADS), 0, q->stream, *p, tokens););
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(unpatch_kernel<T>, count, q->stream, *p, count););
}

/* ---- features ---- */

template <typename T> __global__ void latent_out_kernel(struct pv_latent_out p)
{
    PV_FOR_EACH(i, p.pixels * (size_t)p.channels)
    {
        const size_t c = divide(i, (size_t)p.channels).rest;
        p.dst[i] = (to_float(((const T *)p.src)[i]) - p.mean[c]) / p.std[c];
    }
}

template <typename T> __global__ void latent_in_kernel(struct pv_latent_in p)
{
    PV_FOR_EACH(i, p.pixels * (size_t)p.channels)
    {
        const size_t c = divide(i, (size_t)p.channels).rest;
        ((T *)p.dst)[i] = from_float<T>(3 * tanhf((p.src[i] * p.std[c] + p.mean[c]) / 3));
    }
}

extern "C" int pv_kernel_latent_out(const struct pv_latent_out *p, const struct pv_queue *q)
{
    const size_t count = p->pixels * (size_t)p->channels;
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(latent_out_kernel<T>, count, q->stream, *p););
}

extern "C" int pv_kernel_latent_in(const struct pv_latent_in *p, const struct pv_queue *q)
{
    const size_t count = p->pixels * (size_t)p->channels;
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(latent_in_kernel<T>, count, q->stream, *p););
}

/* ---- the sampler ---- */

__global__ void combine_kernel(struct pv_combine p)
{
    PV_FOR_EACH(i, p.count)
    p.dst[i] = p.a * p.x[i] + (p.y ? p.b * p.y[i] : 0);
}

extern "C" int pv_kernel_combine(const struct pv_combine *p, const struct pv_queue *q)
{
    return PV_LAUNCH_EACH(combine_kernel, p->count, q->stream, *p);
}

/* base/random.c's Philox4x32-10. */
__device__ inline void philox(uint32_t x[4], uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * x[0], p1 = (uint64_t)0xCD9E8D57u * x[2];
        const uint32_t y0 = (uint32_t)(p1 >> 32) ^ x[1] ^ key0, y2 = (uint32_t)(p0 >> 32) ^ x[3] ^ key1;
        x[1] = (uint32_t)p1;
        x[3] = (uint32_t)p0;
        x[0] = y0;
        x[2] = y2;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* Box-Muller, as pv_normal_from_bits. */
__device__ inline void normal(uint32_t a, uint32_t b, float out[2])
{
    const float u = ((float)(a >> 8) + 1.0f) * 0x1p-24f, angle = 6.28318530718f * ((float)(b >> 8) * 0x1p-24f);
    const float radius = sqrtf(-2.0f * logf(u));
    out[0] = radius * cosf(angle);
    out[1] = radius * sinf(angle);
}

__global__ void noise_kernel(struct pv_noise p, size_t groups)
{
    PV_FOR_EACH(i, groups * (size_t)p.takes)
    {
        const division place = divide(i, groups);
        const size_t take = place.whole, j = place.rest;
        const uint64_t seed = p.seed + take;
        uint32_t word[4] = {(uint32_t)j, p.frame + (p.past ? *p.past : 0), p.purpose, p.take};
        float four[4];
        philox(word, (uint32_t)seed, (uint32_t)(seed >> 32));
        normal(word[0], word[1], four);
        normal(word[2], word[3], four + 2);
        for (size_t k = 0; k < 4 && 4 * j + k < p.count; k++)
            p.dst[take * p.count + 4 * j + k] = four[k];
    }
}

extern "C" int pv_kernel_noise(const struct pv_noise *p, const struct pv_queue *q)
{
    const size_t groups = (p->count + 3) / 4;
    return PV_LAUNCH_EACH(noise_kernel, groups * (size_t)p->takes, q->stream, *p, groups);
}

/* In double: the angle reaches 1000, and its cosine is wanted to seven digits. A few hundred numbers once an action. */
template <typename T> __global__ void level_embedding_kernel(struct pv_level_embedding p)
{
    const int half = p.dim / 2;
    PV_FOR_EACH(i, (size_t)half)
    {
        const double angle = 1000 * (double)p.level * exp(-9.210340371976184 * (double)i / half); /* ln 10000 */
        ((T *)p.dst)[i] = from_float<T>((float)cos(angle));
        ((T *)p.dst)[(size_t)half + i] = from_float<T>((float)sin(angle));
    }
}

extern "C" int pv_kernel_level_embedding(const struct pv_level_embedding *p, const struct pv_queue *q)
{
    const size_t half = (size_t)p->dim / 2;
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(level_embedding_kernel<T>, half, q->stream, *p););
}
