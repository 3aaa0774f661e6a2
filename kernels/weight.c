/* weight.c: matrices and filters, once, on their way to the device: in the backend's elements, in the order that
 * kernels read. */
#include <stdlib.h>
#include <string.h>

#include "cuda_backend.h"
#include "device.h"

void pv_cuda_weight_free(struct pv_backend *backend, struct pv_weight *weight)
{
    struct pv_cuda_weight *w = (struct pv_cuda_weight *)weight;
    if (w) {
        pv_cuda_free(backend, w->bias); /* all of it */
        free(w);
    }
}

/* ptx.cuh's rounding, on the host. Weights are finite. */
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

/* Along one side: a filter of 3 -> the two of 2 that pixels 2y and 2y + 1 of a doubled picture have on the picture
 * itself: the first meets {0}, {1, 2}; the second {0, 1}, {2}. */
static void halves(float two[2][2], float a, float b, float c)
{
    two[0][0] = a;
    two[0][1] = b + c;
    two[1][0] = a + b;
    two[1][1] = c;
}

/* [out][in][3][3] -> [4][out][2][2][in]: see kernels.h. */
static void arrange_phases(void *dst, const float *src, size_t out, size_t in)
{
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++) {
            const float *filter = src + (o * in + i) * 9;
            float down[3][2][2], across[2][2];
            for (int x = 0; x < 3; x++)
                halves(down[x], filter[x], filter[3 + x], filter[6 + x]);
            for (size_t phase_y = 0; phase_y < 2; phase_y++)
                for (size_t y = 0; y < 2; y++) {
                    halves(across, down[0][phase_y][y], down[1][phase_y][y], down[2][phase_y][y]);
                    for (size_t phase_x = 0; phase_x < 2; phase_x++)
                        for (size_t x = 0; x < 2; x++)
                            put(dst, (((2 * phase_y + phase_x) * out + o) * 4 + 2 * y + x) * in + i, across[phase_x][x],
                                PV_ELEMENT_BF16);
                }
        }
}

static size_t aligned(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/* Bias, values and phases lie one behind another in one piece of memory: an allocation takes long, a model has many. */
static pv_status weight_fill(struct pv_backend *backend, struct pv_cuda_weight *w, const float *value,
                             const float *bias, struct pv_error *error)
{
    const enum pv_element element = pv_cuda(backend)->element;
    const size_t out = (size_t)w->weight.out, in = (size_t)w->weight.in;
    const size_t places = w->weight.size ? (size_t)w->weight.size * (size_t)w->weight.size : 1;
    const bool phases = w->weight.size == 3 && element == PV_ELEMENT_BF16;
    const size_t value_at = aligned(out * sizeof(float));
    const size_t phases_at = value_at + aligned(out * in * places * backend->element_bytes);
    const size_t bytes = phases_at + (phases ? out * in * 16 * backend->element_bytes : 0);

    void *memory;
    PV_TRY(pv_cuda_alloc(backend, bytes, &memory, error));
    w->bias = memory;
    w->value = (char *)memory + value_at;
    w->phases = phases ? (char *)memory + phases_at : NULL;
    char *arranged = calloc(1, bytes);
    if (!arranged)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight of %zu bytes", bytes);
    if (bias)
        memcpy(arranged, bias, out * sizeof(float));
    arrange(arranged + value_at, value, out, in, places, element);
    if (phases)
        arrange_phases(arranged + phases_at, value, out, in);
    const int before = pv_device_use(pv_cuda(backend)->device);
    const pv_status status = pv_cuda_done(error, "preparing a weight", pv_device_upload_now(memory, arranged, bytes));
    pv_device_use(before);
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
