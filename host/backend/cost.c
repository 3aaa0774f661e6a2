/* cost.c: what each op costs, by its parameters alone. */
#include "backend/cost.h"

#include <stdarg.h>
#include <stdio.h>

static double element(const struct pv_stream *s)
{
    return (double)s->backend->element_bytes;
}

static void shape(struct pv_cost *cost, const char *format, ...) PV_PRINTF(2, 3);

static void shape(struct pv_cost *cost, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(cost->shape, sizeof cost->shape, format, args);
    va_end(args);
}

static const char *activation_words(enum pv_activation activation)
{
    static const char *const words[] = {"", " relu", " silu", " gelu"};
    return words[activation];
}

struct pv_cost pv_cost_linear(const struct pv_stream *s, const struct pv_linear *p)
{
    const double rows = p->rows, in = p->weight->in, out = p->weight->out;
    const double gates = p->gate ? rows / p->rows_per_gate : 0;
    struct pv_cost cost = {.operations = 2 * rows * in * out,
                           .bytes = element(s) *
                                    (rows * in + rows * out * (p->residual ? 2 : 1) + out * (in + 1) + gates * out)};
    shape(&cost, "%d x %d -> %d%s%s%s", p->rows, p->weight->in, p->weight->out, activation_words(p->activation),
          p->gate ? " gate" : "", p->residual ? " residual" : "");
    return cost;
}

/* Of a doubled picture's 3x3 filter, four taps do: neighbours that are copies of one pixel share their weights' sum. */
struct pv_cost pv_cost_conv(const struct pv_stream *s, const struct pv_conv *p)
{
    const int height = pv_conv_out_side(p->height, p->upsample, p->stride);
    const int width = pv_conv_out_side(p->width, p->upsample, p->stride);
    const double filter = p->weight->size * p->weight->size, taps = p->upsample == 2 && filter == 9 ? 4 : filter;
    const double in = p->weight->in, out = p->weight->out;
    const double from = (double)p->batch * p->height * p->width, to = (double)p->batch * height * width;
    const double written = to * out * (p->floats ? sizeof(float) : element(s));
    struct pv_cost cost = {.operations = 2 * to * out * in * taps,
                           .bytes =
                               element(s) * (from * in + out * (in * filter + 1)) + written * (p->residual ? 2 : 1)};
    char batch[16] = "";
    if (p->batch > 1)
        snprintf(batch, sizeof batch, "%d x ", p->batch);
    shape(&cost, "%s%d x %d, %d -> %d, %dx%d%s%s%s%s%s", batch, p->height, p->width, p->weight->in, p->weight->out,
          p->weight->size, p->weight->size, p->stride == 2 ? " stride 2" : "", p->upsample == 2 ? " doubled" : "",
          p->memory ? " memory" : "", activation_words(p->activation), p->residual ? " residual" : "");
    return cost;
}

struct pv_cost pv_cost_attention(const struct pv_stream *s, const struct pv_attention *p)
{
    const double queries = (double)p->takes * p->tokens, row = (double)p->heads * p->head_dim;
    const double keys = p->kind == PV_ATTENTION_JOINT ? (double)p->slots * p->tokens : p->slots;
    const double cache = (double)p->takes * p->slots * p->tokens * p->kv_heads * p->head_dim;
    struct pv_cost cost = {.operations = 4 * queries * keys * row, .bytes = element(s) * 2 * (queries * row + cache)};
    char takes[24] = "";
    if (p->takes > 1)
        snprintf(takes, sizeof takes, ", %d takes", p->takes);
    shape(&cost, "%s, %d tokens, %d slots, %d x %d%s", p->kind == PV_ATTENTION_JOINT ? "joint" : "time",
          p->takes * p->tokens, p->slots, p->heads, p->head_dim, takes);
    return cost;
}

struct pv_cost pv_cost_norm_modulate(const struct pv_stream *s, const struct pv_norm_modulate *p)
{
    const double all = (double)p->rows * p->dim;
    struct pv_cost cost = {.bytes = element(s) * (2 * all + (p->shift ? 2 * all / p->rows_per_group : 0))};
    shape(&cost, "%d x %d %s", p->rows, p->dim, p->norm == PV_NORM_RMS ? "rms" : "layer");
    return cost;
}

