/* product_wgmma.cuh: the product of product_mma.cuh for many sums on Hopper, whose tensor cores reach their peak only
 * with wgmma: four warps together, both operands read from shared memory by the tensor cores themselves, and TMA, one
 * thread that has boxes of the operands copied there.
 *
 * A block makes 128 x 128 sums: two groups of four warps with 64 rows each, and a warp of which one thread fetches. A
 * stage is 64 deep: a line of 128 bytes, the widest swizzle. Every stage has two barriers: full, when its boxes have
 * come, and empty, when all eight warps have read it. Three stages are 96 KB, so that two blocks share a
 * multiprocessor: one multiplies while the other one begins or writes its sums, which takes as long as a short walk
 * along k.
 *
 * Rows, columns and k beyond the matrices are zeros that the copies fill in. k must be made of eights and rows be
 * aligned to 16 bytes. */
#ifndef PV_PRODUCT_WGMMA_CUH
#define PV_PRODUCT_WGMMA_CUH

#include "product_mma.cuh"

enum {
    WGMMA_ROWS = 128,
    WGMMA_COLUMNS = 128,
    WGMMA_DEPTH = 64,
    WGMMA_STAGES = 3,
    WGMMA_WARPS = 8, /* that multiply */
    WGMMA_THREADS = (WGMMA_WARPS + 1) * 32,
    WGMMA_BOX = 128 * WGMMA_DEPTH, /* elements of one operand's stage */
    WGMMA_STAGE = 2 * WGMMA_BOX,
    WGMMA_NS = WGMMA_COLUMNS / 8, /* fragments side by side */
    WGMMA_ALIGNED = 1024,         /* bytes: where a box may lie */
    WGMMA_SHARED = WGMMA_STAGES * WGMMA_STAGE * (int)sizeof(pv_bf16) + WGMMA_ALIGNED
};

/* A kernel without code for Hopper is given one warp, by which pv_allow knows it, and stops whoever launches it. */
#if PV_HOPPER
#define WGMMA_BOUNDS __launch_bounds__(WGMMA_THREADS, 2)
#else
#define WGMMA_BOUNDS __launch_bounds__(32)
#endif

static inline dim3 wgmma_grid(size_t rows, int columns)
{
    return dim3((unsigned)((columns + WGMMA_COLUMNS - 1) / WGMMA_COLUMNS),
                (unsigned)((rows + WGMMA_ROWS - 1) / WGMMA_ROWS));
}

/* As mma_cost: mma.sync reaches 0.6 of the peak at best, and the copies cost no thread anything. */
static inline double wgmma_cost(size_t rows, int columns, int multiprocessors)
{
    const dim3 grid = wgmma_grid(rows, columns);
    return ceil((double)grid.x * grid.y / multiprocessors) * (0.6 * WGMMA_ROWS * WGMMA_COLUMNS + 1024);
}

/* Is wgmma the best for so many sums, and possible? How they end is for the caller to know. */
static inline bool wgmma_serves(size_t rows, int columns, int depth, const void *source, const struct pv_queue *q)
{
    if (!q->tensor_maps || depth % 8 != 0 || depth < WGMMA_DEPTH || !mma_aligned(source) ||
        rows > (size_t)UINT16_MAX * WGMMA_ROWS)
        return false;
    double least = 0; /* without it */
    mma_choose(rows, columns, 1, q, [&](auto shape) {
        least = mma_cost<decltype(shape)>(rows, columns, 1, q->multiprocessors);
        return 0;
    });
    return wgmma_cost(rows, columns, q->multiprocessors) < least;
}

/* Where both operands' boxes come from. A parameter of the kernel, __grid_constant__. */
struct wgmma_operands {
    CUtensorMap source, weight;
};

