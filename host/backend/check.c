/* check.c: the arguments of each op against op.h. */
#include "backend/check.h"

/* Elements a tensor may have: its bytes must fit in ptrdiff_t with room for an offset. */
#define ELEMENTS_MAX ((size_t)PTRDIFF_MAX / 16)

static pv_status need(const struct pv_stream *s, const char *op, const char *name, const void *pointer)
{
    return pointer ? PV_OK : pv_fail(s->error, PV_ERR_ARGUMENT, "%s: %s is NULL", op, name);
}

static pv_status range(const struct pv_stream *s, const char *op, const char *name, int value, int low, int high)
{
    return value >= low && value <= high
               ? PV_OK
               : pv_fail(s->error, PV_ERR_ARGUMENT, "%s: %s is %d; it must be %d to %d", op, name, value, low, high);
}

static pv_status positive(const struct pv_stream *s, const char *op, const char *name, int value)
{
    return value > 0 ? PV_OK : pv_fail(s->error, PV_ERR_ARGUMENT, "%s: %s is %d; it must be positive", op, name, value);
}

static pv_status divides(const struct pv_stream *s, const char *op, const char *part, int a, const char *whole, int b)
{
    return a > 0 && b % a == 0
               ? PV_OK
               : pv_fail(s->error, PV_ERR_ARGUMENT, "%s: %s %d does not divide %s %d", op, part, a, whole, b);
}

static bool fits(const int *side, int sides)
{
    size_t elements = 1;
    for (int i = 0; i < sides; i++) {
        if (side[i] <= 0 || elements > ELEMENTS_MAX / (size_t)side[i])
            return false;
        elements *= (size_t)side[i];
    }
    return true;
}

/* All sides positive and their product within bounds. */
static pv_status shape(const struct pv_stream *s, const char *op, const char *name, const int side[4])
{
    return fits(side, 4) ? PV_OK
                         : pv_fail(s->error, PV_ERR_ARGUMENT, "%s: %s is %d x %d x %d x %d; too large or not positive",
                                   op, name, side[0], side[1], side[2], side[3]);
}

static pv_status count(const struct pv_stream *s, const char *op, size_t elements)
{
    return elements <= ELEMENTS_MAX ? PV_OK
                                    : pv_fail(s->error, PV_ERR_ARGUMENT, "%s: %zu elements are too many", op, elements);
}

static pv_status activation(const struct pv_stream *s, const char *op, enum pv_activation value)
{
    return range(s, op, "activation", (int)value, PV_ACTIVATION_NONE, PV_ACTIVATION_GELU_TANH);
}

pv_status pv_check_weight(const float *host_weight, int out, int in, int size, struct pv_error *error)
{
    if (!host_weight)
        return pv_fail(error, PV_ERR_ARGUMENT, "weight: no values were given");
    if (size != 0 && size != 1 && size != 3)
        return pv_fail(error, PV_ERR_ARGUMENT, "weight: filter size is %d; it must be 1 or 3", size);
    const int side[] = {out, in, size ? size * size : 1};
    if (!fits(side, 3))
        return pv_fail(error, PV_ERR_ARGUMENT, "weight: %d x %d is too large or not positive", out, in);
    return PV_OK;
}

static pv_status folded_picture(const struct pv_stream *s, const char *op, int height, int width, int r)
{
    PV_TRY(range(s, op, "r", r, 1, 64));
    PV_TRY(shape(s, op, "picture", (const int[4]){height, width, 3, 1}));
    PV_TRY(divides(s, op, "r", r, "height", height));
    return divides(s, op, "r", r, "width", width);
}

pv_status pv_check_unshuffle(const struct pv_stream *s, const struct pv_unshuffle *p)
{
    PV_TRY(need(s, "unshuffle", "dst", p->dst));
    PV_TRY(need(s, "unshuffle", "src", p->src));
    return folded_picture(s, "unshuffle", p->height, p->width, p->r);
}

