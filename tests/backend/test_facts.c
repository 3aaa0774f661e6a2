/* test_facts.c: what ops compute against facts from elsewhere: worked by hand, published, or recorded from PyTorch in
 * double (torch.nn.functional on sin(i) and cos(i)). Holds the reference to op.h, and beside it cpu, or the
 * environment's PV_TEST_BACKEND: one that computes with floats in memory that the host can reach. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/op.h"
#include "base/random.h"

enum { BACKENDS = 2 };

struct side {
    struct pv_backend *backend;
    const struct pv_op_table *op;
    struct pv_stream *stream;
    struct pv_error error;
};

static struct side sides[BACKENDS];

static void open_sides(void)
{
    const char *wanted = getenv("PV_TEST_BACKEND");
    const char *names[BACKENDS] = {"reference", wanted ? wanted : "cpu"};
    for (int i = 0; i < BACKENDS; i++) {
        struct side *s = &sides[i];
        cr_assert_eq(pv_backend_open(names[i], 2, &s->backend, &s->error), PV_OK, "%s", s->error.text);
        s->op = s->backend->op;
        cr_assert_eq(s->op->stream_open(s->backend, &s->error, &s->stream), PV_OK, "%s", s->error.text);
        s->op->enter(s->stream);
    }
}

static void close_sides(void)
{
    for (int i = 0; i < BACKENDS; i++) {
        sides[i].op->leave(sides[i].stream);
        sides[i].op->stream_close(sides[i].stream);
        pv_backend_close(sides[i].backend);
    }
}

TestSuite(facts, .init = open_sides, .fini = close_sides, .timeout = 60);

#define FOR_EACH_SIDE(s) for (struct side *s = sides; s < sides + BACKENDS; s++)
#define DONE(s, call)                                                                                                  \
    do {                                                                                                               \
        cr_assert_eq((s)->op->call, PV_OK, "%s: %s", (s)->op->name, (s)->error.text);                                  \
        cr_assert_eq((s)->op->synchronize((s)->stream), PV_OK, "%s: %s", (s)->op->name, (s)->error.text);              \
    } while (0)

static void expect(const struct side *s, const float *got, const float *wanted, size_t count, double within)
{
    for (size_t i = 0; i < count; i++)
        cr_assert(fabs((double)got[i] - wanted[i]) <= within, "%s: element %zu is %.9g, not %.9g", s->op->name, i,
                  (double)got[i], (double)wanted[i]);
}

static void waves(float *sine, size_t sines, float *cosine, size_t cosines)
{
    for (size_t i = 0; i < sines; i++)
        sine[i] = (float)sin((double)i);
    for (size_t i = 0; i < cosines; i++)
        cosine[i] = (float)cos((double)i);
}

/* ---- matrices and convolution ---- */

Test(facts, linear_by_hand)
{
    static const float weight[] = {1, 2, 3, 4, 5, 6}, bias[] = {10, -100}; /* [2][3] */
    static const float src[] = {1, 0, -1, 2, 1, 0}, gate[] = {2, 3, 4, 5}, residual[] = {1, 1, 1, 1};
    FOR_EACH_SIDE(s)
    {
        struct pv_weight *w = NULL;
        float dst[4];
        DONE(s, linear_weight(s->backend, weight, bias, 2, 3, &w, &s->error));
        DONE(s, linear(s->stream, &(struct pv_linear){.dst = dst, .src = src, .weight = w, .rows = 2}));
        expect(s, dst, (const float[]){8, -102, 14, -87}, 4, 1e-5);
        DONE(s, linear(s->stream, &(struct pv_linear){.dst = dst,
                                                      .src = src,
                                                      .residual = residual,
                                                      .gate = gate,
                                                      .weight = w,
                                                      .rows = 2,
                                                      .rows_per_gate = 1,
                                                      .gate_stride = 2,
                                                      .activation = PV_ACTIVATION_RELU}));
        expect(s, dst, (const float[]){17, 1, 57, 1}, 4, 1e-5);
        s->op->weight_free(s->backend, w);
    }
}

Test(facts, linear_with_gelu_is_pytorchs)
{
    static const float wanted[] = {0.0404407976f, -0.112488402f, 0.347523002f,  -0.169476893f,
                                   0.0724904215f, 0.0442229668f, -0.113425794f, 0.347613989f};
    float src[6], weight[12];
    waves(src, 6, weight, 12);
    FOR_EACH_SIDE(s)
    {
        struct pv_weight *w = NULL;
        float dst[8];
        DONE(s, linear_weight(s->backend, weight, NULL, 4, 3, &w, &s->error));
        DONE(s, linear(s->stream,
                       &(struct pv_linear){
                           .dst = dst, .src = src, .weight = w, .rows = 2, .activation = PV_ACTIVATION_GELU_TANH}));
        expect(s, dst, wanted, 8, 1e-6);
        s->op->weight_free(s->backend, w);
    }
}

