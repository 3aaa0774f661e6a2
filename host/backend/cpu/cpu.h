/* cpu.h: the cpu backend: matrix products and convolutions by oneDNN, the rest plain C that vectorises, on OpenMP
 * threads.
 *
 * How an op is written: the op checks its arguments and opens a parallel region in which every thread takes its share
 * of the rows; the loop over rows is a PV_MULTIVERSION function, since a parallel region's own body is compiled for the
 * lowest common processor. A row's numbers do not depend on how rows are shared, so neither do an op's. */
#ifndef PV_BACKEND_CPU_H
#define PV_BACKEND_CPU_H

#include "backend/check.h"
#include "backend/cpu/dnnl.h"

struct cpu_backend {
    struct pv_backend backend;
    struct pv_dnnl *dnnl;
};

struct cpu_phases;

struct cpu_weight {
    struct pv_weight weight;
    float *bias; /* [out]; zeros when none was given */
    struct pv_dnnl_filter *filter;
    struct cpu_phases *phases; /* of a filter of 3: what upsample.c makes of it */
};

struct cpu_stream {
    struct pv_stream stream;
    struct pv_dnnl_stream *dnnl;
    void *scratch; /* an op's to work in */
    size_t scratch_bytes;
    int caller_threads, caller_dynamic; /* OpenMP's settings outside of enter and leave */
};

pv_status pv_cpu_open(int threads, struct pv_backend **backend, struct pv_error *error);

/* At least count floats of scratch memory, aligned to 64, until the next op. Grows to what the largest op needs and
 * stays. */
pv_status pv_cpu_scratch(struct pv_stream *s, size_t count, float **scratch);

/* Work smaller than this many elements is done faster by one thread than by waking another. */
enum { PV_CPU_PARALLEL_MIN = 32768 };

/* The calling thread's part of count things, in whole steps but for the last. Within a parallel region. */
struct cpu_share {
    size_t begin, end;
};
struct cpu_share pv_cpu_share(size_t count, size_t step);

/* Puts residual where an op will add to it: dst = residual, unless it already is, or there is none. */
void pv_cpu_place(float *dst, const float *residual, size_t count);

/* linear.c */
pv_status pv_cpu_linear(struct pv_stream *s, const struct pv_linear *p);
/* conv.c */
pv_status pv_cpu_conv(struct pv_stream *s, const struct pv_conv *p);
/* upsample.c */
pv_status pv_cpu_phases_open(struct cpu_phases **phases, struct pv_error *error);
void pv_cpu_phases_close(struct cpu_phases *phases);
/* src: p's with its memory beside it. phase: room for four pictures of src's size with the weight's outputs. */
pv_status pv_cpu_conv_upsampled(struct pv_stream *s, const struct pv_conv *p, const float *src, float *phase);
/* token.c */
pv_status pv_cpu_norm_modulate(struct pv_stream *s, const struct pv_norm_modulate *p);
pv_status pv_cpu_add(struct pv_stream *s, const struct pv_add *p);
pv_status pv_cpu_qkv(struct pv_stream *s, const struct pv_qkv *p);
/* attention.c */
pv_status pv_cpu_attention(struct pv_stream *s, const struct pv_attention *p);
/* latent.c */
pv_status pv_cpu_patch(struct pv_stream *s, const struct pv_patch *p);
pv_status pv_cpu_unpatch(struct pv_stream *s, const struct pv_unpatch *p);
pv_status pv_cpu_latent_out(struct pv_stream *s, const struct pv_latent_out *p);
pv_status pv_cpu_latent_in(struct pv_stream *s, const struct pv_latent_in *p);
pv_status pv_cpu_combine(struct pv_stream *s, const struct pv_combine *p);
/* noise.c */
pv_status pv_cpu_noise(struct pv_stream *s, const struct pv_noise *p);
/* picture.c */
pv_status pv_cpu_unshuffle(struct pv_stream *s, const struct pv_unshuffle *p);
pv_status pv_cpu_shuffle(struct pv_stream *s, const struct pv_shuffle *p);
/* yuv.c */
pv_status pv_cpu_yuv_to_rgb(struct pv_stream *s, const struct pv_yuv_to_rgb *p);

#endif