pv_status pv_check_shuffle(const struct pv_stream *s, const struct pv_shuffle *p)
{
    PV_TRY(need(s, "shuffle", "dst", p->dst));
    PV_TRY(need(s, "shuffle", "src", p->src));
    return folded_picture(s, "shuffle", p->height, p->width, p->r);
}

/* Whole samples, and rows that do not overlap. */
static pv_status plane(const struct pv_stream *s, const char *name, const void *first, size_t stride, int height,
                       size_t row, size_t sample)
{
    PV_TRY(need(s, "yuv_to_rgb", name, first));
    if (stride < row || stride % sample != 0 || stride > (size_t)PTRDIFF_MAX / (size_t)height)
        return pv_fail(s->error, PV_ERR_ARGUMENT,
                       "yuv_to_rgb: the stride of %s is %zu bytes; rows are %zu bytes of samples of %zu", name, stride,
                       row, sample);
    return (uintptr_t)first % sample == 0
               ? PV_OK
               : pv_fail(s->error, PV_ERR_ARGUMENT, "yuv_to_rgb: %s does not begin at a whole sample", name);
}

pv_status pv_check_yuv_to_rgb(const struct pv_stream *s, const struct pv_yuv_to_rgb *p)
{
    static const char op[] = "yuv_to_rgb";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(shape(s, op, "picture", (const int[4]){p->height, p->width, 3, 1}));
    PV_TRY(divides(s, op, "2 pixels of", 2, "height", p->height));
    PV_TRY(divides(s, op, "2 pixels of", 2, "width", p->width));
    if (p->bits != 8 && p->bits != 10)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "yuv_to_rgb: bits is %d; it must be 8 or 10", p->bits);
    const size_t sample = p->bits == 8 ? 1 : 2, row = (size_t)p->width * sample;
    PV_TRY(plane(s, "luma", p->luma, p->luma_stride, p->height, row, sample));
    PV_TRY(plane(s, "chroma", p->chroma, p->chroma_stride, p->height / 2, row, sample));
    /* With less than half left for green its sums would outgrow 32 bits; no matrix in use leaves less. NaN fails too.
     */
    if (!(p->kr > 0 && p->kb > 0 && p->kr + p->kb <= 0.5))
        return pv_fail(s->error, PV_ERR_ARGUMENT,
                       "yuv_to_rgb: kr is %g and kb %g; they must be positive and leave half or more for green", p->kr,
                       p->kb);
    return PV_OK;
}

pv_status pv_check_conv(const struct pv_stream *s, const struct pv_conv *p)
{
    static const char op[] = "conv";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(need(s, op, "src", p->src));
    PV_TRY(need(s, op, "weight", p->weight));
    if (p->weight->size == 0)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "conv: the weight was prepared for linear");
    PV_TRY(range(s, op, "stride", p->stride, 1, 2));
    PV_TRY(range(s, op, "upsample", p->upsample, 1, 2));
    if (p->upsample == 2 && p->stride != 1)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "conv: upsample 2 needs stride 1");
    PV_TRY(range(s, op, "height", p->height, 1, 1 << 20));
    PV_TRY(range(s, op, "width", p->width, 1, 1 << 20));
    if (p->memory && p->weight->in % 2 != 0)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "conv: a weight of %d inputs cannot be split between src and memory",
                       p->weight->in);
    PV_TRY(shape(s, op, "src", (const int[4]){p->batch, p->height, p->width, p->weight->in}));
    const int out_height = pv_conv_out_side(p->height, p->upsample, p->stride);
    const int out_width = pv_conv_out_side(p->width, p->upsample, p->stride);
    PV_TRY(shape(s, op, "dst", (const int[4]){p->batch, out_height, out_width, p->weight->out}));
    if (p->floats && p->residual)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "conv: floats are written without a residual");
    return activation(s, op, p->activation);
}