Test(facts, activations)
{
    static const float x[] = {-2, 0, 1}, silu[] = {-0.238405844f, 0, 0.731058579f},
                       gelu[] = {-0.0454023059f, 0, 0.841191991f}, relu[] = {0, 0, 1};
    FOR_EACH_SIDE(s)
    {
        float dst[3];
        DONE(s, add(s->stream, &(struct pv_add){.dst = dst, .a = x, .count = 3, .activation = PV_ACTIVATION_SILU}));
        expect(s, dst, silu, 3, 1e-7);
        DONE(s,
             add(s->stream, &(struct pv_add){.dst = dst, .a = x, .count = 3, .activation = PV_ACTIVATION_GELU_TANH}));
        expect(s, dst, gelu, 3, 1e-7);
        DONE(s, add(s->stream, &(struct pv_add){.dst = dst, .a = x, .count = 3, .activation = PV_ACTIVATION_RELU}));
        expect(s, dst, relu, 3, 0);
        DONE(s, add(s->stream, &(struct pv_add){.dst = dst, .a = x, .b = silu, .count = 3}));
        expect(s, dst, (const float[]){-2.238405844f, 0, 1.731058579f}, 3, 1e-6);
    }
}

/* One channel, 3 x 3, filter 1..9: the middle output is the sum of products, the corner sees four. */
Test(facts, conv_by_hand)
{
    static const float picture[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, filter[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, bias[] = {1};
    FOR_EACH_SIDE(s)
    {
        struct pv_weight *w = NULL;
        float dst[9];
        DONE(s, conv_weight(s->backend, filter, bias, 1, 1, 3, &w, &s->error));
        struct pv_conv p = {
            .dst = dst, .src = picture, .weight = w, .batch = 1, .height = 3, .width = 3, .stride = 1, .upsample = 1};
        DONE(s, conv(s->stream, &p));
        cr_assert_eq(dst[4], 286); /* 1 + 1 + 4 + 9 + ... + 81 */
        cr_assert_eq(dst[0], 95);  /* 1 + 5*1 + 6*2 + 8*4 + 9*5 */
        cr_assert_eq(dst[8], 1 + 1 * 5 + 2 * 6 + 4 * 8 + 5 * 9);
        p.stride = 2; /* the four corners */
        const float corner[] = {dst[0], dst[2], dst[6], dst[8]};
        DONE(s, conv(s->stream, &p));
        expect(s, dst, corner, 4, 0);
        s->op->weight_free(s->backend, w);
    }
}

Test(facts, conv_is_pytorchs)
{
    static const float strided[] = {0.339471429f, -0.06384713f,  0.575510184f, -0.319749907f,
                                    0.258440516f, 0.187423194f,  0.535754027f, -0.281319926f,
                                    0.347736236f, 0.0536154168f, 0.452652886f, -0.260315892f};
    static const float repeated[] = {0.437040648f,  -0.166005631f, 0.464225524f, -0.109018861f, 0.642863786f,
                                     -0.270864153f, 1.44658914f,   0.156281047f, 1.74075638f,   -0.539948896f,
                                     0.527047619f,  -1.22667664f,  0.524694221f, -0.300868488f, 0.48371953f,
                                     -0.255746428f, 0.520542002f,  -0.252450218f}; /* rows 0, 3, 9; columns 0, 4, 7 */
    static const float bias[] = {0.5f, -0.25f};
    float src[5 * 4 * 3], filter[2 * 3 * 9];
    waves(src, 60, filter, 54);
    FOR_EACH_SIDE(s)
    {
        struct pv_weight *w = NULL;
        float dst[10 * 8 * 2];
        DONE(s, conv_weight(s->backend, filter, bias, 2, 3, 3, &w, &s->error));
        struct pv_conv p = {
            .dst = dst, .src = src, .weight = w, .batch = 1, .height = 5, .width = 4, .stride = 2, .upsample = 1};
        DONE(s, conv(s->stream, &p));
        expect(s, dst, strided, 12, 2e-6);
        p.stride = 1;
        p.upsample = 2;
        DONE(s, conv(s->stream, &p));
        static const int row[] = {0, 3, 9}, column[] = {0, 4, 7};
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                expect(s, dst + (row[y] * 8 + column[x]) * 2, repeated + (y * 3 + x) * 2, 2, 3e-6);
        s->op->weight_free(s->backend, w);
    }
}

/* Filter of 1: out = 1 a + 10 b + 100 c + 1000 d, where a, b are src's channels and c, d the memory's. */
Test(facts, conv_sees_memory_behind_src)
{
    static const float filter[] = {1, 10, 100, 1000}, src[] = {1, 2, 3, 4}, memory[] = {5, 6, 7, 8};
    static const float residual[] = {-1e6f, 1};
    FOR_EACH_SIDE(s)
    {
        struct pv_weight *w = NULL;
        float dst[2];
        DONE(s, conv_weight(s->backend, filter, NULL, 1, 4, 1, &w, &s->error));
        DONE(s, conv(s->stream, &(struct pv_conv){.dst = dst,
                                                  .src = src,
                                                  .memory = memory,
                                                  .residual = residual,
                                                  .weight = w,
                                                  .batch = 1,
                                                  .height = 1,
                                                  .width = 2,
                                                  .stride = 1,
                                                  .upsample = 1,
                                                  .activation = PV_ACTIVATION_RELU}));
        expect(s, dst, (const float[]){0, 8744}, 2, 0);
        s->op->weight_free(s->backend, w);
    }
}

/* ---- tokens ---- */

Test(facts, norms_are_pytorchs)
{
    static const float layer[] = {-0.371220127f, 1.00475926f,   1.11566954f,  -0.140459679f, -1.60874899f,
                                  -1.6063645f,   -0.634335682f, 0.705175824f, 1.18062932f,   0.354895045f};
    static const float rms[] = {
        0,           1.28996559f, 1.39394277f, 0.216335391f, -1.16016974f, -1.33546065f, -0.389132294f, 0.914962499f,
        1.37784499f, 0.573943152f};
    float src[10];
    waves(src, 10, NULL, 0);
    FOR_EACH_SIDE(s)
    {
        float dst[10];
        struct pv_norm_modulate p = {.dst = dst, .src = src, .rows = 2, .dim = 5, .norm = PV_NORM_LAYER, .eps = 1e-5f};
        DONE(s, norm_modulate(s->stream, &p));
        expect(s, dst, layer, 10, 1e-6);
        p.norm = PV_NORM_RMS;
        DONE(s, norm_modulate(s->stream, &p));
        expect(s, dst, rms, 10, 1e-6);
        static const float shift[] = {0, 0, 0, 0, 0, 9, 5, 5, 5, 5, 5}, scale[] = {0, 0, 0, 0, 0, 9, 1, 1, 1, 1, 1};
        p.shift = shift; /* a group of one row each, six numbers apart: 2 x + 5 for the second */
        p.scale = scale;
        p.rows_per_group = 1;
        p.group_stride = 6;
        DONE(s, norm_modulate(s->stream, &p));
        expect(s, dst, rms, 5, 1e-6);
        for (int i = 0; i < 5; i++)
            expect(s, dst + 5 + i, (const float[]){2 * rms[5 + i] + 5}, 1, 2e-6);
    }
}

Test(facts, qkv_rotates_pairs_and_keeps_their_length)
{
    enum { TOKENS = 3, HEADS = 2, DIM = 6, ROW = 4 * DIM }; /* two heads of q, one of k, one of v */
    float src[TOKENS * ROW], rope[TOKENS * DIM], one[ROW * ROW] = {0};
    waves(src, TOKENS * ROW, NULL, 0);
    for (int i = 0; i < ROW; i++)
        one[i * ROW + i] = 1; /* the product is src itself */
    for (int i = 0; i < TOKENS * DIM; i += 2) {
        rope[i] = (float)cos(0.3 * i);
        rope[i + 1] = (float)sin(0.3 * i);
    }
    rope[2] = 0; /* token 0, pair 1: a quarter turn */
    rope[3] = 1;
    FOR_EACH_SIDE(s)
    {
        float q[TOKENS * HEADS * DIM], k[TOKENS * DIM], v[TOKENS * DIM], product[TOKENS * ROW];
        struct pv_weight *weight;
        cr_assert_eq(s->op->linear_weight(s->backend, one, NULL, ROW, ROW, &weight, &s->error), PV_OK, "%s",
                     s->error.text);
        struct pv_qkv p = {.q = q,
                           .k = k,
                           .v = v,
                           .src = src,
                           .product = product,
                           .weight = weight,
                           .rope = rope,
                           .rope_rows = TOKENS,
                           .takes = 1,
                           .tokens = TOKENS,
                           .heads = HEADS,
                           .kv_heads = 1,
                           .head_dim = DIM};
        DONE(s, qkv(s->stream, &p));
        expect(s, q + 2, (const float[]){-src[3], src[2]}, 2, 1e-7);
        for (int t = 0; t < TOKENS; t++) {
            expect(s, v + t * DIM, src + t * ROW + 3 * DIM, DIM, 0);
            for (int i = 0; i < HEADS * DIM; i += 2) {
                const float *was = src + t * ROW + i, *is = q + t * HEADS * DIM + i;
                cr_assert_float_eq(hypotf(is[0], is[1]), hypotf(was[0], was[1]), 1e-6f);
            }
        }
        static const float q_norm[] = {1, 1, 1, 1, 1, 2}, k_norm[] = {3, 3, 3, 3, 3, 3};
        p.rope = NULL;
        p.q_norm = q_norm;
        p.k_norm = k_norm;
        DONE(s, qkv(s->stream, &p));
        double square = 0;
        for (int i = 0; i < DIM; i++)
            square += (double)k[DIM + i] * k[DIM + i] / 9;
        cr_assert_float_eq(square, DIM, 1e-4); /* RMS 1 before the weights */
        cr_assert_float_eq(q[5] / q[4], 2 * src[5] / src[4], 1e-4);
        s->op->weight_free(s->backend, weight);
    }
}

Test(facts, attention_is_pytorchs)
{
    static const float wanted[] = {-0.0615756622f, 0.0850247897f,  0.210808208f,    0.284978424f,  0.430631648f,
                                   0.358491214f,   0.198579628f,   -0.00995117696f, -0.229117859f, -0.144320657f,
                                   -0.0241887244f, 0.101865451f,   0.253143677f,    0.283948235f,  0.245232362f,
                                   0.146475054f,   -0.20088138f,   -0.311208391f,   -0.345340734f, -0.294921621f,
                                   -0.237637891f,  -0.0253678097f, 0.193113196f,    0.364313356f};
    float q[24], k[40], v[40]; /* 3 queries, 5 keys, 2 heads of 4 */
    waves(q, 24, k, 40);
    for (int i = 0; i < 40; i++)
        v[i] = (float)sin(0.5 * i);
    FOR_EACH_SIDE(s)
    for (int query = 0; query < 3; query++) { /* tokens counts queries and a slot's keys: one at a time, five slots */
        float dst[8];
        DONE(s,
             attention(s->stream, &(struct pv_attention){.dst = dst,
                                                         .q = q + query * 8,
                                                         .k = k,
                                                         .v = v,
                                                         .takes = 1,
                                                         .tokens = 1,
                                                         .slots = 5,
                                                         .heads = 2,
                                                         .kv_heads = 2,
                                                         .head_dim = 4,
                                                         .scale = 0.5f,
                                                         .kind = query == 1 ? PV_ATTENTION_TIME : PV_ATTENTION_JOINT}));
        expect(s, dst, wanted + query * 8, 8, 1e-6);
    }
}

/* Shares sum to one whatever the scores, so values that are all one come out as one; and who sees whom. */
Test(facts, attention_shares_sum_to_one_and_time_keeps_to_its_token)
{
    enum { TOKENS = 37, SLOTS = 5, DIM = 24, COUNT = SLOTS * TOKENS * DIM };
    static float q[TOKENS * DIM], k[COUNT], v[COUNT], dst[TOKENS * DIM];
    waves(q, TOKENS * DIM, k, COUNT);
    FOR_EACH_SIDE(s)
    for (int kind = PV_ATTENTION_JOINT; kind <= PV_ATTENTION_TIME; kind++) {
        struct pv_attention p = {.dst = dst,
                                 .q = q,
                                 .k = k,
                                 .v = v,
                                 .takes = 1,
                                 .tokens = TOKENS,
                                 .slots = SLOTS,
                                 .heads = 1,
                                 .kv_heads = 1,
                                 .head_dim = DIM,
                                 .scale = 20, /* scores in the hundreds: a softmax that must not overflow */
                                 .kind = (enum pv_attention_kind)kind};
        for (int i = 0; i < COUNT; i++)
            v[i] = 1;
        DONE(s, attention(s->stream, &p));
        for (int i = 0; i < TOKENS * DIM; i++)
            cr_assert_float_eq(dst[i], 1, 1e-6f, "%s: %g", s->op->name, (double)dst[i]);
        if (kind == PV_ATTENTION_TIME) {
            for (int i = 0; i < COUNT; i++)
                v[i] = (float)(i / DIM % TOKENS);
            DONE(s, attention(s->stream, &p));
            for (int i = 0; i < TOKENS * DIM; i++)
                cr_assert_float_eq(dst[i], (float)(i / DIM), 1e-4f);
        }
    }
}

/* ---- latents ---- */

Test(facts, patch_by_hand_and_back)
{
    /* Two latents of 2 x 4, one channel: tokens are the left and the right half. */
    static const float a[] = {0, 1, 2, 3, 4, 5, 6, 7}, b[] = {10, 11, 12, 13, 14, 15, 16, 17};
    static const float wanted[] = {0, 1, 4, 5, 10, 11, 14, 15, 2, 3, 6, 7, 12, 13, 16, 17};
    static const float half[] = {0, 1, 4, 5, 2, 3, 6, 7};
    FOR_EACH_SIDE(s)
    {
        float tokens[16], back[8];
        DONE(s, patch(s->stream,
                      &(struct pv_patch){
                          .dst = tokens, .src = {a, b}, .sources = 2, .height = 2, .width = 4, .channels = 1, .p = 2}));
        expect(s, tokens, wanted, 16, 0);
        DONE(s, unpatch(s->stream,
                        &(struct pv_unpatch){
                            .dst = back, .src = half, .base = b, .height = 2, .width = 4, .channels = 1, .p = 2}));
        expect(s, back, (const float[]){10, 12, 14, 16, 18, 20, 22, 24}, 8, 0);
    }
}

/* Two takes of 2 x 5 tokens of two numbers, still 4. Root mean squares of the first: 3 in the left column, where all
 * there is stays; 1 and 6 to its right, so that half of the change is taken up to a column beside the 6; 9 on the
 * right, all. The second hardly changes: what moves in the first has no say in it. */
Test(facts, what_hardly_changes_stays)
{
    static const float size[4][5] = {{3, 1, 1, 1, 1}, {3, 1, 6, 1, 9}, {2, 2, 2, 2, 2}, {4, 2, 2, 2, 2}};
    static const float share[4][5] = {{0, .5f, .5f, 1, 1}, {0, .5f, .5f, 1, 1}, {0}, {0}};
    float change[40], base[40], wanted[40], dst[40];
    for (int i = 0; i < 40; i++) {
        base[i] = (float)i;
        change[i] = i % 2 ? size[i / 10][i / 2 % 5] : -size[i / 10][i / 2 % 5];
        wanted[i] = base[i] + share[i / 10][i / 2 % 5] * change[i];
    }
    FOR_EACH_SIDE(s)
    {
        DONE(s, unpatch(s->stream, &(struct pv_unpatch){.dst = dst,
                                                        .src = change,
                                                        .base = base,
                                                        .height = 4,
                                                        .width = 5,
                                                        .channels = 2,
                                                        .p = 1,
                                                        .still = 4,
                                                        .takes = 2}));
        expect(s, dst, wanted, 40, 1e-6);
    }
}

Test(facts, latents_are_scaled_and_squashed)
{
    static const float mean[] = {1, -1}, std[] = {2, 0.5f}, x[] = {3, 0, -1, 100};
    FOR_EACH_SIDE(s)
    {
        float dst[4];
        DONE(s, latent_out(s->stream, &(struct pv_latent_out){
                                          .dst = dst, .src = x, .mean = mean, .std = std, .pixels = 2, .channels = 2}));
        expect(s, dst, (const float[]){1, 2, -1, 202}, 4, 1e-6);
        DONE(s, latent_in(s->stream, &(struct pv_latent_in){
                                         .dst = dst, .src = x, .mean = mean, .std = std, .pixels = 2, .channels = 2}));
        expect(s, dst,
               (const float[]){(float)(3 * tanh(7 / 3.0)), (float)(3 * tanh(-1 / 3.0)), (float)(3 * tanh(-1 / 3.0)), 3},
               4, 1e-6);
    }
}

Test(facts, combine_and_level_embedding)
{
    static const float x[] = {1, 2, 3}, y[] = {10, 20, 30};
    FOR_EACH_SIDE(s)
    {
        float dst[4];
        DONE(s, combine(s->stream, &(struct pv_combine){.dst = dst, .x = x, .y = y, .a = 2, .b = -1, .count = 3}));
        expect(s, dst, (const float[]){-8, -16, -24}, 3, 0);
        DONE(s, combine(s->stream, &(struct pv_combine){.dst = dst, .x = x, .a = 2, .b = NAN, .count = 3}));
        expect(s, dst, (const float[]){2, 4, 6}, 3, 0);
        DONE(s, level_embedding(s->stream, &(struct pv_level_embedding){.dst = dst, .level = 0, .dim = 4}));
        expect(s, dst, (const float[]){1, 1, 0, 0}, 4, 0);
        DONE(s, level_embedding(s->stream, &(struct pv_level_embedding){.dst = dst, .level = 0.5f, .dim = 4}));
        expect(s, dst, (const float[]){(float)cos(500), (float)cos(5), (float)sin(500), (float)sin(5)}, 4, 1e-6);
    }
}

/* ---- random numbers ---- */

/* Known answers of philox4x32-10, published with Random123 (Salmon et al. 2011). */
Test(facts, philox_known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], wanted[4];
    } answer[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof answer / sizeof *answer; i++) {
        uint32_t out[4];
        pv_philox(answer[i].counter, answer[i].key, out);
        for (int j = 0; j < 4; j++)
            cr_assert_eq(out[j], answer[i].wanted[j], "answer %zu, word %d is %08x", i, j, out[j]);
    }
}

