/* attention.c: softmax(q k^T scale) v, over all tokens (joint) or over each token's own history (time).
 *
 * Joint: a task is one head and a run of queries. Keys come in tiles; a tile's scores, their exponentials and their sum
 * over values stay in the thread's scratch memory, and the running maximum and sum of each query are corrected from
 * tile to tile (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"), so no score matrix is ever
 * held. Both products are one small kernel: 4 rows of numbers times a panel of 32 columns. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/vector_math.h"

enum {
    ROWS = 4,     /* of queries in the kernel */
    COLUMNS = 32, /* of keys or channels in a panel */
    TILE = 256,   /* keys at a time */
    RUN_MIN = 32, /* queries of a task: packing keys costs as much as computing a few queries with them */
    RUN_MAX = 128,
    TOGETHER = 8 /* tokens of a run through their history */
};

static size_t round_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

/* ---- joint ---- */

/* What a thread works in. D = head_dim, P = D rounded up to COLUMNS. */
struct workspace {
    float *q;             /* [RUN_MAX][D], scaled */
    float *score;         /* [RUN_MAX][TILE] */
    float *mixed;         /* [RUN_MAX][P]: sum over keys so far of e^(score - largest) v */
    float *largest, *sum; /* [RUN_MAX]: the largest score so far, and the sum of e^(score - largest) */
    float *key_panel;     /* [TILE / COLUMNS][D][COLUMNS] */
    float *value_panel;   /* [P / COLUMNS][TILE][COLUMNS] */
};

static size_t workspace_count(size_t d)
{
    const size_t padded = round_up(d, COLUMNS);
    return round_up(RUN_MAX * (d + TILE + padded + 2) + TILE * (d + padded), 16);
}

static struct workspace workspace_at(float *memory, size_t d)
{
    const size_t padded = round_up(d, COLUMNS);
    struct workspace w = {.key_panel = memory};
    w.value_panel = w.key_panel + TILE * d;
    w.score = w.value_panel + TILE * padded;
    w.mixed = w.score + RUN_MAX * TILE;
    w.largest = w.mixed + RUN_MAX * padded;
    w.sum = w.largest + RUN_MAX;
    w.q = w.sum + RUN_MAX;
    return w;
}

/* dst[r][c] (+)= sum over i of a[r][i] panel[i][c]; r < ROWS, c < COLUMNS */
static PV_INLINE void panel_product(float *restrict dst, size_t dst_stride, const float *restrict a, size_t a_stride,
                                    const float *restrict panel, size_t n, bool add)
{
    float sum[ROWS][COLUMNS] = {{0}};
    for (size_t i = 0; i < n; i++)
        for (int r = 0; r < ROWS; r++) {
            const float x = a[(size_t)r * a_stride + i];
#pragma omp simd
            for (int c = 0; c < COLUMNS; c++)
                sum[r][c] += x * panel[i * COLUMNS + (size_t)c];
        }
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) {
            float *to = dst + (size_t)r * dst_stride + c;
            *to = add ? *to + sum[r][c] : sum[r][c];
        }
}

static PV_INLINE void pack_keys(float *restrict panel, const float *restrict k, size_t keys, size_t stride, size_t d)
{
    for (size_t first = 0; first < keys; first += COLUMNS, panel += d * COLUMNS) {
        const size_t columns = keys - first < COLUMNS ? keys - first : COLUMNS;
        for (size_t i = 0; i < d; i++) {
            for (size_t c = 0; c < columns; c++)
                panel[i * COLUMNS + c] = k[(first + c) * stride + i];
            for (size_t c = columns; c < COLUMNS; c++)
                panel[i * COLUMNS + c] = 0;
        }
    }
}

static PV_INLINE void pack_values(float *restrict panel, const float *restrict v, size_t keys, size_t stride, size_t d)
{
    for (size_t first = 0; first < d; first += COLUMNS, panel += TILE * COLUMNS) {
        const size_t columns = d - first < COLUMNS ? d - first : COLUMNS;
        for (size_t j = 0; j < keys; j++) {
            memcpy(panel + j * COLUMNS, v + j * stride + first, columns * sizeof(float));
            memset(panel + j * COLUMNS + columns, 0, (COLUMNS - columns) * sizeof(float));
        }
    }
}