pv_status pv_check_linear(const struct pv_stream *s, const struct pv_linear *p)
{
    static const char op[] = "linear";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(need(s, op, "src", p->src));
    PV_TRY(need(s, op, "weight", p->weight));
    if (p->weight->size != 0)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "linear: the weight was prepared for conv");
    PV_TRY(shape(s, op, "src", (const int[4]){p->rows, p->weight->in, 1, 1}));
    PV_TRY(shape(s, op, "dst", (const int[4]){p->rows, p->weight->out, 1, 1}));
    if (p->gate) {
        PV_TRY(divides(s, op, "rows_per_gate", p->rows_per_gate, "rows", p->rows));
        PV_TRY(range(s, op, "gate_stride", p->gate_stride, 0, INT32_MAX));
    }
    return activation(s, op, p->activation);
}

pv_status pv_check_norm_modulate(const struct pv_stream *s, const struct pv_norm_modulate *p)
{
    static const char op[] = "norm_modulate";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(need(s, op, "src", p->src));
    PV_TRY(shape(s, op, "src", (const int[4]){p->rows, p->dim, 1, 1}));
    PV_TRY(range(s, op, "norm", (int)p->norm, PV_NORM_RMS, PV_NORM_LAYER));
    if (!p->shift != !p->scale)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "norm_modulate: shift and scale come together or not at all");
    if (p->shift) {
        PV_TRY(divides(s, op, "rows_per_group", p->rows_per_group, "rows", p->rows));
        PV_TRY(range(s, op, "group_stride", p->group_stride, 0, INT32_MAX));
    }
    return PV_OK;
}

pv_status pv_check_add(const struct pv_stream *s, const struct pv_add *p)
{
    PV_TRY(need(s, "add", "dst", p->dst));
    PV_TRY(need(s, "add", "a", p->a));
    PV_TRY(count(s, "add", p->count));
    return activation(s, "add", p->activation);
}

static pv_status head_counts(const struct pv_stream *s, const char *op, int heads, int kv_heads, int head_dim)
{
    PV_TRY(range(s, op, "heads", heads, 1, 1 << 16));
    PV_TRY(divides(s, op, "kv_heads", kv_heads, "heads", heads));
    return range(s, op, "head_dim", head_dim, 1, 1 << 12);
}

pv_status pv_check_qkv(const struct pv_stream *s, const struct pv_qkv *p)
{
    static const char op[] = "qkv";
    PV_TRY(need(s, op, "q", p->q));
    PV_TRY(need(s, op, "k", p->k));
    PV_TRY(need(s, op, "v", p->v));
    PV_TRY(need(s, op, "src", p->src));
    PV_TRY(need(s, op, "product", p->product));
    PV_TRY(need(s, op, "weight", p->weight));
    if (p->weight->size != 0)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "qkv: the weight was prepared for conv");
    PV_TRY(head_counts(s, op, p->heads, p->kv_heads, p->head_dim));
    if (p->weight->out != (p->heads + 2 * p->kv_heads) * p->head_dim)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "qkv: the weight has %d rows; %d + 2 x %d heads of %d need %d",
                       p->weight->out, p->heads, p->kv_heads, p->head_dim, (p->heads + 2 * p->kv_heads) * p->head_dim);
    PV_TRY(shape(s, op, "src", (const int[4]){p->takes, p->tokens, p->weight->in, 1}));
    PV_TRY(shape(s, op, "product", (const int[4]){p->takes, p->tokens, p->weight->out, 1}));
    PV_TRY(range(s, op, "takes", p->takes, 1, INT32_MAX / p->tokens));
    if (p->rope) {
        PV_TRY(divides(s, op, "rope_rows", p->rope_rows, "rows", p->takes * p->tokens));
        if (p->head_dim % 2 != 0)
            return pv_fail(s->error, PV_ERR_ARGUMENT, "qkv: head_dim is %d; rotation needs an even one", p->head_dim);
    }
    return PV_OK;
}

