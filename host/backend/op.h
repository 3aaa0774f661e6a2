/* op.h: the table every backend fills: where tensors live and how ops run on them.
 *
 * Model code (host/model) is written once against this table and knows no device. Each op is described here by what
 * it computes; the plain C in reference/ is the executable form of these comments, and every fast version is
 * compared with it.
 *
 * Two kinds of memory: host memory (ordinary pointers) and the backend's own (from alloc). Unless a comment says
 * "host", a pointer in an op is the backend's memory. Layouts: pictures and latents are NHWC, tokens
 * [frame][token][channel], caches [slot][token][channel]. Two element types: latents are always float; activations
 * (features, tokens, caches) are elements of backend->element_bytes, which the model code never looks into.
 *
 * Thread rule: a backend and its weights may be used by many streams at once; a stream by one thread at a time.
 * Every op returns PV_OK or a failure with its sentence in the stream's error. Ops of one stream happen in order, each
 * between enter and leave. What an op writes overlaps what it reads only where a comment says so.
 */
#ifndef PV_BACKEND_OP_H
#define PV_BACKEND_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { PV_MARKS = 2 }; /* of a stream */

struct pv_weight; /* a prepared matrix or filter: the backend's own layout and type; read-only once made */

/* One rollout's place to run: scratch memory, compiled primitives, a CUDA stream. Backends embed it first. */
struct pv_stream {
    struct pv_backend *backend;
    struct pv_error *error; /* where ops leave their sentence; set by the stream's owner, never NULL */
};

enum pv_activation {
    PV_ACTIVATION_NONE,
    PV_ACTIVATION_RELU,
    PV_ACTIVATION_SILU,     /* x / (1 + exp(-x)) */
    PV_ACTIVATION_GELU_TANH /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
};

enum pv_norm {
    PV_NORM_RMS,  /* x / sqrt(mean(x^2) + eps) */
    PV_NORM_LAYER /* (x - mean(x)) / sqrt(var(x) + eps), population variance */
};

/* ---- pictures ---- */

/* RGB bytes -> features in [0, 1], with r x r pixels folded into channels:
 * dst[y][x][(c*r + dy)*r + dx] = src[y*r + dy][x*r + dx][c] / 255 */
struct pv_unshuffle {
    void *dst;          /* [height/r][width/r][3*r*r] */
    const uint8_t *src; /* [height][width][3] */
    int height, width;  /* of the picture; both divide by r */
    int r;
};

/* The inverse; values are clamped to [0, 1] and rounded to nearest: byte = (int)(255 v + 0.5). */
struct pv_shuffle {
    uint8_t *dst;    /* [height][width][3] */
    const void *src; /* [height/r][width/r][3*r*r] */
    int height, width;
    int r;
    bool floats; /* src has floats, whatever activations are: half of a byte's step is more than bf16 can tell */
};

/* YUV 4:2:0, its U and V side by side, -> RGB bytes. A sample has 8 bits (NV12), or 10 in the upper ones of 16 (P010).
 *
 * Chroma sample i of a row is the nearest to pixels 2i and 2i + 1. With b = between_x, and in quarters, pixel 2i takes
 * 4 - b of it and b of sample i - 1; pixel 2i + 1 takes 2 + b of it and 2 - b of sample i + 1. Down the picture the
 * same with between_y. The sample beyond an edge is the one at the edge. So a pixel's U and V are whole numbers of
 * sixteenths, and with the whole numbers k that yuv.h makes of bits, range and matrix all backends give the same bytes:
 *   red   = k.luma Y + k.red_v V + k.red
 *   green = k.luma Y + k.green_u U + k.green_v V + k.green
 *   blue  = k.luma Y + k.blue_u U + k.blue
 * and of each the bits from 20 on, at least 0, at most 255. */
struct pv_yuv_to_rgb {
    uint8_t *dst;       /* [height][width][3] */
    const void *luma;   /* [height][width], rows luma_stride bytes apart */
    const void *chroma; /* [height/2][width/2][2], rows chroma_stride bytes apart */
    size_t luma_stride, chroma_stride;
    int height, width; /* both even */
    int bits;          /* of a sample: 8, or 10 */
    bool full_range;   /* black to white is 0 to 255 in 8 bits; otherwise 16 to 235, and chroma's extremes 16 and 240 */
    bool between_x;    /* the first chroma sample lies midway between the first two pixels of a row; or on the first */
    bool between_y;    /* likewise, of a column */
    double kr, kb;     /* the matrix: Y = kr R + (1 - kr - kb) G + kb B */
};