/* The place of every number: counter {j, frame, purpose, take}, key from the seed; Box-Muller in double. */
Test(facts, noise_is_a_function_of_its_place)
{
    const uint32_t key[2] = {0x89abcdefu, 0x01234567u};
    FOR_EACH_SIDE(s)
    {
        float dst[1027];
        DONE(s, noise(s->stream, &(struct pv_noise){.dst = dst,
                                                    .count = 1027,
                                                    .seed = 0x0123456789abcdefu,
                                                    .take = 7,
                                                    .frame = 3,
                                                    .purpose = 2,
                                                    .takes = 1}));
        for (uint32_t i = 0; i < 1027; i++) {
            const uint32_t counter[4] = {i / 4, 3, 2, 7};
            uint32_t word[4];
            pv_philox(counter, key, word);
            const uint32_t *pair = word + (i % 4 / 2) * 2;
            const double u = ((pair[0] >> 8) + 1) / 16777216.0,
                         angle = 2 * 3.141592653589793 * (pair[1] >> 8) / 16777216.0;
            const double wanted = sqrt(-2 * log(u)) * (i % 2 ? sin(angle) : cos(angle));
            cr_assert(fabs(dst[i] - wanted) < 4e-6, "%s: number %u is %.9g, not %.9g", s->op->name, i, (double)dst[i],
                      wanted);
        }
    }
}

