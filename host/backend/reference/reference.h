/* reference.h: the reference backend: every op of op.h once, as plainly as C can say it.
 *
 * It is the specification that other backends are compared with: one thread, float in and out, sums in double so that
 * it is the trustworthy side of a comparison. It is slow and meant to be. */
#ifndef PV_BACKEND_REFERENCE_H
#define PV_BACKEND_REFERENCE_H

#include "backend/check.h"

struct reference_weight {
    struct pv_weight weight;
    float *value; /* [out][in] or [out][in][size][size], as prepared */
    float *bias;  /* [out]; zeros when none was given */
};

pv_status pv_reference_open(struct pv_backend **backend, struct pv_error *error);

/* op.h's activation of one number. */
double pv_reference_activation(double x, enum pv_activation activation);

/* matrix.c */
pv_status pv_reference_linear(struct pv_stream *s, const struct pv_linear *p);
pv_status pv_reference_conv(struct pv_stream *s, const struct pv_conv *p);
/* token.c */
pv_status pv_reference_norm_modulate(struct pv_stream *s, const struct pv_norm_modulate *p);
pv_status pv_reference_add(struct pv_stream *s, const struct pv_add *p);
pv_status pv_reference_qkv(struct pv_stream *s, const struct pv_qkv *p);
pv_status pv_reference_attention(struct pv_stream *s, const struct pv_attention *p);
/* latent.c */
pv_status pv_reference_patch(struct pv_stream *s, const struct pv_patch *p);
pv_status pv_reference_unpatch(struct pv_stream *s, const struct pv_unpatch *p);
pv_status pv_reference_latent_out(struct pv_stream *s, const struct pv_latent_out *p);
pv_status pv_reference_latent_in(struct pv_stream *s, const struct pv_latent_in *p);
pv_status pv_reference_combine(struct pv_stream *s, const struct pv_combine *p);
pv_status pv_reference_noise(struct pv_stream *s, const struct pv_noise *p);
pv_status pv_reference_level_embedding(struct pv_stream *s, const struct pv_level_embedding *p);
/* picture.c */
pv_status pv_reference_unshuffle(struct pv_stream *s, const struct pv_unshuffle *p);
pv_status pv_reference_shuffle(struct pv_stream *s, const struct pv_shuffle *p);
pv_status pv_reference_yuv_to_rgb(struct pv_stream *s, const struct pv_yuv_to_rgb *p);

#endif
