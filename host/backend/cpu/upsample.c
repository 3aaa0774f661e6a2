/* upsample.c: convolution of a picture whose pixels are first repeated 2 x 2, without making that picture.
 *
 * An output pixel of an even row sees the rows above, at and at its source row again: two of the filter's three rows
 * fall on the same source row and can be added beforehand. So for each of the four phases (row even or odd, column even
 * or odd) it is a convolution of the small picture by a 2 x 2 filter: 4 products where there were 9. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"

/* The four 2 x 2 filters of a 3 x 3 one: made when it is first asked to upsample, shared by all streams. */
struct cpu_phases {
    pthread_mutex_t lock;
    struct pv_dnnl_filter *filter[4]; /* [row odd][column odd] */
};

pv_status pv_cpu_phases_open(struct cpu_phases **phases, struct pv_error *error)
{
    struct cpu_phases *f = calloc(1, sizeof *f);
    *phases = f;
    if (!f)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight");
    pthread_mutex_init(&f->lock, NULL);
    return PV_OK;
}

void pv_cpu_phases_close(struct cpu_phases *phases)
{
    if (!phases)
        return;
    for (int i = 0; i < 4; i++)
        pv_dnnl_filter_free(phases->filter[i]);
    pthread_mutex_destroy(&phases->lock);
    free(phases);
}

/* Which of the two taps of a phase row (or column) 0..2 of the filter goes to: even {0 | 1 2}, odd {0 1 | 2}. */
static int tap(int odd, int at)
{
    return odd ? at / 2 : (at + 1) / 2;
}

static void fold(float *folded, const float *value, size_t filters, int row_odd, int column_odd)
{
    for (size_t i = 0; i < filters; i++) {
        double sum[4] = {0};
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                sum[tap(row_odd, y) * 2 + tap(column_odd, x)] += value[i * 9 + (size_t)(y * 3 + x)];
        for (size_t j = 0; j < 4; j++)
            folded[i * 4 + j] = (float)sum[j];
    }
}

/* The lock is held. */
static pv_status phases_make(struct pv_dnnl *dnnl, const struct cpu_weight *w, struct pv_error *error)
{
    const size_t filters = (size_t)w->weight.out * (size_t)w->weight.in;
    float *value = malloc(filters * 9 * sizeof *value), *folded = malloc(filters * 4 * sizeof *folded);
    pv_status status = value && folded ? pv_dnnl_filter_read(dnnl, w->filter, value, error)
                                       : pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight");
    for (int i = 0; i < 4 && status == PV_OK; i++) {
        fold(folded, value, filters, i / 2, i % 2);
        pv_dnnl_filter_free(w->phases->filter[i]); /* of an attempt that ran out of memory */
        status = pv_dnnl_filter_make(dnnl, folded, w->weight.out, w->weight.in, 2, 2, &w->phases->filter[i], error);
    }
    free(value);
    free(folded);
    return status;
}

static pv_status phases_get(struct pv_dnnl *dnnl, const struct cpu_weight *w, struct pv_error *error)
{
    pthread_mutex_lock(&w->phases->lock);
    const pv_status status = w->phases->filter[3] ? PV_OK : phases_make(dnnl, w, error);
    pthread_mutex_unlock(&w->phases->lock);
    return status;
}

static PV_INLINE void pixel_put(float *restrict dst, const float *restrict src, size_t channels, bool add)
{
    if (!add) {
        memcpy(dst, src, channels * sizeof(float));
        return;
    }
#pragma omp simd
    for (size_t c = 0; c < channels; c++)
        dst[c] += src[c];
}

/* Rows of small pictures -> twice as many rows of the large one. */
PV_MULTIVERSION
static void interleave(float *dst, const float *const phase[4], size_t begin, size_t end, size_t width, size_t channels,
                       bool add)
{
    for (size_t row = 2 * begin; row < 2 * end; row++) {
        const float *even = phase[row % 2 * 2] + row / 2 * width * channels;
        const float *odd = phase[row % 2 * 2 + 1] + row / 2 * width * channels;
        float *to = dst + row * 2 * width * channels;
        for (size_t x = 0; x < width; x++) {
            pixel_put(to + 2 * x * channels, even + x * channels, channels, add);
            pixel_put(to + (2 * x + 1) * channels, odd + x * channels, channels, add);
        }
    }
}

pv_status pv_cpu_conv_upsampled(struct pv_stream *s, const struct pv_conv *p, const float *src, float *phase)
{
    const struct cpu_weight *w = (const struct cpu_weight *)p->weight;
    const size_t rows = (size_t)p->batch * (size_t)p->height, width = (size_t)p->width, out = (size_t)w->weight.out;
    struct pv_dnnl_call call = {.src = src,
                                .bias = w->bias,
                                .activation = p->residual ? PV_ACTIVATION_NONE : p->activation,
                                .batch = p->batch,
                                .height = p->height,
                                .width = p->width,
                                .out_height = p->height,
                                .out_width = p->width,
                                .stride = 1};
    const float *of[4];
    if (w->weight.size == 3)
        PV_TRY(phases_get(((struct cpu_backend *)s->backend)->dnnl, w, s->error));
    for (int i = 0; i < 4; i++) {
        if (w->weight.size == 1 && i > 0) { /* the four pixels are the same */
            of[i] = phase;
            continue;
        }
        call.dst = phase + (size_t)i * rows * width * out;
        call.filter = w->weight.size == 1 ? w->filter : w->phases->filter[i];
        call.pad_top = w->weight.size == 3 && i / 2 == 0;
        call.pad_left = w->weight.size == 3 && i % 2 == 0;
        PV_TRY(pv_dnnl_run(((struct cpu_stream *)s)->dnnl, &call, s->error));
        of[i] = call.dst;
    }

    pv_cpu_place(p->dst, p->residual, 4 * rows * width * out);
#pragma omp parallel if (4 * rows * width * out >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(rows, 1);
        interleave(p->dst, of, part.begin, part.end, width, out, p->residual != NULL);
    }
    if (!p->residual || p->activation == PV_ACTIVATION_NONE)
        return PV_OK;
    return pv_cpu_add(
        s, &(struct pv_add){.dst = p->dst, .a = p->dst, .count = 4 * rows * width * out, .activation = p->activation});
}
