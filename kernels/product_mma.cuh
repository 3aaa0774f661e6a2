/* product_mma.cuh: the product of product.cuh on tensor cores, for bf16:
 * sum[m][n] = sum over k of source(m, k) * weight[n][k], in float.
 *
 * A block makes ROWS x COLUMNS sums, a warp WARP_ROWS x WARP_COLUMNS, in fragments of 16 x 8. Both operands come
 * through shared memory by cp.async, STAGES - 1 stages on their way while one is worked on. A row of a stage is CHUNKS
 * chunks of 16 bytes, at places where neither ldmatrix nor cp.async meets a bank twice (mma_place).
 *
 * A stage is 32 deep for every slice. With several SLICES each group of warps sums over its own part of a stage, and
 * the sums are added at the end: a small product is a long walk along k, and this makes it shorter.
 *
 * A chunk is 8 neighbours along k, so k must be made of eights and rows be aligned: what is not goes to product.cuh. */
#ifndef PV_PRODUCT_MMA_CUH
#define PV_PRODUCT_MMA_CUH

#include "element.cuh"
#include "ptx.cuh"

template <int ROWS_, int COLUMNS_, int WARP_ROWS_, int WARP_COLUMNS_, int STAGES_, int SLICES_> struct mma_shape {
    enum {
        ROWS = ROWS_,
        COLUMNS = COLUMNS_,
        WARP_ROWS = WARP_ROWS_,
        WARP_COLUMNS = WARP_COLUMNS_,
        STAGES = STAGES_,
        SLICES = SLICES_,
        SLICE = 32, /* elements along k */
        DEPTH = SLICE * SLICES,
        CHUNK = 8, /* elements */
        CHUNKS = DEPTH / CHUNK,
        ACROSS = COLUMNS / WARP_COLUMNS,   /* warps side by side */
        WARPS = ROWS / WARP_ROWS * ACROSS, /* of a slice */
        THREADS = WARPS * SLICES * 32,
        LINES = THREADS / CHUNKS, /* rows, or columns, that the block copies at once */
        MS = WARP_ROWS / 16,
        NS = WARP_COLUMNS / 8
    };
};

/* From few sums to many: small tiles keep more of the device busy, large ones read less. */
typedef mma_shape<32, 32, 32, 32, 3, 4> mma_32x32;
typedef mma_shape<64, 64, 32, 32, 4, 1> mma_64x64;
typedef mma_shape<128, 32, 32, 32, 4, 1> mma_128x32;
typedef mma_shape<128, 48, 32, 48, 4, 1> mma_128x48;
typedef mma_shape<128, 128, 32, 64, 3, 1> mma_128x128;

template <typename Shape> static inline dim3 mma_grid(size_t rows, int columns, int times)
{
    return dim3((unsigned)((rows + Shape::ROWS - 1) / Shape::ROWS),
                (unsigned)((columns + Shape::COLUMNS - 1) / Shape::COLUMNS), (unsigned)times);
}

/* What a product in tiles of this shape takes, in units of a multiply-add of one multiprocessor and step of k: rounds
 * of all multiprocessors, each its products, its copies and a fixed part. A rule to choose by, not a measurement. */
template <typename Shape> static inline double mma_cost(size_t rows, int columns, int times, int multiprocessors)
{
    const dim3 grid = mma_grid<Shape>(rows, columns, times);
    const double blocks = (double)grid.x * grid.y * grid.z;
    const double block = Shape::ROWS * Shape::COLUMNS + 16 * (Shape::ROWS + Shape::COLUMNS) + 1024;
    return ceil(blocks / multiprocessors) * block;
}

