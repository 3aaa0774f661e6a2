/* linear.c: a matrix product and its bias by oneDNN; activation, gate and residual in passes of our own over the
 * result.
 *
 * As post-ops of oneDNN they would be free on processors with AVX-512; on all others its version 2 runs a product with
 * a gate in plain reference loops, hundreds of times slower, and GELU on one element at a time. A pass costs rows * out
 * elements beside rows * out * in products. */

#include "backend/cpu/cpu.h"

/* dst = residual + gate * product, for rows begin .. end. residual or gate may be NULL. */
PV_MULTIVERSION
static void finish(const struct pv_linear *p, const float *product, size_t out, size_t begin, size_t end)
{
    const size_t rows_per_gate = p->gate ? (size_t)p->rows_per_gate : 1;
    for (size_t row = begin; row < end; row++) {
        float *dst = (float *)p->dst + row * out;
        const float *from = product + row * out;
        const float *gate = p->gate ? (const float *)p->gate + row / rows_per_gate * (size_t)p->gate_stride : NULL;
        const float *residual = p->residual ? (const float *)p->residual + row * out : NULL;
        if (gate && residual) {
#pragma omp simd
            for (size_t i = 0; i < out; i++)
                dst[i] = residual[i] + gate[i] * from[i];
        } else if (gate) {
#pragma omp simd
            for (size_t i = 0; i < out; i++)
                dst[i] = gate[i] * from[i];
        } else {
#pragma omp simd
            for (size_t i = 0; i < out; i++)
                dst[i] = residual[i] + from[i];
        }
    }
}

pv_status pv_cpu_linear(struct pv_stream *s, const struct pv_linear *p)
{
    PV_TRY(pv_check_linear(s, p));
    const struct cpu_weight *w = (const struct cpu_weight *)p->weight;
    const size_t out = (size_t)w->weight.out, rows = (size_t)p->rows;
    const bool plain = !p->gate && !p->residual;
    float *product = p->dst;
    if (!plain)
        PV_TRY(pv_cpu_scratch(s, rows * out, &product));
    PV_TRY(pv_dnnl_run(((struct cpu_stream *)s)->dnnl,
                       &(struct pv_dnnl_call){.filter = w->filter,
                                              .dst = product,
                                              .src = p->src,
                                              .bias = w->bias,
                                              .batch = p->rows,
                                              .height = 1,
                                              .width = 1,
                                              .out_height = 1,
                                              .out_width = 1,
                                              .stride = 1},
                       s->error));
    if (p->activation != PV_ACTIVATION_NONE)
        PV_TRY(pv_cpu_add(
            s, &(struct pv_add){.dst = product, .a = product, .count = rows * out, .activation = p->activation}));
    if (plain)
        return PV_OK;
#pragma omp parallel if (rows * out >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(rows, 1);
        finish(p, product, out, part.begin, part.end);
    }
    return PV_OK;
}