/* A tile's scores of one query -> weights, with what came before put on the same scale. */
static PV_INLINE void soften(float *restrict score, size_t keys, float *restrict mixed, size_t padded, float *largest,
                             float *sum)
{
    float top = *largest;
#pragma omp simd reduction(max : top)
    for (size_t j = 0; j < keys; j++)
        top = score[j] > top ? score[j] : top;
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t j = 0; j < keys; j++) {
        score[j] = math_exp(score[j] - top);
        total += score[j];
    }
    const float earlier = math_exp(*largest - top);
#pragma omp simd
    for (size_t c = 0; c < padded; c++)
        mixed[c] *= earlier;
    *sum = *sum * earlier + total;
    *largest = top;
}

/* Queries q[run][stride of heads * D] against all keys of one head. */
PV_MULTIVERSION
static void joint_run(const struct pv_attention *p, const struct workspace *w, float *dst, const float *q,
                      const float *k, const float *v, size_t run)
{
    const size_t d = (size_t)p->head_dim, padded = round_up(d, COLUMNS), rows = round_up(run, ROWS);
    const size_t q_stride = (size_t)p->heads * d, kv_stride = (size_t)p->kv_heads * d;
    const size_t keys = pv_attention_used(p) * (size_t)p->tokens;

    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < d; i++)
            w->q[r * d + i] = r < run ? q[r * q_stride + i] * p->scale : 0;
        w->largest[r] = -INFINITY;
        w->sum[r] = 0;
    }
    memset(w->mixed, 0, rows * padded * sizeof(float));

    for (size_t first = 0; first < keys; first += TILE) {
        const size_t tile = keys - first < TILE ? keys - first : TILE;
        pack_keys(w->key_panel, k + first * kv_stride, tile, kv_stride, d);
        pack_values(w->value_panel, v + first * kv_stride, tile, kv_stride, d);
        for (size_t c = 0; c < tile; c += COLUMNS)
            for (size_t r = 0; r < rows; r += ROWS)
                panel_product(w->score + r * TILE + c, TILE, w->q + r * d, d, w->key_panel + c * d, d, false);
        for (size_t r = 0; r < run; r++)
            soften(w->score + r * TILE, tile, w->mixed + r * padded, padded, w->largest + r, w->sum + r);
        for (size_t c = 0; c < padded; c += COLUMNS)
            for (size_t r = 0; r < rows; r += ROWS)
                panel_product(w->mixed + r * padded + c, padded, w->score + r * TILE, TILE, w->value_panel + c * TILE,
                              tile, true);
    }
    for (size_t r = 0; r < run; r++) {
        const float inverse = 1.0f / w->sum[r];
        for (size_t i = 0; i < d; i++)
            dst[r * q_stride + i] = w->mixed[r * padded + i] * inverse;
    }
}

/* Into how many runs the tokens are cut, so that the tasks share out evenly among the threads. */
static size_t runs_of(const struct pv_attention *p, size_t threads)
{
    const size_t tokens = (size_t)p->tokens, heads = (size_t)p->takes * (size_t)p->heads;
    size_t runs = (tokens + RUN_MAX - 1) / RUN_MAX;
    while (heads * runs % threads != 0 && tokens / (runs + 1) >= RUN_MIN)
        runs++;
    return runs;
}

static void joint_task(const struct pv_attention *p, const struct workspace *w, size_t task, size_t runs)
{
    const size_t tokens = (size_t)p->tokens, heads = (size_t)p->heads, d = (size_t)p->head_dim;
    const size_t run = task % runs, head = task / runs % heads, take = task / runs / heads;
    const size_t begin = tokens * run / runs, end = tokens * (run + 1) / runs;
    const size_t query = ((take * tokens + begin) * heads + head) * d;
    const size_t key = take * p->kv_take_stride + head * (size_t)p->kv_heads / heads * d;
    joint_run(p, w, (float *)p->dst + query, (const float *)p->q + query, (const float *)p->k + key,
              (const float *)p->v + key, end - begin);
}

