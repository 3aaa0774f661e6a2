/* attention_joint.cu: every query of a frame against every key, on tensor cores, for bf16 and heads of 64 or 128
 * channels: dst = softmax(q k^T * scale) v, without ever holding the scores (Dao 2023, "FlashAttention-2").
 *
 * A warp has 16 queries. Keys and values pass through shared memory 64 or 32 at a time, the next while these are worked
 * on. Scores stay in the fragments they were summed in, which are also those that the product with the values wants.
 * The largest score so far is subtracted, and what was summed is scaled down when a larger one comes. */
#include "element.cuh"
#include "ptx.cuh"

enum { QUERIES = 16 /* of a warp */ };

/* For heads of DIM channels, KEYS keys at a time: all of it is within the 48 KB that a block has without asking. */
template <int DIM_, int KEYS_> struct joint {
    enum { DIM = DIM_, KEYS = KEYS_, CHUNKS = DIM / 8 };

    /* Where chunk c (8 channels) of row r lies: neighbours in different banks, down and across. */
    static __device__ inline int chunk_place(int r, int c)
    {
        return (r * CHUNKS + (c ^ (r % 8))) * 8;
    }

    /* Rows of DIM channels, stride elements apart: those of [0, count) from global memory, the rest zeros. */
    template <int THREADS>
    static __device__ inline void copy_rows(pv_bf16 *shared, const pv_bf16 *from, size_t stride, int rows, int count)
    {
        for (int i = (int)threadIdx.x; i < rows * CHUNKS; i += THREADS) {
            const int r = i / CHUNKS, c = i % CHUNKS;
            pv_cp_async_16(&shared[chunk_place(r, c)], r < count ? from + (size_t)r * stride + c * 8 : from, r < count);
        }
    }

    /* What a warp knows of its queries: of row g and of row g + 8, as in a fragment's sums. */
    struct state {
        float mixed[CHUNKS][4];
        float largest[2], total[2]; /* total: this lane's part */
    };

    /* Scores of 16 queries and KEYS keys, times scale, in powers of two; keys from count on weigh nothing. */
    static __device__ inline void scores(float score[KEYS / 8][4], const uint32_t query[DIM / 16][4], const pv_bf16 *k,
                                         float scale, int count)
    {
        const int lane = (int)(threadIdx.x % 32);
#pragma unroll
        for (int j = 0; j < KEYS / 16; j++)
#pragma unroll
            for (int c = 0; c < DIM / 16; c++) {
                uint32_t key[4];
                pv_ldmatrix_x4(key, k + chunk_place(j * 16 + lane / 16 * 8 + lane % 8, c * 2 + lane / 8 % 2));
                pv_mma_bf16_16816(score[2 * j], query[c], key);
                pv_mma_bf16_16816(score[2 * j + 1], query[c], key + 2);
            }
#pragma unroll
        for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                score[j][i] = j * 8 + lane % 4 * 2 + i % 2 < count ? score[j][i] * scale : -INFINITY;
    }

    /* Scores -> shares, relative to the largest so far. */
    static __device__ inline void softmax(float score[KEYS / 8][4], state *s)
    {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float largest = s->largest[half], total = 0;
#pragma unroll
            for (int j = 0; j < KEYS / 8; j++)
                largest = fmaxf(largest, fmaxf(score[j][2 * half], score[j][2 * half + 1]));
            largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 1));
            largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 2));
            const float shrink = pv_exp2_approx(s->largest[half] - largest);
#pragma unroll
            for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
                for (int i = 2 * half; i < 2 * half + 2; i++) {
                    score[j][i] = pv_exp2_approx(score[j][i] - largest);
                    total += score[j][i];
                }
            s->largest[half] = largest;
            s->total[half] = s->total[half] * shrink + total;
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) {
                s->mixed[c][2 * half] *= shrink;
                s->mixed[c][2 * half + 1] *= shrink;
            }
        }
    }

    static __device__ inline void mix(state *s, const float share[KEYS / 8][4], const pv_bf16 *v)
    {
        const int lane = (int)(threadIdx.x % 32);
#pragma unroll
        for (int j = 0; j < KEYS / 16; j++) {
            const uint32_t part[4] = {from_floats(share[2 * j][0], share[2 * j][1]),
                                      from_floats(share[2 * j][2], share[2 * j][3]),
                                      from_floats(share[2 * j + 1][0], share[2 * j + 1][1]),
                                      from_floats(share[2 * j + 1][2], share[2 * j + 1][3])};
#pragma unroll
            for (int c = 0; c < CHUNKS; c += 2) {
                uint32_t value[4];
                pv_ldmatrix_x4_trans(value, v + chunk_place(j * 16 + lane % 16, c + lane / 16));
                pv_mma_bf16_16816(s->mixed[c], part, value);
                pv_mma_bf16_16816(s->mixed[c + 1], part, value + 2);
            }
        }
    }
};