Test(facts, noise_of_takes_is_that_of_their_seeds_and_frames_add)
{
    enum { COUNT = 30, TAKES = 3 };
    const uint32_t past = 40;
    FOR_EACH_SIDE(s)
    {
        float together[TAKES * COUNT], alone[COUNT];
        struct pv_noise p = {.dst = together, .count = COUNT, .seed = UINT32_MAX, .frame = 2, .past = &past};
        p.takes = TAKES;
        DONE(s, noise(s->stream, &p));
        for (int t = 0; t < TAKES; t++) {
            p = (struct pv_noise){.dst = alone, .count = COUNT, .seed = UINT32_MAX, .frame = 42, .takes = 1};
            p.seed += (uint64_t)t; /* past 32 bits */
            DONE(s, noise(s->stream, &p));
            cr_assert_arr_eq(together + t * COUNT, alone, sizeof alone, "%s: take %d", s->op->name, t);
        }
    }
}

Test(facts, noise_is_normal)
{
    enum { COUNT = 200000 };
    static float dst[COUNT];
    FOR_EACH_SIDE(s)
    {
        DONE(s, noise(s->stream, &(struct pv_noise){.dst = dst, .count = COUNT, .seed = 1, .takes = 1}));
        double mean = 0, square = 0, fourth = 0;
        for (int i = 0; i < COUNT; i++) {
            const double x = dst[i];
            mean += x / COUNT;
            square += x * x / COUNT;
            fourth += x * x * x * x / COUNT;
        }
        cr_assert_float_eq(mean, 0, 5 / sqrt(COUNT)); /* five standard deviations each */
        cr_assert_float_eq(square, 1, 5 * sqrt(2.0 / COUNT));
        cr_assert_float_eq(fourth, 3, 5 * sqrt(96.0 / COUNT));
    }
}