static pv_status joint(struct pv_stream *s, const struct pv_attention *p)
{
    const size_t threads = (size_t)omp_get_max_threads(), d = (size_t)p->head_dim, each = workspace_count(d);
    const size_t runs = runs_of(p, threads), tasks = (size_t)p->takes * (size_t)p->heads * runs;
    float *scratch;
    PV_TRY(pv_cpu_scratch(s, threads * each, &scratch));
#pragma omp parallel
    {
        const struct workspace w = workspace_at(scratch + (size_t)omp_get_thread_num() * each, d);
        const struct cpu_share part = pv_cpu_share(tasks, 1);
        for (size_t task = part.begin; task < part.end; task++)
            joint_task(p, &w, task, runs);
    }
    return PV_OK;
}

/* ---- time ---- */

static PV_INLINE float dot(const float *restrict a, const float *restrict b, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* of[j] becomes e^of[j] over the sum of all. */
static PV_INLINE void softmax(float *restrict of, size_t n)
{
    float top = -INFINITY, total = 0;
    for (size_t j = 0; j < n; j++)
        top = of[j] > top ? of[j] : top;
#pragma omp simd reduction(+ : total)
    for (size_t j = 0; j < n; j++) {
        of[j] = math_exp(of[j] - top);
        total += of[j];
    }
    for (size_t j = 0; j < n; j++)
        of[j] /= total;
}

/* `count` tokens that follow each other in one take. weight: [count][heads][slots]. Slot by slot: the neighbours' keys
 * of one slot lie in one piece of memory, while a token's own in the next slot are a whole frame further. */
static PV_INLINE void time_run(const struct pv_attention *p, float *restrict dst, const float *restrict q,
                               const float *restrict k, const float *restrict v, size_t count, float *restrict weight)
{
    const size_t heads = (size_t)p->heads, kv_heads = (size_t)p->kv_heads, d = (size_t)p->head_dim;
    const size_t slots = pv_attention_used(p), slot_stride = (size_t)p->tokens * kv_heads * d;
    for (size_t j = 0; j < slots; j++)
        for (size_t i = 0; i < count * heads; i++) {
            const size_t at = i / heads * kv_heads + i % heads * kv_heads / heads;
            weight[i * slots + j] = dot(q + i * d, k + j * slot_stride + at * d, d) * p->scale;
        }
    for (size_t i = 0; i < count * heads; i++)
        softmax(weight + i * slots, slots);
    memset(dst, 0, count * heads * d * sizeof(float));
    for (size_t j = 0; j < slots; j++)
        for (size_t i = 0; i < count * heads; i++) {
            const size_t at = i / heads * kv_heads + i % heads * kv_heads / heads;
            const float share = weight[i * slots + j];
            const float *from = v + j * slot_stride + at * d;
            float *to = dst + i * d;
#pragma omp simd
            for (size_t c = 0; c < d; c++)
                to[c] += share * from[c];
        }
}

PV_MULTIVERSION
static void time_rows(const struct pv_attention *p, float *weight, size_t begin, size_t end)
{
    const size_t tokens = (size_t)p->tokens, d = (size_t)p->head_dim, row_size = (size_t)p->heads * d;
    for (size_t row = begin, count; row < end; row += count) {
        count = tokens - row % tokens < TOGETHER ? tokens - row % tokens : TOGETHER;
        count = end - row < count ? end - row : count;
        const size_t kv = row / tokens * p->kv_take_stride + row % tokens * (size_t)p->kv_heads * d;
        time_run(p, (float *)p->dst + row * row_size, (const float *)p->q + row * row_size, (const float *)p->k + kv,
                 (const float *)p->v + kv, count, weight);
    }
}

static pv_status own_history(struct pv_stream *s, const struct pv_attention *p)
{
    const size_t rows = (size_t)p->takes * (size_t)p->tokens;
    const size_t each = round_up(TOGETHER * (size_t)p->heads * (size_t)p->slots, 16);
    float *scratch;
    PV_TRY(pv_cpu_scratch(s, (size_t)omp_get_max_threads() * each, &scratch));
#pragma omp parallel if (rows * (size_t)p->heads * (size_t)p->slots * (size_t)p->head_dim >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(rows, 1);
        time_rows(p, scratch + (size_t)omp_get_thread_num() * each, part.begin, part.end);
    }
    return PV_OK;
}

pv_status pv_cpu_attention(struct pv_stream *s, const struct pv_attention *p)
{
    PV_TRY(pv_check_attention(s, p));
    return p->kind == PV_ATTENTION_JOINT ? joint(s, p) : own_history(s, p);
}