pv_status pv_check_attention(const struct pv_stream *s, const struct pv_attention *p)
{
    static const char op[] = "attention";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(need(s, op, "q", p->q));
    PV_TRY(need(s, op, "k", p->k));
    PV_TRY(need(s, op, "v", p->v));
    PV_TRY(head_counts(s, op, p->heads, p->kv_heads, p->head_dim));
    PV_TRY(range(s, op, "kind", (int)p->kind, PV_ATTENTION_JOINT, PV_ATTENTION_TIME));
    PV_TRY(shape(s, op, "q", (const int[4]){p->takes, p->tokens, p->heads, p->head_dim}));
    PV_TRY(shape(s, op, "k", (const int[4]){p->slots, p->tokens, p->kv_heads, p->head_dim}));
    return range(s, op, "slots", p->slots, 1, INT32_MAX / p->tokens);
}

pv_status pv_check_patch(const struct pv_stream *s, const struct pv_patch *p)
{
    static const char op[] = "patch";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(range(s, op, "sources", p->sources, 1, 3));
    for (int i = 0; i < p->sources; i++)
        PV_TRY(need(s, op, "src", p->src[i]));
    PV_TRY(shape(s, op, "latents", (const int[4]){p->sources, p->height, p->width, p->channels}));
    PV_TRY(divides(s, op, "p", p->p, "height", p->height));
    return divides(s, op, "p", p->p, "width", p->width);
}

pv_status pv_check_unpatch(const struct pv_stream *s, const struct pv_unpatch *p)
{
    static const char op[] = "unpatch";
    PV_TRY(need(s, op, "dst", p->dst));
    PV_TRY(need(s, op, "src", p->src));
    PV_TRY(shape(s, op, "latent", (const int[4]){p->height, p->width, p->channels, 1}));
    PV_TRY(divides(s, op, "p", p->p, "height", p->height));
    PV_TRY(divides(s, op, "p", p->p, "width", p->width));
    if (p->still == 0)
        return PV_OK;
    PV_TRY(need(s, op, "base", p->base));
    return divides(s, op, "takes", p->takes, "height / p", p->height / p->p);
}

static pv_status latent_scale(const struct pv_stream *s, const char *op, const float *mean, const float *std,
                              size_t pixels, int channels)
{
    PV_TRY(need(s, op, "mean", mean));
    PV_TRY(need(s, op, "std", std));
    PV_TRY(positive(s, op, "channels", channels));
    return pixels <= ELEMENTS_MAX / (size_t)channels ? PV_OK : count(s, op, SIZE_MAX);
}

pv_status pv_check_latent_out(const struct pv_stream *s, const struct pv_latent_out *p)
{
    PV_TRY(need(s, "latent_out", "dst", p->dst));
    PV_TRY(need(s, "latent_out", "src", p->src));
    return latent_scale(s, "latent_out", p->mean, p->std, p->pixels, p->channels);
}

pv_status pv_check_latent_in(const struct pv_stream *s, const struct pv_latent_in *p)
{
    PV_TRY(need(s, "latent_in", "dst", p->dst));
    PV_TRY(need(s, "latent_in", "src", p->src));
    return latent_scale(s, "latent_in", p->mean, p->std, p->pixels, p->channels);
}

pv_status pv_check_combine(const struct pv_stream *s, const struct pv_combine *p)
{
    PV_TRY(need(s, "combine", "dst", p->dst));
    PV_TRY(need(s, "combine", "x", p->x));
    return count(s, "combine", p->count);
}

pv_status pv_check_noise(const struct pv_stream *s, const struct pv_noise *p)
{
    PV_TRY(need(s, "noise", "dst", p->dst));
    PV_TRY(positive(s, "noise", "takes", p->takes));
    return p->count <= (size_t)UINT32_MAX / (size_t)p->takes ? PV_OK : count(s, "noise", SIZE_MAX);
}

pv_status pv_check_level_embedding(const struct pv_stream *s, const struct pv_level_embedding *p)
{
    PV_TRY(need(s, "level_embedding", "dst", p->dst));
    if (p->dim <= 0 || p->dim % 2 != 0)
        return pv_fail(s->error, PV_ERR_ARGUMENT, "level_embedding: dim is %d; it must be positive and even", p->dim);
    return PV_OK;
}