/* ---- convolution ---- */

/* Square filter of 1 or 3, zero padding size/2, channels last:
 * dst = activation(conv(up(concat(src, memory))) + bias + residual)
 * The filter is [out][in][size][size] (PyTorch's order) when it is prepared; in counts src and memory together. */
struct pv_conv {
    void *dst;            /* [batch][out_height][out_width][out] */
    const void *src;      /* [batch][height][width][in - memory's channels] */
    const void *memory;   /* same shape as src: its channels come after src's; NULL = none */
    const void *residual; /* shape of dst, may be dst itself; NULL = none */
    const struct pv_weight *weight;
    int batch, height, width; /* of src */
    int stride;               /* 1 or 2: out = (up(height) + stride - 1) / stride */
    int upsample;             /* 1, or 2: every pixel is first repeated 2 x 2 (needs stride 1) */
    enum pv_activation activation;
    bool floats; /* dst has floats, whatever activations are; then there is no residual */
};

/* ---- matrices ---- */

/* dst = residual + gate * activation(src weight^T + bias); weight is [out][in] when it is prepared. */
struct pv_linear {
    void *dst;            /* [rows][out] */
    const void *src;      /* [rows][in] */
    const void *residual; /* [rows][out], may be dst itself; NULL = none */
    const void *gate;     /* [rows / rows_per_gate][out], gate_stride elements apart; NULL = 1 */
    const struct pv_weight *weight;
    int rows;
    int rows_per_gate;
    int gate_stride;
    enum pv_activation activation;
};

/* ---- norm ---- */

/* dst = norm(src) * (1 + scale) + shift, over rows of dim channels. */
struct pv_norm_modulate {
    void *dst;                 /* [rows][dim], may be src itself */
    const void *src;           /* [rows][dim] */
    const void *shift, *scale; /* [rows / rows_per_group][dim], group_stride elements apart; both NULL = none */
    int rows, dim;
    int rows_per_group;
    int group_stride;
    enum pv_norm norm;
    float eps;
};

/* dst = a + b: conditioning vectors. dst may be a or b. activation is applied to the sum. */
struct pv_add {
    void *dst;
    const void *a, *b; /* b may be NULL: dst = activation(a) */
    size_t count;
    enum pv_activation activation;
};

/* ---- attention ---- */

/* The product of the qkv matrix, src weight^T + bias, per row [heads][head_dim] q, [kv_heads][head_dim] k,
 * [kv_heads][head_dim] v: splits it, normalises q and k over each head's channels, rotates them, writes k and v where
 * the cache wants them.
 * Rotation, for i in 0 .. head_dim/2 - 1, with (c, s) = rope[row % rope_rows][i]:
 * (x[2i], x[2i+1]) -> (x[2i] c - x[2i+1] s, x[2i] s + x[2i+1] c) */
struct pv_qkv {
    void *q;         /* [takes][tokens][heads][head_dim] */
    void *k, *v;     /* [slot][tokens][kv_heads][head_dim] for take 0; take t is kv_take_stride * t elements further */
    const void *src; /* [takes][tokens][in] */
    void *product;   /* [takes][tokens][(heads + 2 kv_heads) * head_dim], room to work in: undefined afterwards */
    const struct pv_weight *weight;
    const float *q_norm; /* [head_dim] weights of the RMS norm, or NULL = no norm */
    const float *k_norm; /* likewise */
    const float *rope;   /* [rope_rows][head_dim / 2][2]: cosine, sine; NULL = no rotation */
    int rope_rows;       /* divides tokens * takes: tokens for places in a frame, 1 for one time */
    int takes, tokens, heads, kv_heads, head_dim;
    size_t kv_take_stride;
    const uint32_t *slot; /* [1]: k and v lie so many slots further; NULL = 0. Read when the op runs, as noise's past */
    float eps;
};

enum pv_attention_kind {
    PV_ATTENTION_JOINT, /* a token sees every token of every slot; with one slot: attention over space */
    PV_ATTENTION_TIME   /* a token sees itself in every slot */
};

/* dst = softmax(q k^T * scale) v. Slot order does not matter: positions are in the rotation. Query head h reads
 * key head h * kv_heads / heads. */