/* Calls launch(shape) with the shape that costs least for so many sums, times over. */
template <typename Launch>
static inline int mma_choose(size_t rows, int columns, int times, const struct pv_queue *q, const Launch &launch)
{
    const double cost[] = {mma_cost<mma_32x32>(rows, columns, times, q->multiprocessors),
                           mma_cost<mma_64x64>(rows, columns, times, q->multiprocessors),
                           mma_cost<mma_128x32>(rows, columns, times, q->multiprocessors),
                           mma_cost<mma_128x48>(rows, columns, times, q->multiprocessors),
                           mma_cost<mma_128x128>(rows, columns, times, q->multiprocessors)};
    int best = 0;
    for (int i = 1; i < 5; i++)
        best = cost[i] < cost[best] ? i : best;
    switch (best) {
    case 0: return launch(mma_32x32());
    case 1: return launch(mma_64x64());
    case 2: return launch(mma_128x32());
    case 3: return launch(mma_128x48());
    default: return launch(mma_128x128());
    }
}

/* Can cp.async read there? */
static inline bool mma_aligned(const void *pointer)
{
    return (uintptr_t)pointer % 16 == 0;
}

/* Where chunk c of line r lies in a stage. */
template <typename Shape> __device__ inline int mma_place(int r, int c)
{
    const int turn = Shape::CHUNKS == 4 ? r / 2 % 4 : r % 8; /* 8 lines of 16 bytes are all the banks there are */
    return (r * Shape::CHUNKS + (c ^ turn)) * Shape::CHUNK;
}

/* sum = sum of all slices', through shared memory that nobody uses any more. A slice then has every SLICES-th fragment.
 * The order of adding is fixed: same inputs, same bytes. */
template <typename Shape>
static __device__ inline void mma_add_slices(float sum[Shape::MS][Shape::NS][4], float *shared, int slice, int warp)
{
    const int lane = (int)(threadIdx.x % 32);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Shape::MS; i++)
#pragma unroll
        for (int j = 0; j < Shape::NS; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const int fragment = (warp * Shape::MS + i) * Shape::NS + j;
                shared[((fragment * Shape::SLICES + slice) * 4 + e) * 32 + lane] = sum[i][j][e];
            }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Shape::MS; i++)
#pragma unroll
        for (int j = 0; j < Shape::NS; j++)
#pragma unroll
            for (int e = 0; e < 4 && j % Shape::SLICES == slice; e++) {
                const int fragment = (warp * Shape::MS + i) * Shape::NS + j;
                sum[i][j][e] = 0;
#pragma unroll
                for (int s = 0; s < Shape::SLICES; s++)
                    sum[i][j][e] += shared[((fragment * Shape::SLICES + s) * 4 + e) * 32 + lane];
            }
}

