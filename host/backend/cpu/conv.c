/* conv.c: a convolution becomes a call of oneDNN, its activation and residual included. */
#include <string.h>

#include "backend/cpu/cpu.h"

static void concat_pixels(float *dst, const float *src, const float *memory, size_t begin, size_t end, size_t channels)
{
    for (size_t i = begin; i < end; i++) {
        memcpy(dst + 2 * i * channels, src + i * channels, channels * sizeof(float));
        memcpy(dst + (2 * i + 1) * channels, memory + i * channels, channels * sizeof(float));
    }
}

/* src and memory side by side in each pixel. */
static void concat(float *dst, const struct pv_conv *p, size_t pixels)
{
    const size_t channels = (size_t)p->weight->in / 2;
#pragma omp parallel if (pixels * channels >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(pixels, 1);
        concat_pixels(dst, p->src, p->memory, part.begin, part.end, channels);
    }
}

static pv_status conv_direct(struct pv_stream *s, const struct pv_conv *p, const float *src)
{
    const struct cpu_weight *w = (const struct cpu_weight *)p->weight;
    const int out_height = pv_conv_out_side(p->height, 1, p->stride);
    const int out_width = pv_conv_out_side(p->width, 1, p->stride);
    const size_t pixels = (size_t)p->batch * (size_t)out_height * (size_t)out_width;
    pv_cpu_place(p->dst, p->residual, pixels * (size_t)w->weight.out);
    return pv_dnnl_run(((struct cpu_stream *)s)->dnnl,
                       &(struct pv_dnnl_call){.filter = w->filter,
                                              .dst = p->dst,
                                              .src = src,
                                              .bias = w->bias,
                                              .accumulate = p->residual != NULL,
                                              .activation = p->activation,
                                              .batch = p->batch,
                                              .height = p->height,
                                              .width = p->width,
                                              .out_height = out_height,
                                              .out_width = out_width,
                                              .stride = p->stride,
                                              .pad_top = w->weight.size / 2,
                                              .pad_left = w->weight.size / 2},
                       s->error);
}

pv_status pv_cpu_conv(struct pv_stream *s, const struct pv_conv *p)
{
    PV_TRY(pv_check_conv(s, p));
    const size_t pixels = (size_t)p->batch * (size_t)p->height * (size_t)p->width;
    const size_t both_count = p->memory ? (pixels * (size_t)p->weight->in + 15) / 16 * 16 : 0;
    const size_t phase_count = p->upsample == 2 ? 4 * pixels * (size_t)p->weight->out : 0;
    float *scratch = NULL;
    if (both_count + phase_count > 0)
        PV_TRY(pv_cpu_scratch(s, both_count + phase_count, &scratch));

    const float *src = p->src;
    if (p->memory) {
        concat(scratch, p, pixels);
        src = scratch;
    }
    return p->upsample == 2 ? pv_cpu_conv_upsampled(s, p, src, scratch + both_count) : conv_direct(s, p, src);
}
