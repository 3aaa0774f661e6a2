/* weight.c: matrices and filters, once, on their way to the device: in the backend's elements, in the order that
 * kernels read. */
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "device.h"

void pv_cuda_weight_free(struct pv_backend *backend, struct pv_weight *weight)
{
    struct pv_cuda_weight *w = (struct pv_cuda_weight *)weight;
    if (w) {
        pv_cuda_free(backend, w->value);
        pv_cuda_free(backend, w->phases);
        pv_cuda_free(backend, w->bias);
        free(w);
    }
}

/* element.cuh's rounding, on the host. Weights are finite. */
static uint16_t bf16_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void put(void *dst, size_t at, float x, enum pv_element element)
{
    if (element == PV_ELEMENT_BF16)
        ((uint16_t *)dst)[at] = bf16_bits(x);
    else
        ((float *)dst)[at] = x;
}

/* [out][in][places] -> [out][places][in]. */
static void arrange(void *dst, const float *src, size_t out, size_t in, size_t places, enum pv_element element)
{
    size_t at = 0;
    for (size_t o = 0; o < out; o++)
        for (size_t place = 0; place < places; place++)
            for (size_t i = 0; i < in; i++)
                put(dst, at++, src[(o * in + i) * places + place], element);
}

/* Along one side, places of a filter of 3 -> those of the filter of 2 that pixel 2y + phase of a doubled picture has on
 * the picture: phase 0 meets {0}, {1, 2}; phase 1 meets {0, 1}, {2}. */
static bool meets(int phase, int place2, int place3)
{
    return (place3 + 1 - phase) / 2 == place2;
}

/* The sum of a filter's places that meet one pixel. */
static float phase_sum(const float filter[9], int phase, int place)
{
    float sum = 0;
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            if (meets(phase / 2, place / 2, y) && meets(phase % 2, place % 2, x))
                sum += filter[3 * y + x];
    return sum;
}

/* [out][in][3][3] -> [4][out][2][2][in]: see kernels.h. */
static void arrange_phases(void *dst, const float *src, size_t out, size_t in)
{
    size_t at = 0;
    for (int phase = 0; phase < 4; phase++)
        for (size_t o = 0; o < out; o++)
            for (int place = 0; place < 4; place++)
                for (size_t i = 0; i < in; i++)
                    put(dst, at++, phase_sum(src + (o * in + i) * 9, phase, place), PV_ELEMENT_BF16);
}

/* New memory on the device with these bytes. */
static pv_status send(struct pv_backend *backend, const void *host_src, size_t bytes, void **memory,
                      struct pv_error *error)
{
    PV_TRY(pv_cuda_alloc(backend, bytes, memory, error));
    const int before = pv_device_use(pv_cuda(backend)->device);
    const pv_status status = pv_cuda_done(error, "preparing a weight", pv_device_upload_now(*memory, host_src, bytes));
    pv_device_use(before);
    return status;
}

static pv_status weight_fill(struct pv_backend *backend, struct pv_cuda_weight *w, const float *value,
                             const float *bias, struct pv_error *error)
{
    const size_t out = (size_t)w->weight.out, in = (size_t)w->weight.in, element_bytes = backend->element_bytes;
    const size_t places = w->weight.size ? (size_t)w->weight.size * (size_t)w->weight.size : 1;
    const bool phases = w->weight.size == 3 && pv_cuda(backend)->element == PV_ELEMENT_BF16;
    void *memory = NULL;
    if (bias)
        PV_TRY(send(backend, bias, out * sizeof(float), &memory, error));
    else
        PV_TRY(pv_cuda_alloc(backend, out * sizeof(float), &memory, error));
    w->bias = memory;

    const size_t bytes = out * in * places * element_bytes, phase_bytes = phases ? out * in * 16 * element_bytes : 0;
    void *arranged = malloc(bytes > phase_bytes ? bytes : phase_bytes);
    if (!arranged)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight of %zu bytes", bytes);
    arrange(arranged, value, out, in, places, pv_cuda(backend)->element);
    pv_status status = send(backend, arranged, bytes, &w->value, error);
    if (status == PV_OK && phases) {
        arrange_phases(arranged, value, out, in);
        status = send(backend, arranged, phase_bytes, &w->phases, error);
    }
    free(arranged);
    return status;
}

static pv_status weight_make(struct pv_backend *backend, const float *value, const float *bias, int out, int in,
                             int size, struct pv_weight **weight, struct pv_error *error)
{
    *weight = NULL;
    PV_TRY(pv_check_weight(value, out, in, size, error));
    struct pv_cuda_weight *w = calloc(1, sizeof *w);
    if (!w)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight");
    w->weight = (struct pv_weight){.out = out, .in = in, .size = size};
    const pv_status status = weight_fill(backend, w, value, bias, error);
    if (status != PV_OK) {
        pv_cuda_weight_free(backend, &w->weight);
        return status;
    }
    *weight = &w->weight;
    return PV_OK;
}

pv_status pv_cuda_linear_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                                int in, struct pv_weight **weight, struct pv_error *error)
{
    return weight_make(backend, host_weight, host_bias, out, in, 0, weight, error);
}

pv_status pv_cuda_conv_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                              int in, int size, struct pv_weight **weight, struct pv_error *error)
{
    if (size != 1 && size != 3) {
        *weight = NULL;
        return pv_fail(error, PV_ERR_ARGUMENT, "weight: filter size is %d; it must be 1 or 3", size);
    }
    return weight_make(backend, host_weight, host_bias, out, in, size, weight, error);
}