struct pv_attention {
    void *dst;         /* [takes][tokens][heads][head_dim] */
    const void *q;     /* [takes][tokens][heads][head_dim] */
    const void *k, *v; /* [slots][tokens][kv_heads][head_dim]; take t is kv_take_stride * t elements further */
    int takes, tokens, slots, heads, kv_heads, head_dim;
    size_t kv_take_stride;
    const uint32_t *used; /* [1], read when the op runs: so many slots count, in a replay perhaps more than were; NULL = all */
    float scale;
    enum pv_attention_kind kind;
};

/* ---- latents (always float) ---- */

/* Several latents -> tokens: p x p pixels of each become channels.
 * dst[(Y*(w/p) + X)][((s*p + dy)*p + dx)*channels + c] = src[s][Y*p + dy][X*p + dx][c] */
struct pv_patch {
    void *dst;           /* [(height/p) * (width/p)][sources * p*p * channels] */
    const float *src[3]; /* each [height][width][channels] */
    int sources;         /* 1 to 3 */
    int height, width, channels, p;
};

/* The inverse for one latent, plus base: dst = base + share * unpatched src. What hardly changes stays as it is: with r
 * the largest root mean square of a token of src and its neighbours (3 x 3, of one take), share is 0 up to r = still, 1
 * from twice that on, and rises evenly between. */
struct pv_unpatch {
    float *dst;
    const void *src;   /* [(height/p) * (width/p)][p*p * channels] */
    const float *base; /* shape of dst, may be dst itself; NULL = 0 */
    int height, width, channels, p;
    float still; /* 0 = share is 1; above, base is needed */
    int takes;   /* with still: so many latents, one below another; divides height / p */
};

/* The codec's features -> the dynamics' latents, per channel: dst = (src - mean) / std */
struct pv_latent_out {
    float *dst;
    const void *src;
    const float *mean, *std; /* [channels] */
    size_t pixels;
    int channels;
};

/* The way back, squashed as the decoder was trained: v = src * std + mean; dst = 3 tanh(v / 3) */
struct pv_latent_in {
    void *dst;
    const float *src;
    const float *mean, *std;
    size_t pixels;
    int channels;
};

/* dst = a x + b y. y may be NULL (then b is ignored); dst may be x or y. Euler's step, the change between two latents
 * and the context's noise are all this. */
struct pv_combine {
    float *dst;
    const float *x, *y;
    float a, b;
    size_t count;
};

/* Standard normal numbers, a function of their place alone. Elements 4j .. 4j+3 come from
 * philox(counter = {j, frame, purpose, take}, key = {low, high word of seed}): words (0, 1) give elements 4j, 4j+1 by
 * Box-Muller, words (2, 3) the others (base/random.h). */
struct pv_noise {
    float *dst; /* [takes][count]; take t draws with seed + t */
    size_t count;
    uint64_t seed;
    uint32_t take, frame, purpose;
    int takes;
    const uint32_t *past; /* [1], added to frame; NULL = 0. Read when the op runs, so a recording can serve any frame */
};

/* Sinusoids of a noise level in [0, 1]: with half = dim/2, f_i = exp(-ln(10000) i / half), a = 1000 level f_i:
 * dst[i] = cos a, dst[half + i] = sin a */
struct pv_level_embedding {
    void *dst; /* [dim] */
    float level;
    int dim; /* even */
};

/* ---- the table ---- */

struct pv_op_table {
    const char *name; /* "cpu" */

    /* A stream lives between its backend's open and close. */
    pv_status (*stream_open)(struct pv_backend *backend, struct pv_error *error, struct pv_stream **stream);
    void (*stream_close)(struct pv_stream *stream);
    /* Make the calling thread fit to run this stream's ops (CPU: number of OpenMP threads; CUDA: current device), and
     * put it back as it was. Every public call of a rollout that runs ops does so between the two, of one of its
     * streams. */
    void (*enter)(struct pv_stream *stream);
    void (*leave)(struct pv_stream *stream);
    /* Waits until all ops so far are done. */
    pv_status (*synchronize)(struct pv_stream *stream);
    /* For streams that overlap: all three are NULL in backends whose ops are done when they return. mark makes one of
     * the stream's marks (0 to PV_MARKS - 1) stand for all that was asked of it so far. What is asked of s past `after`
     * runs when that of earlier, a stream of the same backend, has come to its mark; wait returns when it has. A mark
     * that was never set is reached. */
    pv_status (*mark)(struct pv_stream *s, int mark);
    pv_status (*after)(struct pv_stream *s, struct pv_stream *earlier, int mark);
    pv_status (*wait)(struct pv_stream *s, int mark);
    /* Recording, where a launch costs: NULL in backends that do not. Does what ops(user) asks of this stream, and of no
     * other: by calling it, until ops that were asked for under key before are recorded; from then on by running the
     * record, which uses the memory they were given, whatever it then holds. They must not cross between host and
     * backend. ops may be called twice, the first time in vain: where a record cannot be made, the ops are run one by
     * one. Fails as they do. */
    pv_status (*record)(struct pv_stream *stream, uint64_t key, pv_status (*ops)(void *user), void *user);
    void (*record_forget)(struct pv_stream *stream); /* all keys of this stream; it is synchronized */

