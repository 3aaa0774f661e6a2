/* attention_time.cu: a token against itself in every slot, for bf16 and heads of 32, 64 or 128 channels:
 * dst = softmax(q k^T * scale) v. There are few keys and each is read once, so reading is all that counts.
 *
 * A warp has a query. A lane has eight channels, 16 bytes of every row; as many lanes as a head has eights have a key,
 * so that 2 to 8 keys are read at a time. Each of these groups keeps a softmax of its own over its keys; they are
 * joined at the end. */
#include "element.cuh"

enum { WARP = 32, WARPS = 4, EACH = 8 };

/* What a group has of its keys: the largest score, in powers of two; the sum of shares; this lane's channels. */
struct time_state {
    float largest, total, mixed[EACH];
};

/* One more key. */
__device__ inline void time_add(time_state *s, float score, const float v[EACH])
{
    const float largest = fmaxf(s->largest, score), shrink = pv_exp2_approx(s->largest - largest);
    const float share = pv_exp2_approx(score - largest);
    s->largest = largest;
    s->total = s->total * shrink + share;
#pragma unroll
    for (int i = 0; i < EACH; i++)
        s->mixed[i] = s->mixed[i] * shrink + share * v[i];
}

/* The state of the lane across mask joins this one. One of the two may have had no key. */
__device__ inline void time_join(time_state *s, int mask)
{
    const float other = __shfl_xor_sync(0xffffffffu, s->largest, mask), largest = fmaxf(s->largest, other);
    const float mine = s->largest > -INFINITY ? pv_exp2_approx(s->largest - largest) : 0;
    const float its = other > -INFINITY ? pv_exp2_approx(other - largest) : 0;
    s->largest = largest;
    s->total = s->total * mine + __shfl_xor_sync(0xffffffffu, s->total, mask) * its;
#pragma unroll
    for (int i = 0; i < EACH; i++)
        s->mixed[i] = s->mixed[i] * mine + __shfl_xor_sync(0xffffffffu, s->mixed[i], mask) * its;
}

/* LANES: a head's eights. */
template <int LANES> __global__ void __launch_bounds__(WARP *WARPS) time_kernel(struct pv_attention p, float scale)
{
    enum { DIM = LANES * EACH, GROUPS = WARP / LANES };
    const size_t query = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const division of_row = divide(query, (size_t)p.heads);
    const size_t row = of_row.whole;
    if (row >= (size_t)p.takes * (size_t)p.tokens)
        return;
    const int lane = (int)(threadIdx.x % WARP), group = lane / LANES, channel = lane % LANES * EACH;
    const division place = divide(row, (size_t)p.tokens);
    const size_t take = place.whole, token = place.rest;
    const size_t head = (unsigned)of_row.rest * (unsigned)p.kv_heads / (unsigned)p.heads;
    const size_t slot = (size_t)p.tokens * (size_t)p.kv_heads * DIM;
    const size_t start = take * p.kv_take_stride + (token * (size_t)p.kv_heads + head) * DIM + (size_t)channel;
    const pv_bf16 *const k = (const pv_bf16 *)p.k + start, *const v = (const pv_bf16 *)p.v + start;

    const int slots = slots_used(p);
    float q[EACH];
    load_chunk((const pv_bf16 *)p.q + query * DIM + channel, q);
    time_state state = {-INFINITY, 0, {}};
#pragma unroll 4
    for (int from = 0; from < slots; from += GROUPS) {
        const bool valid = from + group < slots;
        const size_t at = valid ? (size_t)(from + group) * slot : 0; /* every lane reads, and knows what is not its */
        float key[EACH], value[EACH], score = 0;
        load_chunk(k + at, key);
        load_chunk(v + at, value);
#pragma unroll
        for (int i = 0; i < EACH; i++)
            score += q[i] * key[i];
#pragma unroll
        for (int mask = LANES / 2; mask > 0; mask /= 2)
            score += __shfl_xor_sync(0xffffffffu, score, mask);
        if (valid)
            time_add(&state, score * scale, value);
    }
#pragma unroll
    for (int mask = LANES; mask < WARP; mask *= 2)
        time_join(&state, mask);
    if (group == 0) {
#pragma unroll
        for (int i = 0; i < EACH; i++)
            state.mixed[i] /= state.total;
        store_chunk((pv_bf16 *)p.dst + query * DIM + channel, state.mixed);
    }
}

template <int LANES> static int launch(const struct pv_attention *p, const struct pv_queue *q)
{
    const size_t queries = (size_t)p->takes * (size_t)p->tokens * (size_t)p->heads;
    const float log2e = 1.44269504f;
    return PV_LAUNCH(time_kernel<LANES>, dim3((unsigned)((queries + WARPS - 1) / WARPS)), dim3(WARP * WARPS), 0,
                     q->stream, *p, p->scale * log2e);
}

extern "C" int pv_kernel_attention_time(const struct pv_attention *p, const struct pv_queue *q)
{
    switch (p->head_dim) {
    case 32: return launch<4>(p, q);
    case 64: return launch<8>(p, q);
    default: return launch<16>(p, q); /* 128 */
    }
}
