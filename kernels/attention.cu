/* attention.cu: dst = softmax(q k^T * scale) v, for every number of channels: a warp a query, its softmax running; and
 * the choice between this and the faster ones.
 *
 * 32 keys at a time: each lane has the score of one key; then all lanes walk the values together, a lane holding every
 * 32nd channel of the result. The largest score so far is subtracted, and what was summed is scaled down when a larger
 * one comes (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"). */
#include "element.cuh"

enum { WARP = 32, WARPS = 4, EACH = 8 }; /* warps of a block; channels a lane holds at a time */

template <typename T> struct attention_keys {
    const T *k, *v;
    size_t stride; /* from key to key */
    int count;
};

template <typename T> __device__ inline float score(const T *q, const T *k, int head_dim)
{
    float sum = 0;
    for (int i = 0; i < head_dim; i++)
        sum += to_float(q[i]) * to_float(k[i]);
    return sum;
}

/* Channels first .. first + 32 EACH of one query's result. */
template <typename T>
__device__ inline void attend(T *dst, const T *q, const attention_keys<T> &keys, int head_dim, float scale, int first)
{
    const int lane = (int)(threadIdx.x % WARP);
    float largest = -INFINITY, total = 0, mixed[EACH] = {};
    for (int from = 0; from < keys.count; from += WARP) {
        const int near = keys.count - from < WARP ? keys.count - from : WARP;
        const float s =
            lane < near ? score(q, keys.k + (size_t)(from + lane) * keys.stride, head_dim) * scale : -INFINITY;
        const float now = fmaxf(largest, warp_max(s)), shrink = expf(largest - now), share = expf(s - now);
        largest = now;
        total = total * shrink + warp_sum(share);
        for (int c = 0; c < EACH; c++)
            mixed[c] *= shrink;
        for (int j = 0; j < near; j++) {
            const float part = __shfl_sync(0xffffffffu, share, j);
            const T *const v = keys.v + (size_t)(from + j) * keys.stride;
            for (int c = 0; c < EACH; c++) {
                const int channel = first + c * WARP + lane;
                if (channel < head_dim)
                    mixed[c] += part * to_float(v[channel]);
            }
        }
    }
    for (int c = 0; c < EACH; c++) {
        const int channel = first + c * WARP + lane;
        if (channel < head_dim)
            dst[channel] = from_float<T>(mixed[c] / total);
    }
}

template <typename T> __global__ void __launch_bounds__(WARP *WARPS) attention_kernel(struct pv_attention p)
{
    const size_t query = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP, d = (size_t)p.head_dim;
    const division of_row = divide(query, (size_t)p.heads);
    const size_t row = of_row.whole;
    if (row >= (size_t)p.takes * (size_t)p.tokens)
        return;
    const division place = divide(row, (size_t)p.tokens);
    const size_t take = place.whole, token = place.rest;
    const size_t head = (unsigned)of_row.rest * (unsigned)p.kv_heads / (unsigned)p.heads;
    const bool joint = p.kind == PV_ATTENTION_JOINT;
    const size_t slot_row = (size_t)p.kv_heads * d; /* elements of one token in a slot */
    const size_t start = take * p.kv_take_stride + (joint ? 0 : token * slot_row) + head * d;
    const attention_keys<T> keys = {(const T *)p.k + start, (const T *)p.v + start,
                                    joint ? slot_row : (size_t)p.tokens * slot_row,
                                    joint ? slots_used(p) * p.tokens : slots_used(p)};
    for (int first = 0; first < p.head_dim; first += WARP * EACH)
        attend((T *)p.dst + query * d, (const T *)p.q + query * d, keys, p.head_dim, p.scale, first);
}

static int attention_plain(const struct pv_attention *p, const struct pv_queue *q)
{
    const size_t queries = (size_t)p->takes * (size_t)p->tokens * (size_t)p->heads;
    PV_FOR_ELEMENT(q->element, T,
                   return PV_LAUNCH(attention_kernel<T>, dim3((unsigned)((queries + WARPS - 1) / WARPS)),
                                    dim3(WARP * WARPS), 0, q->stream, *p););
}

extern "C" int pv_kernel_attention(const struct pv_attention *p, const struct pv_queue *q)
{
    const uintptr_t all = (uintptr_t)p->dst | (uintptr_t)p->q | (uintptr_t)p->k | (uintptr_t)p->v;
    const int d = p->head_dim;
    const bool aligned = all % 16 == 0 && p->kv_take_stride % 8 == 0, joint = p->kind == PV_ATTENTION_JOINT;
    const bool grid = p->heads <= UINT16_MAX && p->takes <= UINT16_MAX; /* as many as its y and z may have */
    if (q->element == PV_ELEMENT_BF16 && aligned && joint && grid && (d == 64 || d == 128))
        return pv_kernel_attention_joint(p, q);
    if (q->element == PV_ELEMENT_BF16 && aligned && !joint && (d == 32 || d == 64 || d == 128))
        return pv_kernel_attention_time(p, q);
    return attention_plain(p, q);
}