/* ---- pictures ---- */

Test(facts, pictures_fold_into_channels_and_back)
{
    /* 2 x 2 pixels, r = 2: channel (c*2 + dy)*2 + dx. */
    static const uint8_t rgb[] = {0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 255};
    static const uint8_t folded[] = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 255};
    FOR_EACH_SIDE(s)
    {
        float features[12];
        uint8_t back[12];
        DONE(s, unshuffle(s->stream,
                          &(struct pv_unshuffle){.dst = features, .src = rgb, .height = 2, .width = 2, .r = 2}));
        for (int i = 0; i < 12; i++)
            cr_assert_eq(features[i], (float)folded[i] / 255.0f);
        DONE(s,
             shuffle(s->stream, &(struct pv_shuffle){.dst = back, .src = features, .height = 2, .width = 2, .r = 2}));
        cr_assert_arr_eq(back, rgb, sizeof rgb);
        static const float wild[] = {-1, 2, NAN, 0.5f, INFINITY, -INFINITY, 1, 0, 0.25f, 0.75f, 1e-3f, 0.999f};
        static const uint8_t tamed[] = {0, 255, 64, 255, 0, 191, 0, 255, 0, 128, 0, 255};
        DONE(s, shuffle(s->stream, &(struct pv_shuffle){.dst = back, .src = wild, .height = 2, .width = 2, .r = 2}));
        for (int i = 0; i < 12; i++)
            cr_assert_eq(back[i], tamed[i], "%s: byte %d is %d, not %d", s->op->name, i, back[i], tamed[i]);
    }
}