/* Block (tile of queries, head, take). */
template <typename J, int WARPS>
__global__ void __launch_bounds__(WARPS * 32) joint_kernel(struct pv_attention p, float scale)
{
    enum { DIM = J::DIM, KEYS = J::KEYS, CHUNKS = J::CHUNKS };
    __shared__ __align__(16) pv_bf16 q[WARPS * QUERIES * DIM], k[2][KEYS * DIM], v[2][KEYS * DIM];
    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    const int first = (int)blockIdx.x * WARPS * QUERIES, head = (int)blockIdx.y, count = slots_used(p) * p.tokens;
    const size_t row = (size_t)p.heads * DIM, key_row = (size_t)p.kv_heads * DIM;
    const size_t start = ((size_t)blockIdx.z * (size_t)p.tokens + (size_t)first) * row + (size_t)head * DIM;
    const size_t key_head = (size_t)head * (size_t)p.kv_heads / (size_t)p.heads;
    const size_t key_start = blockIdx.z * p.kv_take_stride + key_head * DIM;
    const pv_bf16 *const keys = (const pv_bf16 *)p.k + key_start, *const values = (const pv_bf16 *)p.v + key_start;

    J::template copy_rows<WARPS * 32>(q, (const pv_bf16 *)p.q + start, row, WARPS * QUERIES, p.tokens - first);
    J::template copy_rows<WARPS * 32>(k[0], keys, key_row, KEYS, count);
    J::template copy_rows<WARPS * 32>(v[0], values, key_row, KEYS, count);
    pv_cp_async_commit();

    typename J::state state = {{}, {-INFINITY, -INFINITY}, {}};
    uint32_t query[DIM / 16][4];
    for (int from = 0; from < count; from += KEYS) {
        const int now = from / KEYS % 2, next = from + KEYS;
        if (next < count) {
            J::template copy_rows<WARPS * 32>(k[!now], keys + (size_t)next * key_row, key_row, KEYS, count - next);
            J::template copy_rows<WARPS * 32>(v[!now], values + (size_t)next * key_row, key_row, KEYS, count - next);
        }
        pv_cp_async_commit();
        pv_cp_async_wait<1>();
        __syncthreads(); /* these keys have come */
        if (from == 0)
#pragma unroll
            for (int c = 0; c < DIM / 16; c++)
                pv_ldmatrix_x4(query[c], q + J::chunk_place(warp * QUERIES + lane % 16, c * 2 + lane / 16));
        float score[KEYS / 8][4] = {};
        J::scores(score, query, k[now], scale, count - from);
        J::softmax(score, &state);
        J::mix(&state, score, v[now]);
        __syncthreads(); /* and may be overwritten */
    }
    const int odd = lane % 2;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const float part = 1 / quad_sum(state.total[half]);
        const int r = warp * QUERIES + half * 8 + lane / 4;
        pv_bf16 *const dst = (pv_bf16 *)p.dst + start + (size_t)r * row + lane % 4 / 2 * 4;
#pragma unroll
        for (int c = 0; c < CHUNKS; c += 2) {
            const float *const left = &state.mixed[c][2 * half], *const right = &state.mixed[c + 1][2 * half];
            const float4 four = change_halves(make_float2(left[0] * part, left[1] * part),
                                              make_float2(right[0] * part, right[1] * part));
            if (first + r < p.tokens)
                store_four(dst + (c + odd) * 8, four);
        }
    }
}

template <typename J, int WARPS> static int launch(const struct pv_attention *p, const struct pv_queue *q)
{
    const unsigned tiles = (unsigned)((p->tokens + WARPS * QUERIES - 1) / (WARPS * QUERIES));
    const float log2e = 1.44269504f;
    return PV_LAUNCH((joint_kernel<J, WARPS>), dim3(tiles, (unsigned)p->heads, (unsigned)p->takes), dim3(WARPS * 32), 0,
                     q->stream, *p, p->scale * log2e);
}

/* Small blocks while large ones would leave multiprocessors without work. */
extern "C" int pv_kernel_attention_joint(const struct pv_attention *p, const struct pv_queue *q)
{
    const size_t large = ((size_t)p->tokens + 63) / 64 * (size_t)p->heads * (size_t)p->takes;
    const bool many = large >= 2 * (size_t)q->multiprocessors;
    if (p->head_dim == 64)
        return many ? launch<joint<64, 64>, 4>(p, q) : launch<joint<64, 64>, 2>(p, q);
    return many ? launch<joint<128, 32>, 4>(p, q) : launch<joint<128, 32>, 2>(p, q);
}
