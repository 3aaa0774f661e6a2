/* kernels.h: the launchers: what module.c calls and the .cu files define, one a kernel.
 *
 * A launcher takes an op's parameters as op.h describes them, already checked, and puts the kernel on a stream. It
 * allocates nothing, waits for nothing and returns the runtime's code: 0, or what pv_device_error_text explains. */
#ifndef PV_KERNELS_H
#define PV_KERNELS_H

#include "backend/check.h"
#include "backend/module.h"

/* A matrix or filter on the device, of the backend's elements. */
struct pv_cuda_weight {
    struct pv_weight weight;
    void *value; /* [out][in], or [out][size][size][in]: a pixel's channels together, as pictures have them */
    float *bias; /* [out]; zeros when none was given */
};

#ifdef __cplusplus
extern "C" {
#endif

/* The code of asking for a kernel's image: is there one for the current device? */
int pv_kernel_probe(void);

/* convert.cu: floats <-> activations, both on the device */
int pv_kernel_narrow(void *dst, const float *src, size_t count, enum pv_element element, void *stream);
int pv_kernel_widen(float *dst, const void *src, size_t count, enum pv_element element, void *stream);

/* picture.cu */
int pv_kernel_unshuffle(const struct pv_unshuffle *p, enum pv_element element, void *stream);
int pv_kernel_shuffle(const struct pv_shuffle *p, enum pv_element element, void *stream);

/* linear.cu */
int pv_kernel_linear(const struct pv_linear *p, enum pv_element element, void *stream);
/* conv.cu */
int pv_kernel_conv(const struct pv_conv *p, enum pv_element element, void *stream);

/* token.cu */
int pv_kernel_norm_modulate(const struct pv_norm_modulate *p, enum pv_element element, void *stream);
int pv_kernel_add(const struct pv_add *p, enum pv_element element, void *stream);
int pv_kernel_qkv(const struct pv_qkv *p, enum pv_element element, void *stream);
/* attention.cu */
int pv_kernel_attention(const struct pv_attention *p, enum pv_element element, void *stream);

/* latent.cu */
int pv_kernel_patch(const struct pv_patch *p, enum pv_element element, void *stream);
int pv_kernel_unpatch(const struct pv_unpatch *p, enum pv_element element, void *stream);
int pv_kernel_latent_out(const struct pv_latent_out *p, enum pv_element element, void *stream);
int pv_kernel_latent_in(const struct pv_latent_in *p, enum pv_element element, void *stream);
int pv_kernel_combine(const struct pv_combine *p, enum pv_element element, void *stream);
int pv_kernel_noise(const struct pv_noise *p, enum pv_element element, void *stream);
int pv_kernel_level_embedding(const struct pv_level_embedding *p, enum pv_element element, void *stream);

#ifdef __cplusplus
}
#endif

#endif