/* With kb 1/4 and full range, blue is Y + 3/2 (U - 128): 24 and 48 from one sample of U to the next across and down. */
Test(facts, chroma_is_linear_between_its_samples)
{
    static const uint8_t luma[16] = {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100};
    static const uint8_t chroma[8] = {128, 128, 144, 128, 160, 128, 176, 128};
    static const double on[4] = {0, 0.5, 1, 1}, between[4] = {0, 0.25, 0.75, 1};
    FOR_EACH_SIDE(s)
    for (int place = 0; place < 4; place++) {
        const struct pv_yuv_to_rgb at = {.luma = luma,
                                         .chroma = chroma,
                                         .luma_stride = 4,
                                         .chroma_stride = 4,
                                         .height = 4,
                                         .width = 4,
                                         .bits = 8,
                                         .full_range = true,
                                         .between_x = place % 2,
                                         .between_y = place / 2,
                                         .kr = 0.25,
                                         .kb = 0.25};
        uint8_t rgb[48];
        struct pv_yuv_to_rgb p = at;
        p.dst = rgb;
        DONE(s, yuv_to_rgb(s->stream, &p));
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 4; x++) {
                const double across = (place % 2 ? between : on)[x], down = (place / 2 ? between : on)[y];
                const uint8_t *pixel = rgb + 3 * (4 * y + x);
                cr_assert_eq(pixel[0], 100, "%s: red is %d", s->op->name, pixel[0]);
                cr_assert_eq(pixel[2], 100 + (int)(24 * across + 48 * down), "%s: place %d, blue of (%d, %d) is %d",
                             s->op->name, place, y, x, pixel[2]);
            }
    }
}