/* Of a matrix [rows][depth], in boxes of 128 rows and a stage's depth. */
static inline int wgmma_map(CUtensorMap *map, const void *matrix, size_t rows, int depth, const struct pv_queue *q)
{
    const cuuint64_t size[] = {(cuuint64_t)depth, rows}, stride[] = {(cuuint64_t)depth * sizeof(pv_bf16)};
    const cuuint32_t box[] = {WGMMA_DEPTH, 128}, step[] = {1, 1};
    return (int)((decltype(&cuTensorMapEncodeTiled))q->tensor_maps)(
        map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<void *>(matrix), size, stride, box, step,
        CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
        CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

/* Calls launch(operands) for source [rows][in] and the weight. */
template <typename Launch>
static inline int wgmma_launch(const void *source, size_t rows, const struct pv_cuda_weight *w,
                               const struct pv_queue *q, const Launch &launch)
{
    wgmma_operands of;
    const bool mapped = wgmma_map(&of.source, source, rows, w->weight.in, q) == 0 &&
                        wgmma_map(&of.weight, w->value, (size_t)w->weight.out, w->weight.in, q) == 0;
    return mapped ? launch(of) : (int)cudaErrorInvalidValue;
}

#if PV_HOPPER
extern __shared__ __align__(16) unsigned char pv_shared[];

/* A stage and whether its turn is an odd one. */
struct wgmma_turn {
    int stage, odd;

    __device__ void next()
    {
        if (++stage == WGMMA_STAGES) {
            stage = 0;
            odd ^= 1;
        }
    }
};

/* One thread's work: boxes of both operands, as soon as there is room for them. */
static __device__ inline void wgmma_fetch(pv_bf16 *stages, uint64_t *full, uint64_t *empty, const wgmma_operands &of,
                                          int first_row, int first_column, int steps)
{
    wgmma_turn turn = {0, 0};
#pragma unroll 1
    for (int step = 0; step < steps; step++, turn.next()) {
        pv_bf16 *const a = stages + turn.stage * WGMMA_STAGE;
        pv_barrier_wait(&empty[turn.stage], turn.odd ^ 1); /* the turn before: of the first one there is none */
        pv_barrier_arrive_expect(&full[turn.stage], WGMMA_STAGE * (int)sizeof(pv_bf16));
        pv_tensor_copy_2d(a, &of.source, step * WGMMA_DEPTH, first_row, &full[turn.stage]);
        pv_tensor_copy_2d(a + WGMMA_BOX, &of.weight, step * WGMMA_DEPTH, first_column, &full[turn.stage]);
    }
}

/* A group's work: 64 rows from first_row of the stage on. */
static __device__ inline void wgmma_multiply(float sum[64], const pv_bf16 *stages, uint64_t *full, uint64_t *empty,
                                             int first_row, int steps)
{
    wgmma_turn turn = {0, 0};
    int before = 0; /* the stage whose products may still be at work */
#pragma unroll 1
    for (int step = 0; step < steps; step++) {
        const pv_bf16 *const stage = stages + turn.stage * WGMMA_STAGE;
        const uint64_t a = pv_wgmma_matrix(stage + first_row * WGMMA_DEPTH), b = pv_wgmma_matrix(stage + WGMMA_BOX);
        pv_barrier_wait(&full[turn.stage], turn.odd);
        pv_wgmma_fence();
#pragma unroll
        for (int k = 0; k < WGMMA_DEPTH / 16; k++)
            pv_wgmma_64x128x16(sum, a + (uint64_t)(2 * k), b + (uint64_t)(2 * k), step + k > 0);
        pv_wgmma_commit();
        pv_wgmma_wait<1>(); /* those of the stage before have ended */
        if (step > 0 && threadIdx.x % 32 == 0)
            pv_barrier_arrive(&empty[before]);
        before = turn.stage;
        turn.next();
    }
    pv_wgmma_finish(sum);
}

/* Calls row(m, n, x) as mma_rows does, for fragments of all 128 columns. */
template <typename Row> __device__ inline void product_wgmma(const wgmma_operands &of, int depth, const Row &row)
{
    __shared__ uint64_t full[WGMMA_STAGES], empty[WGMMA_STAGES];
    const int thread = (int)threadIdx.x, lane = thread % 32, warp = __shfl_sync(0xffffffffu, thread / 32, 0);
    const int first_row = (int)blockIdx.y * WGMMA_ROWS, first_column = (int)blockIdx.x * WGMMA_COLUMNS;
    const int steps = (depth + WGMMA_DEPTH - 1) / WGMMA_DEPTH;
    const unsigned beyond = pv_shared_address(pv_shared) % WGMMA_ALIGNED;
    pv_bf16 *const stages = (pv_bf16 *)(pv_shared + (WGMMA_ALIGNED - beyond) % WGMMA_ALIGNED);
    if (thread == 0) {
        for (int i = 0; i < WGMMA_STAGES; i++) {
            pv_barrier_init(&full[i], 1);
            pv_barrier_init(&empty[i], WGMMA_WARPS);
        }
        pv_barrier_init_fence();
    }
    __syncthreads();
    if (warp == WGMMA_WARPS) {
        if (lane == 0)
            wgmma_fetch(stages, full, empty, of, first_row, first_column, steps);
        return;
    }
    float sum[64];
    wgmma_multiply(sum, stages, full, empty, warp / 4 * 64, steps);
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float2 x[WGMMA_NS];
#pragma unroll
        for (int j = 0; j < WGMMA_NS; j++)
            x[j] = make_float2(sum[j * 4 + half * 2], sum[j * 4 + half * 2 + 1]);
        row((size_t)(first_row + warp * 16 + half * 8 + lane / 4), first_column + lane % 4 * 2, x);
    }
}
#endif

#endif
