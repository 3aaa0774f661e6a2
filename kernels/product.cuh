/* product.cuh: the plain tiled product behind linear and convolution, for every shape and both element types:
 * sum[m][n] = sum over k of source(m, k) * weight[n][k], in float.
 *
 * A block makes 64 x 64 sums, a thread 4 x 4. Both operands pass through shared memory 16 deep, as floats. What differs
 * between the ops is where row m comes from (Source) and where a sum goes (Finish). */
#ifndef PV_PRODUCT_CUH
#define PV_PRODUCT_CUH

#include "element.cuh"

enum { PRODUCT_TILE = 64, PRODUCT_DEPTH = 16, PRODUCT_THREADS = 256, PRODUCT_EACH = 4 };

static inline dim3 product_grid(size_t rows, int columns)
{
    return dim3((unsigned)((rows + PRODUCT_TILE - 1) / PRODUCT_TILE),
                (unsigned)((columns + PRODUCT_TILE - 1) / PRODUCT_TILE));
}

template <typename T, typename Source, typename Finish>
__device__ inline void product(const Source &source, const T *weight, size_t rows, int columns, int depth,
                               const Finish &finish)
{
    __shared__ float a[PRODUCT_DEPTH][PRODUCT_TILE + 4], b[PRODUCT_DEPTH][PRODUCT_TILE + 4];
    const int thread = (int)threadIdx.x;
    const size_t first_row = (size_t)blockIdx.x * PRODUCT_TILE;
    const int first_column = (int)blockIdx.y * PRODUCT_TILE;
    /* What this thread loads: four neighbours of one row and of one column. */
    const int line = thread / PRODUCT_EACH, near = thread % PRODUCT_EACH * PRODUCT_EACH;
    const bool row_inside = first_row + (size_t)line < rows, column_inside = first_column + line < columns;
    const auto place = source.place(row_inside ? first_row + (size_t)line : 0);
    const T *const filter = weight + (size_t)(column_inside ? first_column + line : 0) * (size_t)depth;
    /* What it sums. */
    const int m = thread / 16 * PRODUCT_EACH, n = thread % 16 * PRODUCT_EACH;
    float sum[PRODUCT_EACH][PRODUCT_EACH] = {};

    for (int from = 0; from < depth; from += PRODUCT_DEPTH) {
#pragma unroll
        for (int i = 0; i < PRODUCT_EACH; i++) {
            const int k = from + near + i;
            a[near + i][line] = row_inside && k < depth ? source.at(place, k) : 0;
            b[near + i][line] = column_inside && k < depth ? to_float(filter[k]) : 0;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < PRODUCT_DEPTH; k++) {
            float x[PRODUCT_EACH], y[PRODUCT_EACH];
#pragma unroll
            for (int i = 0; i < PRODUCT_EACH; i++) {
                x[i] = a[k][m + i];
                y[i] = b[k][n + i];
            }
#pragma unroll
            for (int i = 0; i < PRODUCT_EACH; i++)
#pragma unroll
                for (int j = 0; j < PRODUCT_EACH; j++)
                    sum[i][j] += x[i] * y[j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < PRODUCT_EACH; i++) {
        const typename Finish::place row = finish.row(first_row + (size_t)(m + i));
#pragma unroll
        for (int j = 0; j < PRODUCT_EACH; j++)
            if (first_row + (size_t)(m + i) < rows && first_column + n + j < columns)
                finish.one(row, first_column + n + j, sum[i][j]);
    }
}

#endif