/* ITU-T H.273, 8.3, in double, of any samples. */
static double exact_colour(const struct pv_yuv_to_rgb *p, int colour, int y, int u, int v)
{
    const int unit = 1 << (p->bits - 8), most = (1 << p->bits) - 1;
    const double luma = p->full_range ? (double)y / most : (y - 16.0 * unit) / (219 * unit);
    const double blue = (u - 128.0 * unit) / (p->full_range ? most : 224 * unit);
    const double red = (v - 128.0 * unit) / (p->full_range ? most : 224 * unit);
    const double r = luma + 2 * (1 - p->kr) * red, b = luma + 2 * (1 - p->kb) * blue;
    const double g = (luma - p->kr * r - p->kb * b) / (1 - p->kr - p->kb);
    const double value = 255 * (colour == 0 ? r : colour == 1 ? g : b);
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

Test(facts, yuv_is_h273s)
{
    static const double matrix[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}, {0.212, 0.087}, {0.3, 0.11}};
    enum { MATRICES = sizeof matrix / sizeof *matrix, SAMPLES = 4000 };
    uint32_t counter[4] = {0}, word[4];
    static const uint32_t key[2] = {20, 20};
    FOR_EACH_SIDE(s)
    for (int i = 0; i < SAMPLES; i++) {
        counter[0]++;
        pv_philox(counter, key, word);
        struct pv_yuv_to_rgb p = {.luma_stride = 4,
                                  .chroma_stride = 4,
                                  .height = 2,
                                  .width = 2,
                                  .bits = word[3] % 2 ? 10 : 8,
                                  .full_range = word[3] / 2 % 2,
                                  .between_x = true,
                                  .between_y = true,
                                  .kr = matrix[i % MATRICES][0],
                                  .kb = matrix[i % MATRICES][1]};
        int yuv[3];
        for (int k = 0; k < 3; k++) /* at its ends now and then */
            yuv[k] = word[k] % 9 == 0 ? 0 : word[k] % 9 == 1 ? (1 << p.bits) - 1 : (int)(word[k] >> (32 - p.bits));
        uint16_t words[6];
        uint8_t bytes[10], rgb[12];
        for (int k = 0; k < 6; k++)
            words[k] = (uint16_t)(yuv[k < 4 ? 0 : k - 3] << 6);
        for (int k = 0; k < 10; k++) /* the two rows of luma are four bytes apart */
            bytes[k] = (uint8_t)yuv[k < 8 ? 0 : k - 7];
        p.dst = rgb;
        p.luma = p.bits == 8 ? (void *)bytes : words;
        p.chroma = p.bits == 8 ? (void *)(bytes + 8) : words + 4;
        DONE(s, yuv_to_rgb(s->stream, &p));
        for (int k = 0; k < 12; k++) {
            const double exact = exact_colour(&p, k % 3, yuv[0], yuv[1], yuv[2]);
            cr_assert(fabs(rgb[k] - exact) <= 0.51, "%s: byte %d of %d bits (%d, %d, %d) is %d, not %g", s->op->name, k,
                      p.bits, yuv[0], yuv[1], yuv[2], rgb[k], exact);
        }
    }
}