/* Source: where a row begins (place), and its chunk at k (chunk: an address, and whether there is one). */
template <typename Shape, typename Source, typename Finish>
__device__ inline void product_mma(const Source &source, const pv_bf16 *weight, size_t rows, int columns, int depth,
                                   const Finish &finish)
{
    __shared__ __align__(16) pv_bf16 a[Shape::STAGES][Shape::ROWS * Shape::DEPTH];
    __shared__ __align__(16) pv_bf16 b[Shape::STAGES][Shape::COLUMNS * Shape::DEPTH];
    const int thread = (int)threadIdx.x, lane = thread % 32;
    const int slice = thread / 32 / Shape::WARPS, warp = thread / 32 % Shape::WARPS;
    const size_t first_row = (size_t)blockIdx.x * Shape::ROWS;
    const int first_column = (int)blockIdx.y * Shape::COLUMNS;

    /* What this thread copies: one chunk of every LINES-th row and column. */
    const int chunk = thread % Shape::CHUNKS, line = thread / Shape::CHUNKS;
    typename Source::row_place place[Shape::ROWS / Shape::LINES];
#pragma unroll
    for (int i = 0; i < Shape::ROWS / Shape::LINES; i++)
        place[i] = source.place(first_row + (size_t)(line + i * Shape::LINES), rows);
    typename Source::cursor at = source.begin(chunk * Shape::CHUNK);
    int column_k = chunk * Shape::CHUNK;

    auto copy = [&](int stage) {
#pragma unroll
        for (int i = 0; i < Shape::ROWS / Shape::LINES; i++) {
            const pv_bf16 *from;
            const bool valid = source.chunk(place[i], at, &from);
            pv_cp_async_16(&a[stage][mma_place<Shape>(line + i * Shape::LINES, chunk)], from, valid);
        }
#pragma unroll
        for (int i = line; i < Shape::COLUMNS; i += Shape::LINES) {
            const int n = first_column + i;
            const bool valid = n < columns && column_k < depth;
            pv_cp_async_16(&b[stage][mma_place<Shape>(i, chunk)],
                           weight + (valid ? (size_t)n * (size_t)depth + (size_t)column_k : 0), valid);
        }
        source.advance(&at, Shape::DEPTH);
        column_k += Shape::DEPTH;
    };

    const int warp_row = warp / Shape::ACROSS * Shape::WARP_ROWS;
    const int warp_column = warp % Shape::ACROSS * Shape::WARP_COLUMNS;
    float sum[Shape::MS][Shape::NS][4] = {};
    const int steps = (depth + Shape::DEPTH - 1) / Shape::DEPTH;
    for (int s = 0; s < Shape::STAGES - 1; s++) {
        if (s < steps)
            copy(s);
        pv_cp_async_commit();
    }
    for (int step = 0; step < steps; step++) {
        pv_cp_async_wait<Shape::STAGES - 2>();
        __syncthreads(); /* this stage has come, and everybody is done with the one before */
        if (step + Shape::STAGES - 1 < steps)
            copy((step + Shape::STAGES - 1) % Shape::STAGES);
        pv_cp_async_commit();
        const pv_bf16 *const left = a[step % Shape::STAGES], *const right = b[step % Shape::STAGES];
#pragma unroll
        for (int k = 0; k < Shape::SLICE / 16; k++) {
            const int first = (slice * Shape::SLICE + k * 16) / Shape::CHUNK;
            uint32_t x[Shape::MS][4], y[Shape::NS][2];
#pragma unroll
            for (int i = 0; i < Shape::MS; i++)
                pv_ldmatrix_x4(x[i], left + mma_place<Shape>(warp_row + i * 16 + lane % 16, first + lane / 16));
#pragma unroll
            for (int j = 0; j < Shape::NS; j += 2) {
                uint32_t two[4];
                pv_ldmatrix_x4(two, right + mma_place<Shape>(warp_column + j * 8 + lane / 16 * 8 + lane % 8,
                                                             first + lane / 8 % 2));
                y[j][0] = two[0];
                y[j][1] = two[1];
                y[j + 1][0] = two[2];
                y[j + 1][1] = two[3];
            }
#pragma unroll
            for (int i = 0; i < Shape::MS; i++)
#pragma unroll
                for (int j = 0; j < Shape::NS; j++)
                    pv_mma_bf16_16816(sum[i][j], x[i], y[j]);
        }
    }
    if (Shape::SLICES > 1)
        mma_add_slices<Shape>(sum, (float *)a, slice, warp);
#pragma unroll
    for (int i = 0; i < Shape::MS; i++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const size_t m = first_row + (size_t)(warp_row + i * 16 + half * 8 + lane / 4);
            if (m >= rows)
                continue;
#pragma unroll
            for (int j = 0; j < Shape::NS; j++) {
                const int n = first_column + warp_column + j * 8 + lane % 4 * 2;
                if (n >= columns || j % Shape::SLICES != slice)
                    continue;
                if (finish.paired) {
                    finish.pair(m, n, sum[i][j][half * 2], sum[i][j][half * 2 + 1]);
                    continue;
                }
                finish(m, n, sum[i][j][half * 2]);
                if (n + 1 < columns)
                    finish(m, n + 1, sum[i][j][half * 2 + 1]);
            }
        }
}

#endif
