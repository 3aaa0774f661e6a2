/* check.h: what every backend refuses before it computes: missing pointers, sizes out of range, products that overflow.
 * One place, so that all backends refuse the same calls with the same words. */
#ifndef PV_BACKEND_CHECK_H
#define PV_BACKEND_CHECK_H

#include "backend/op.h"

/* Backends embed it first in their own weight. */
struct pv_weight {
    int out, in;
    int size; /* of the filter; 0 = a matrix */
};

/* Each leaves its sentence in s->error and returns PV_ERR_ARGUMENT. */
pv_status pv_check_unshuffle(const struct pv_stream *s, const struct pv_unshuffle *p);
pv_status pv_check_shuffle(const struct pv_stream *s, const struct pv_shuffle *p);
pv_status pv_check_yuv_to_rgb(const struct pv_stream *s, const struct pv_yuv_to_rgb *p);
pv_status pv_check_conv(const struct pv_stream *s, const struct pv_conv *p);
pv_status pv_check_linear(const struct pv_stream *s, const struct pv_linear *p);
pv_status pv_check_norm_modulate(const struct pv_stream *s, const struct pv_norm_modulate *p);
pv_status pv_check_add(const struct pv_stream *s, const struct pv_add *p);
pv_status pv_check_qkv(const struct pv_stream *s, const struct pv_qkv *p);
pv_status pv_check_attention(const struct pv_stream *s, const struct pv_attention *p);
pv_status pv_check_patch(const struct pv_stream *s, const struct pv_patch *p);
pv_status pv_check_unpatch(const struct pv_stream *s, const struct pv_unpatch *p);
pv_status pv_check_latent_out(const struct pv_stream *s, const struct pv_latent_out *p);
pv_status pv_check_latent_in(const struct pv_stream *s, const struct pv_latent_in *p);
pv_status pv_check_combine(const struct pv_stream *s, const struct pv_combine *p);
pv_status pv_check_noise(const struct pv_stream *s, const struct pv_noise *p);
pv_status pv_check_level_embedding(const struct pv_stream *s, const struct pv_level_embedding *p);

/* Of a weight that is about to be prepared; size 0 = a matrix. */
pv_status pv_check_weight(const float *host_weight, int out, int in, int size, struct pv_error *error);

/* Where the memory of ops is the host's: elements from k and v to where they are written, and slots that are there. */
static inline size_t pv_qkv_start(const struct pv_qkv *p)
{
    return p->slot ? *p->slot * (size_t)p->tokens * (size_t)p->kv_heads * (size_t)p->head_dim : 0;
}

static inline size_t pv_attention_used(const struct pv_attention *p)
{
    return p->used ? *p->used : (size_t)p->slots;
}

/* Side of a convolution's output, given the side of src. */
static inline int pv_conv_out_side(int side, int upsample, int stride)
{
    return (side * upsample + stride - 1) / stride;
}

#endif
