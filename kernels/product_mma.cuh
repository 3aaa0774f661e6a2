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
 * A chunk is 8 neighbours along k, and sums leave in fours: k must be made of eights, columns of fours, and rows be
 * aligned. What is not goes to product.cuh. */
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
/* A warp has whole heads of 64 or of 128 columns: qkv.cu. */
typedef mma_shape<32, 64, 16, 64, 4, 2> mma_heads_32x64;
typedef mma_shape<32, 128, 16, 128, 2, 2> mma_heads_32x128;
typedef mma_shape<128, 128, 16, 128, 3, 1> mma_heads_128x128;

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

/* Calls launch(shape) with the one of these shapes that costs least for so many sums, times over. */
template <typename... Shape, typename Launch>
static inline int mma_choose_of(size_t rows, int columns, int times, const struct pv_queue *q, const Launch &launch)
{
    const double cost[] = {mma_cost<Shape>(rows, columns, times, q->multiprocessors)...};
    int best = 0, code = 0, i = 0;
    for (int other = 1; other < (int)sizeof...(Shape); other++)
        best = cost[other] < cost[best] ? other : best;
    ((code = i++ == best ? launch(Shape()) : code), ...);
    return code;
}

template <typename Launch>
static inline int mma_choose(size_t rows, int columns, int times, const struct pv_queue *q, const Launch &launch)
{
    return mma_choose_of<mma_32x32, mma_64x64, mma_128x32, mma_128x48, mma_128x128>(rows, columns, times, q, launch);
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

/* The eight rows of half a fragment stay with one slice, so that a warp's columns of a row stay together. */
template <typename Shape> __device__ inline bool mma_has(int slice, int i, int half)
{
    return (i * 2 + half) % Shape::SLICES == slice;
}

/* sum = sum of all slices', through shared memory that nobody uses any more, for the rows that this slice has. The
 * order of adding is fixed: same inputs, same bytes. */
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
            for (int e = 0; e < 4; e++) {
                if (!mma_has<Shape>(slice, i, e / 2))
                    continue;
                const int fragment = (warp * Shape::MS + i) * Shape::NS + j;
                sum[i][j][e] = 0;
#pragma unroll
                for (int s = 0; s < Shape::SLICES; s++)
                    sum[i][j][e] += shared[((fragment * Shape::SLICES + s) * 4 + e) * 32 + lane];
            }
}

/* A lane's part of its warp's sums: fragments side by side, and below each other. */
template <typename Shape> struct mma_sums {
    float of[Shape::MS][Shape::NS][4];
};

/* Source: where a row begins (place), and its chunk at k (chunk: an address, and whether there is one). sum is zero. */
template <typename Shape, typename Source>
__device__ inline void mma_sum(mma_sums<Shape> &sums, const Source &source, const pv_bf16 *weight, size_t rows,
                               int columns, int depth)
{
    enum { A = Shape::ROWS * Shape::DEPTH, B = Shape::COLUMNS * Shape::DEPTH }; /* elements of a stage */
    __shared__ __align__(16) pv_bf16 stages[Shape::STAGES * (A + B)];
    pv_bf16 *const a = stages, *const b = stages + Shape::STAGES * A;
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
            pv_cp_async_16(a + stage * A + mma_place<Shape>(line + i * Shape::LINES, chunk), from, valid);
        }
#pragma unroll
        for (int i = line; i < Shape::COLUMNS; i += Shape::LINES) {
            const int n = first_column + i;
            const bool valid = n < columns && column_k < depth;
            pv_cp_async_16(b + stage * B + mma_place<Shape>(i, chunk),
                           weight + (valid ? (size_t)n * (size_t)depth + (size_t)column_k : 0), valid);
        }
        source.advance(&at, Shape::DEPTH);
        column_k += Shape::DEPTH;
    };

    const int warp_row = warp / Shape::ACROSS * Shape::WARP_ROWS;
    const int warp_column = warp % Shape::ACROSS * Shape::WARP_COLUMNS;
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
        const pv_bf16 *const left = a + step % Shape::STAGES * A, *const right = b + step % Shape::STAGES * B;
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
                    pv_mma_bf16_16816(sums.of[i][j], x[i], y[j]);
        }
    }
    static_assert(Shape::SLICES == 1 || sizeof stages >= sizeof(float) * Shape::ROWS * Shape::COLUMNS * Shape::SLICES,
                  "the sums of all slices have room");
    if (Shape::SLICES > 1)
        mma_add_slices<Shape>(sums.of, (float *)stages, slice, warp);
}

/* Calls row(m, n, x) for each row of the product that this lane has sums of, the last ones beyond the end: x[j] are its
 * columns n + 8 j and the next. Four lanes have a row together; all lanes of the warp call. */
template <typename Shape, typename Row> __device__ inline void mma_rows(const mma_sums<Shape> &sums, const Row &row)
{
    const int lane = (int)threadIdx.x % 32, slice = (int)threadIdx.x / 32 / Shape::WARPS;
    const int warp = (int)threadIdx.x / 32 % Shape::WARPS;
    const size_t m = (size_t)blockIdx.x * Shape::ROWS + (size_t)(warp / Shape::ACROSS * Shape::WARP_ROWS + lane / 4);
    const int n = (int)blockIdx.y * Shape::COLUMNS + warp % Shape::ACROSS * Shape::WARP_COLUMNS + lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < Shape::MS; i++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            if (!mma_has<Shape>(slice, i, half))
                continue;
            float2 x[Shape::NS];
#pragma unroll
            for (int j = 0; j < Shape::NS; j++)
                x[j] = make_float2(sums.of[i][j][half * 2], sums.of[i][j][half * 2 + 1]);
            row(m + (size_t)(i * 16 + half * 8), n, x);
        }
}

/* NS fragments of a row, as mma_rows gives them, to a finish: four columns at a time. */
template <int NS, typename Finish>
__device__ inline void mma_finish(const Finish &finish, size_t rows, int columns, size_t m, int first, const float2 *x)
{
    const typename Finish::place row = finish.row(m);
    const int odd = (int)threadIdx.x % 2;
#pragma unroll
    for (int j = 0; j < NS; j += 2) {
        const float4 four = change_halves(x[j], x[j + 1]);
        const int n = first + (j + odd) * 8 - 2 * odd;
        if (m < rows && n < columns)
            finish.four(row, n, four);
    }
}

template <typename Shape, typename Source, typename Finish>
__device__ inline void product_mma(const Source &source, const pv_bf16 *weight, size_t rows, int columns, int depth,
                                   const Finish &finish)
{
    mma_sums<Shape> sums = {};
    mma_sum<Shape>(sums, source, weight, rows, columns, depth);
    mma_rows(sums, [&](size_t m, int n, const float2 *x) { mma_finish<Shape::NS>(finish, rows, columns, m, n, x); });
}

/* ---- rows of a matrix as a source ---- */

struct mma_row_chunks {
    typedef const pv_bf16 *row_place; /* NULL: beyond the last */
    typedef int cursor;               /* k */

    const pv_bf16 *src; /* [rows][in] */
    int in;

    __device__ row_place place(size_t m, size_t rows) const
    {
        return m < rows ? src + m * (size_t)in : NULL;
    }
    __device__ cursor begin(int k) const
    {
        return k;
    }
    __device__ void advance(cursor *k, int by) const
    {
        *k += by;
    }
    __device__ bool chunk(row_place row, cursor k, const pv_bf16 **from) const
    {
        const bool valid = row && k < in;
        *from = valid ? row + k : src;
        return valid;
    }
};

#endif
