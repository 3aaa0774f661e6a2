/* cost.h: what one call of an op costs: the arithmetic its result needs and the bytes it must move. */
#ifndef PV_BACKEND_COST_H
#define PV_BACKEND_COST_H

#include "backend/check.h"

enum { PV_COST_SHAPE = 64 }; /* bytes of a shape in words */

struct pv_cost {
    double operations; /* multiplications and additions of matrix products, convolutions, attention; 0 of other ops */
    double bytes;      /* inputs, outputs and weights, each once */
    char shape[PV_COST_SHAPE];
};

/* s tells how long an activation is; weights are taken to be as long. */
struct pv_cost pv_cost_unshuffle(const struct pv_stream *s, const struct pv_unshuffle *p);
struct pv_cost pv_cost_shuffle(const struct pv_stream *s, const struct pv_shuffle *p);
struct pv_cost pv_cost_yuv_to_rgb(const struct pv_stream *s, const struct pv_yuv_to_rgb *p);
struct pv_cost pv_cost_conv(const struct pv_stream *s, const struct pv_conv *p);
struct pv_cost pv_cost_linear(const struct pv_stream *s, const struct pv_linear *p);
struct pv_cost pv_cost_norm_modulate(const struct pv_stream *s, const struct pv_norm_modulate *p);
struct pv_cost pv_cost_add(const struct pv_stream *s, const struct pv_add *p);
struct pv_cost pv_cost_qkv(const struct pv_stream *s, const struct pv_qkv *p);
struct pv_cost pv_cost_attention(const struct pv_stream *s, const struct pv_attention *p);
struct pv_cost pv_cost_patch(const struct pv_stream *s, const struct pv_patch *p);
struct pv_cost pv_cost_unpatch(const struct pv_stream *s, const struct pv_unpatch *p);
struct pv_cost pv_cost_latent_out(const struct pv_stream *s, const struct pv_latent_out *p);
struct pv_cost pv_cost_latent_in(const struct pv_stream *s, const struct pv_latent_in *p);
struct pv_cost pv_cost_combine(const struct pv_stream *s, const struct pv_combine *p);
struct pv_cost pv_cost_noise(const struct pv_stream *s, const struct pv_noise *p);
struct pv_cost pv_cost_level_embedding(const struct pv_stream *s, const struct pv_level_embedding *p);
/* A copy reads and writes (times 2), zeroing only writes. */
struct pv_cost pv_cost_memory(size_t bytes, int times);
/* Floats from or to activations. */
struct pv_cost pv_cost_conversion(const struct pv_stream *s, size_t count);

#endif
