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
    void *value;  /* [out][in], or [out][size][size][in]: a pixel's channels together, as pictures have them */
    float *bias;  /* [out]; zeros when none was given */
    void *phases; /* of a 3 x 3 filter in bf16, [4][out][2][2][in]: what it makes of pixel (2y + i/2, 2x + i%2) of a
                     doubled picture, on the picture itself; otherwise NULL */
};

/* Where a kernel goes, and for whom. */
struct pv_queue {
    void *stream;            /* the runtime's */
    enum pv_element element; /* of activations */
    int multiprocessors;     /* of the device: a block or more for each is what it takes to be busy */
    void *tensor_maps;       /* cuTensorMapEncodeTiled, where kernels for Hopper run; or NULL */
};

#ifdef __cplusplus
extern "C" {
#endif

/* The code of asking for a kernel's image: is there one for the current device? */
int pv_kernel_probe(void);

/* convert.cu: floats <-> activations, both on the device */
int pv_kernel_narrow(void *dst, const float *src, size_t count, const struct pv_queue *q);
int pv_kernel_widen(float *dst, const void *src, size_t count, const struct pv_queue *q);

/* picture.cu */
int pv_kernel_unshuffle(const struct pv_unshuffle *p, const struct pv_queue *q);
int pv_kernel_shuffle(const struct pv_shuffle *p, const struct pv_queue *q);
int pv_kernel_yuv_to_rgb(const struct pv_yuv_to_rgb *p, const struct pv_queue *q);

/* linear.cu */
int pv_kernel_linear(const struct pv_linear *p, const struct pv_queue *q);
/* The code of making its kernel for Hopper ready on the current device: it must have one, and be allowed its memory. */
int pv_kernel_linear_hopper(void);
/* qkv.cu's, too. */
int pv_kernel_qkv_hopper(void);
/* conv.cu */
int pv_kernel_conv(const struct pv_conv *p, const struct pv_queue *q);

/* norm.cu */
int pv_kernel_norm_modulate(const struct pv_norm_modulate *p, const struct pv_queue *q);
/* token.cu */
int pv_kernel_add(const struct pv_add *p, const struct pv_queue *q);
/* qkv.cu */
int pv_kernel_qkv(const struct pv_qkv *p, const struct pv_queue *q);
/* attention.cu: takes the fastest that serves */
int pv_kernel_attention(const struct pv_attention *p, const struct pv_queue *q);
/* attention_joint.cu: PV_ATTENTION_JOINT in bf16, head_dim 64 or 128, everything aligned to 16 bytes */
int pv_kernel_attention_joint(const struct pv_attention *p, const struct pv_queue *q);
/* attention_time.cu: PV_ATTENTION_TIME in bf16, head_dim 32, 64 or 128, everything aligned to 16 bytes */
int pv_kernel_attention_time(const struct pv_attention *p, const struct pv_queue *q);

/* latent.cu */
int pv_kernel_patch(const struct pv_patch *p, const struct pv_queue *q);
int pv_kernel_unpatch(const struct pv_unpatch *p, const struct pv_queue *q);
int pv_kernel_latent_out(const struct pv_latent_out *p, const struct pv_queue *q);
int pv_kernel_latent_in(const struct pv_latent_in *p, const struct pv_queue *q);
int pv_kernel_combine(const struct pv_combine *p, const struct pv_queue *q);
int pv_kernel_noise(const struct pv_noise *p, const struct pv_queue *q);
int pv_kernel_level_embedding(const struct pv_level_embedding *p, const struct pv_queue *q);

#ifdef __cplusplus
}
#endif

#endif