struct pv_cost pv_cost_add(const struct pv_stream *s, const struct pv_add *p)
{
    struct pv_cost cost = {.bytes = element(s) * (double)p->count * (p->b ? 3 : 2)};
    shape(&cost, "%zu%s", p->count, activation_words(p->activation));
    return cost;
}

struct pv_cost pv_cost_qkv(const struct pv_stream *s, const struct pv_qkv *p)
{
    const double rows = (double)p->takes * p->tokens, in = p->weight->in, out = p->weight->out;
    const double rope = p->rope ? sizeof(float) * (double)p->rope_rows * p->head_dim : 0;
    struct pv_cost cost = {.operations = 2 * rows * in * out,
                           .bytes = element(s) * (rows * in + rows * out + out * (in + 1)) + rope};
    shape(&cost, "%d x %d -> %d + 2 x %d heads of %d%s%s", p->takes * p->tokens, p->weight->in, p->heads, p->kv_heads,
          p->head_dim, p->q_norm ? " norm" : "", p->rope ? " rope" : "");
    return cost;
}

static struct pv_cost cost_picture(double element_bytes, int height, int width)
{
    struct pv_cost cost = {.bytes = (1 + element_bytes) * 3 * height * width};
    shape(&cost, "%d x %d", height, width);
    return cost;
}

struct pv_cost pv_cost_unshuffle(const struct pv_stream *s, const struct pv_unshuffle *p)
{
    return cost_picture(element(s), p->height, p->width);
}

struct pv_cost pv_cost_shuffle(const struct pv_stream *s, const struct pv_shuffle *p)
{
    return cost_picture(p->floats ? sizeof(float) : element(s), p->height, p->width);
}

struct pv_cost pv_cost_yuv_to_rgb(const struct pv_stream *s, const struct pv_yuv_to_rgb *p)
{
    (void)s;
    struct pv_cost cost = {.bytes = ((p->bits == 8 ? 1.5 : 3) + 3) * p->height * p->width};
    shape(&cost, "%d x %d, %d bits", p->height, p->width, p->bits);
    return cost;
}

/* floats: a number of the latents that an element of the activations meets. */
static struct pv_cost cost_latent(const struct pv_stream *s, double elements, double floats)
{
    struct pv_cost cost = {.bytes = elements * (element(s) + floats * sizeof(float))};
    shape(&cost, "%.0f", elements);
    return cost;
}

struct pv_cost pv_cost_patch(const struct pv_stream *s, const struct pv_patch *p)
{
    return cost_latent(s, (double)p->sources * p->height * p->width * p->channels, 1);
}

struct pv_cost pv_cost_unpatch(const struct pv_stream *s, const struct pv_unpatch *p)
{
    return cost_latent(s, (double)p->height * p->width * p->channels, p->base ? 2 : 1);
}

struct pv_cost pv_cost_latent_out(const struct pv_stream *s, const struct pv_latent_out *p)
{
    return cost_latent(s, (double)p->pixels * p->channels, 1);
}

struct pv_cost pv_cost_latent_in(const struct pv_stream *s, const struct pv_latent_in *p)
{
    return cost_latent(s, (double)p->pixels * p->channels, 1);
}

static struct pv_cost cost_floats(size_t count, int numbers)
{
    struct pv_cost cost = {.bytes = sizeof(float) * (double)count * numbers};
    shape(&cost, "%zu", count);
    return cost;
}

struct pv_cost pv_cost_combine(const struct pv_stream *s, const struct pv_combine *p)
{
    (void)s;
    return cost_floats(p->count, p->y ? 3 : 2);
}

struct pv_cost pv_cost_noise(const struct pv_stream *s, const struct pv_noise *p)
{
    (void)s;
    return cost_floats(p->count * (size_t)p->takes, 1);
}

struct pv_cost pv_cost_level_embedding(const struct pv_stream *s, const struct pv_level_embedding *p)
{
    return cost_latent(s, p->dim, 0);
}

struct pv_cost pv_cost_memory(size_t bytes, int times)
{
    struct pv_cost cost = {.bytes = (double)bytes * times};
    shape(&cost, "%zu bytes", bytes);
    return cost;
}

struct pv_cost pv_cost_conversion(const struct pv_stream *s, size_t count)
{
    return cost_latent(s, (double)count, 1);
}