/* ---- refusals ---- */

Test(facts, bad_arguments_are_refused_with_a_sentence)
{
    float x[64] = {0};
    FOR_EACH_SIDE(s)
    {
        struct pv_weight *matrix = NULL, *filter = NULL, *none = NULL;
        DONE(s, linear_weight(s->backend, x, NULL, 4, 4, &matrix, &s->error));
        DONE(s, conv_weight(s->backend, x, NULL, 1, 3, 3, &filter, &s->error));
        cr_assert_eq(s->op->conv_weight(s->backend, x, NULL, 1, 1, 5, &none, &s->error), PV_ERR_ARGUMENT);
        cr_assert_eq(s->op->linear_weight(s->backend, x, NULL, 0, 1, &none, &s->error), PV_ERR_ARGUMENT);
        cr_assert_null(none);

#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        s->error.text[0] = '\0';                                                                                       \
        cr_assert_eq(s->op->call, PV_ERR_ARGUMENT);                                                                    \
        cr_assert(s->error.text[0] != '\0');                                                                           \
    } while (0)
        REFUSED(linear(s->stream, &(struct pv_linear){.dst = x, .src = x, .weight = filter, .rows = 1}));
        REFUSED(linear(s->stream, &(struct pv_linear){.dst = x, .src = x, .weight = matrix, .rows = 0}));
        REFUSED(linear(s->stream, &(struct pv_linear){
                                      .dst = x, .src = x, .gate = x, .weight = matrix, .rows = 4, .rows_per_gate = 3}));
        struct pv_conv conv = {
            .dst = x, .src = x, .weight = filter, .batch = 1, .height = 2, .width = 2, .stride = 2, .upsample = 2};
        REFUSED(conv(s->stream, &conv));
        conv.upsample = 1;
        conv.memory = x; /* three inputs cannot be halved */
        REFUSED(conv(s->stream, &conv));
        conv.memory = NULL;
        conv.batch = INT32_MAX;
        conv.height = conv.width = 1 << 20;
        REFUSED(conv(s->stream, &conv));
        REFUSED(
            norm_modulate(s->stream, &(struct pv_norm_modulate){.dst = x, .src = x, .shift = x, .rows = 1, .dim = 4}));
        REFUSED(attention(s->stream, &(struct pv_attention){.dst = x,
                                                            .q = x,
                                                            .k = x,
                                                            .v = x,
                                                            .takes = 1,
                                                            .tokens = 1,
                                                            .slots = 1,
                                                            .heads = 3,
                                                            .kv_heads = 2,
                                                            .head_dim = 4}));
        REFUSED(level_embedding(s->stream, &(struct pv_level_embedding){.dst = x, .dim = 3}));
        REFUSED(
            shuffle(s->stream, &(struct pv_shuffle){.dst = (uint8_t *)x, .src = x, .height = 3, .width = 2, .r = 2}));
        const struct pv_yuv_to_rgb yuv = {.dst = (uint8_t *)x,
                                          .luma = x,
                                          .chroma = x,
                                          .luma_stride = 8,
                                          .chroma_stride = 8,
                                          .height = 2,
                                          .width = 4,
                                          .bits = 10,
                                          .kr = 0.3,
                                          .kb = 0.1};
        struct pv_yuv_to_rgb bad[12];
        for (int i = 0; i < 12; i++)
            bad[i] = yuv;
        bad[0].luma = NULL;
        bad[1].chroma = NULL;
        bad[2].width = 3;
        bad[3].height = 1;
        bad[4].height = 0;
        bad[5].bits = 9;
        bad[6].luma_stride = 7;
        bad[7].chroma_stride = 9;
        bad[8].luma_stride = SIZE_MAX - 1;
        bad[9].chroma = (char *)x + 1;
        bad[10].kr = NAN;
        bad[11].kb = 0.25;
        for (int i = 0; i < 12; i++)
            REFUSED(yuv_to_rgb(s->stream, &bad[i]));
        s->op->weight_free(s->backend, matrix);
        s->op->weight_free(s->backend, filter);
    }
    struct pv_backend *backend;
    struct pv_error error;
    cr_assert_eq(pv_backend_open("abacus", 0, &backend, &error), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_backend_open("cpu", -1, &backend, &error), PV_ERR_ARGUMENT);
    cr_assert_null(backend);
}
