/* matrix.c: linear and convolution, as their sums are written. */
#include <math.h>

#include "backend/reference/reference.h"

double pv_reference_activation(double x, enum pv_activation activation)
{
    switch (activation) {
    case PV_ACTIVATION_NONE: return x;
    case PV_ACTIVATION_RELU: return x < 0 ? 0 : x; /* NaN stays NaN */
    case PV_ACTIVATION_SILU: return x / (1 + exp(-x));
    case PV_ACTIVATION_GELU_TANH: return x / 2 * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    }
    return x;
}

pv_status pv_reference_linear(struct pv_stream *s, const struct pv_linear *p)
{
    PV_TRY(pv_check_linear(s, p));
    const struct reference_weight *w = (const struct reference_weight *)p->weight;
    const size_t rows = (size_t)p->rows, out = (size_t)w->weight.out, in = (size_t)w->weight.in;
    const float *src = p->src, *residual = p->residual, *gate = p->gate;
    float *dst = p->dst;

    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < out; o++) {
            double sum = w->bias[o];
            for (size_t i = 0; i < in; i++)
                sum += (double)src[r * in + i] * w->value[o * in + i];
            sum = pv_reference_activation(sum, p->activation);
            if (gate)
                sum *= gate[r / (size_t)p->rows_per_gate * (size_t)p->gate_stride + o];
            if (residual)
                sum += residual[r * out + o];
            dst[r * out + o] = (float)sum;
        }
    }
    return PV_OK;
}

/* One pixel of up(concat(src, memory)): zero outside the picture. */
static double conv_input(const struct pv_conv *p, int image, int y, int x, int channel)
{
    if (y < 0 || x < 0 || y >= p->height * p->upsample || x >= p->width * p->upsample)
        return 0;
    const int channels = p->memory ? p->weight->in / 2 : p->weight->in;
    const float *from = channel < channels ? p->src : p->memory;
    const size_t row = (size_t)image * (size_t)p->height + (size_t)(y / p->upsample);
    const size_t pixel = row * (size_t)p->width + (size_t)(x / p->upsample);
    return from[pixel * (size_t)channels + (size_t)(channel % channels)];
}

static double conv_sum(const struct pv_conv *p, int image, int y, int x, int o)
{
    const struct reference_weight *w = (const struct reference_weight *)p->weight;
    const int size = w->weight.size, in = w->weight.in;
    double sum = w->bias[o];
    for (int c = 0; c < in; c++) {
        const float *filter = w->value + ((size_t)o * (size_t)in + (size_t)c) * (size_t)(size * size);
        for (int dy = 0; dy < size; dy++)
            for (int dx = 0; dx < size; dx++)
                sum += filter[dy * size + dx] *
                       conv_input(p, image, y * p->stride + dy - size / 2, x * p->stride + dx - size / 2, c);
    }
    return sum;
}

pv_status pv_reference_conv(struct pv_stream *s, const struct pv_conv *p)
{
    PV_TRY(pv_check_conv(s, p));
    const int out_height = pv_conv_out_side(p->height, p->upsample, p->stride);
    const int out_width = pv_conv_out_side(p->width, p->upsample, p->stride);
    const float *residual = p->residual;
    float *dst = p->dst;

    size_t at = 0;
    for (int image = 0; image < p->batch; image++)
        for (int y = 0; y < out_height; y++)
            for (int x = 0; x < out_width; x++)
                for (int o = 0; o < p->weight->out; o++, at++) {
                    const double sum = conv_sum(p, image, y, x, o) + (residual ? residual[at] : 0);
                    dst[at] = (float)pv_reference_activation(sum, p->activation);
                }
    return PV_OK;
}
