/* linear.c: a matrix product becomes calls of oneDNN, its activation, gate and residual included. */

#include "backend/cpu/cpu.h"

pv_status pv_cpu_linear(struct pv_stream *s, const struct pv_linear *p)
{
    PV_TRY(pv_check_linear(s, p));
    const struct cpu_weight *w = (const struct cpu_weight *)p->weight;
    const size_t out = (size_t)w->weight.out, in = (size_t)w->weight.in;
    const int rows = p->gate ? p->rows_per_gate : p->rows; /* of one call: a gate is the same for all of its rows */
    pv_cpu_place(p->dst, p->residual, (size_t)p->rows * out);

    struct pv_dnnl_call call = {.filter = w->filter,
                                .dst = p->dst,
                                .src = p->src,
                                .bias = w->bias,
                                .gate = p->gate,
                                .accumulate = p->residual != NULL,
                                .activation = p->activation,
                                .batch = rows,
                                .height = 1,
                                .width = 1,
                                .out_height = 1,
                                .out_width = 1,
                                .stride = 1};
    for (int done = 0; done < p->rows; done += rows) {
        PV_TRY(pv_dnnl_run(((struct cpu_stream *)s)->dnnl, &call, s->error));
        call.src += (size_t)rows * in;
        call.dst += (size_t)rows * out;
        if (call.gate)
            call.gate += p->gate_stride;
    }
    return PV_OK;
}