    /* Memory. alloc gives zeroed bytes, aligned to 64. upload and download cross between host and backend; the host's
     * memory is theirs until the stream is known to have come so far. */
    pv_status (*alloc)(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error);
    void (*free)(struct pv_backend *backend, void *memory);
    /* Zeroed host memory that upload and download cross fastest. NULL in backends to which all of it is the same. */
    pv_status (*host_alloc)(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error);
    void (*host_free)(struct pv_backend *backend, void *memory);
    pv_status (*upload)(struct pv_stream *s, void *dst, const void *host_src, size_t bytes);
    pv_status (*download)(struct pv_stream *s, void *host_dst, const void *src, size_t bytes);
    pv_status (*copy)(struct pv_stream *s, void *dst, const void *src, size_t bytes);
    pv_status (*zero)(struct pv_stream *s, void *dst, size_t bytes);
    /* float on the host <-> activations; for conditioning vectors and tests. */
    pv_status (*upload_activations)(struct pv_stream *s, void *dst, const float *host_src, size_t count);
    pv_status (*download_activations)(struct pv_stream *s, float *host_dst, const void *src, size_t count);

    /* Weights: host floats in, copied and laid out as the backend likes; bias [out] may be NULL. */
    pv_status (*linear_weight)(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                               int in, struct pv_weight **weight, struct pv_error *error);
    pv_status (*conv_weight)(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                             int in, int size, struct pv_weight **weight, struct pv_error *error);
    void (*weight_free)(struct pv_backend *backend, struct pv_weight *weight);

    pv_status (*unshuffle)(struct pv_stream *s, const struct pv_unshuffle *p);
    pv_status (*shuffle)(struct pv_stream *s, const struct pv_shuffle *p);
    pv_status (*yuv_to_rgb)(struct pv_stream *s, const struct pv_yuv_to_rgb *p);
    pv_status (*conv)(struct pv_stream *s, const struct pv_conv *p);
    pv_status (*linear)(struct pv_stream *s, const struct pv_linear *p);
    pv_status (*norm_modulate)(struct pv_stream *s, const struct pv_norm_modulate *p);
    pv_status (*add)(struct pv_stream *s, const struct pv_add *p);
    pv_status (*qkv)(struct pv_stream *s, const struct pv_qkv *p);
    pv_status (*attention)(struct pv_stream *s, const struct pv_attention *p);
    pv_status (*patch)(struct pv_stream *s, const struct pv_patch *p);
    pv_status (*unpatch)(struct pv_stream *s, const struct pv_unpatch *p);
    pv_status (*latent_out)(struct pv_stream *s, const struct pv_latent_out *p);
    pv_status (*latent_in)(struct pv_stream *s, const struct pv_latent_in *p);
    pv_status (*combine)(struct pv_stream *s, const struct pv_combine *p);
    pv_status (*noise)(struct pv_stream *s, const struct pv_noise *p);
    pv_status (*level_embedding)(struct pv_stream *s, const struct pv_level_embedding *p);

    void (*close)(struct pv_backend *backend);
};

/* Backends embed it first. */
struct pv_backend {
    const struct pv_op_table *op;
    size_t element_bytes; /* of an activation */
    int threads;
    char note[PV_ERROR_TEXT]; /* why "auto" took this one: a sentence; "" = it was asked for, or is the best there is */
};

/* name: "auto", "cpu", "cuda", "cuda-f32" (activations and weights are floats), "reference". "auto" is cuda where it
 * can be used, else cpu. threads: 0 = all this process may use (its affinity mask, not the machine's). */
pv_status pv_backend_open(const char *name, int threads, struct pv_backend **backend, struct pv_error *error);
/* All streams and weights must be gone. NULL is allowed. */
void pv_backend_close(struct pv_backend *backend);

#endif
