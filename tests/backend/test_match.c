/* test_match.c: every op of the tested backend equals the plain reference on random shapes: odd sizes, tails, one row.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "backend/harness.h"

#define ROUNDS harness_rounds(24)

static struct harness h;

static void open_pair(void)
{
    harness_open(&h, harness_pick(1, 3));
}

static void close_pair(void)
{
    harness_close(&h);
}

TestSuite(match, .init = open_pair, .fini = close_pair, .timeout = 300);

/* A side length: often 1, small or just beside a multiple of 16. */
static int side_length(int most)
{
    const int n = harness_coin() ? harness_pick(1, 9) : 16 * harness_pick(1, 1 + most / 16) + harness_pick(-1, 1);
    return n > most ? most : n;
}

/* Often a multiple of 8: such rows can be read 16 bytes at a time. */
static int row_length(int most)
{
    return harness_coin() ? side_length(most) : 8 * harness_pick(1, most / 8);
}

/* Of a matrix or a filter: often eights in and fours out, which is what tensor cores are used for. */
struct lengths {
    int in, out;
};

static struct lengths lengths_of_sides(int most)
{
    const bool whole = harness_coin();
    return (struct lengths){.in = whole ? 8 * harness_pick(1, most / 8) : side_length(most),
                            .out = whole ? 4 * harness_pick(1, most / 4) : side_length(most)};
}

static size_t product(int a, int b, int c, int d)
{
    return (size_t)a * (size_t)b * (size_t)c * (size_t)d;
}

static enum pv_activation any_activation(void)
{
    return (enum pv_activation)harness_pick(PV_ACTIVATION_NONE, PV_ACTIVATION_GELU_TANH);
}

/* ---- matrices ---- */

static void linear_case(int rows, int groups, int in, int out, bool bias, int residual, bool gated,
                        enum pv_activation activation)
{
    const int stride = harness_coin() ? out : out + (harness_coin() ? 4 * harness_pick(1, 10) : harness_pick(1, 40));
    struct weights w = weights_random(&h, out, in, 0, bias);
    struct buffer src = buffer_random(&h, ACTIVATIONS, product(rows, in, 1, 1), 1);
    struct buffer add = buffer_random(&h, ACTIVATIONS, product(rows, out, 1, 1), 1);
    struct buffer gate = buffer_random(&h, ACTIVATIONS, product(groups, stride, 1, 1), 1);
    struct buffer dst = residual == 2 ? add : buffer_poison(&h, ACTIVATIONS, product(rows, out, 1, 1));
    HARNESS_RUN(&h, linear,
                ((struct pv_linear){.dst = at(&dst, side),
                                    .src = at(&src, side),
                                    .residual = residual ? at(&add, side) : NULL,
                                    .gate = gated ? at(&gate, side) : NULL,
                                    .weight = w.side[side],
                                    .rows = rows,
                                    .rows_per_gate = rows / groups,
                                    .gate_stride = stride,
                                    .activation = activation}));
    harness_compare(&h, &dst, h.tolerance, "linear %d x %d -> %d, bias %d, residual %d, %d gates of %d, activation %d",
                    rows, in, out, bias, residual, gated, groups, (int)activation);
    if (residual != 2)
        buffer_free(&h, &add);
    buffer_free(&h, &dst);
    buffer_free(&h, &gate);
    buffer_free(&h, &src);
    weights_free(&h, &w);
}

Test(match, linear)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        const int groups = harness_pick(1, 3);
        const struct lengths length = lengths_of_sides(200);
        linear_case(groups * side_length(harness_coin() ? 40 : 150), groups, length.in, length.out, harness_coin(),
                    harness_pick(0, 2), harness_coin(), any_activation());
    }
    if (!harness_large())
        return;
    linear_case(144, 1, 384, 1536, true, 0, false, PV_ACTIVATION_GELU_TANH);
    linear_case(288, 2, 768, 192, true, 2, true, PV_ACTIVATION_NONE);
}

/* Sums enough that every size of tile is the best for one of them, on a device of a few multiprocessors. */
Test(match, linear_in_tiles_of_every_size)
{
    static const int rows[] = {33, 150, 470, 500, 500}, out[] = {40, 200, 32, 96, 520};
    for (int i = 0; i < 5; i++)
        linear_case(rows[i], 1, 64, out[i], true, 0, false, PV_ACTIVATION_NONE);
}

/* As many takes make: every stage of a long walk along k in turn, and tails on all sides. */
Test(match, linear_of_many_sums)
{
    linear_case(300, 3, 456, 264, true, 2, true, PV_ACTIVATION_GELU_TANH);
    linear_case(257, 1, 520, 132, false, 1, false, PV_ACTIVATION_NONE);
    linear_case(386, 2, 64, 388, true, 0, false, PV_ACTIVATION_SILU);
}

/* Every size of tile is the best for one of these on a device of a hundred multiprocessors and more; on anything slower
 * they take hours. */
static bool is_device(void)
{
    return getenv("PV_TEST_DEVICE") != NULL;
}

Test(match, linear_of_a_device)
{
    if (!is_device())
        return;
    linear_case(2304, 16, 384, 384, true, 2, true, PV_ACTIVATION_NONE);
    linear_case(9216, 64, 384, 1536, true, 0, false, PV_ACTIVATION_GELU_TANH);
    linear_case(9217, 1, 200, 132, true, 1, false, PV_ACTIVATION_SILU);
    linear_case(70000, 1, 128, 32, false, 0, false, PV_ACTIVATION_NONE);
    linear_case(70000, 1, 128, 48, false, 0, false, PV_ACTIVATION_NONE);
    linear_case(35000, 1, 56, 256, true, 0, false, PV_ACTIVATION_RELU);
}

/* One weight, many row counts: a layout chosen for one must serve the others. */
Test(match, linear_weight_serves_any_number_of_rows)
{
    enum { IN = 96, OUT = 80, MOST = 300 };
    struct weights w = weights_random(&h, OUT, IN, 0, true);
    struct buffer src = buffer_random(&h, ACTIVATIONS, product(MOST, IN, 1, 1), 1);
    static const int rows[] = {64, 1, 300, 2, 17, 64, 128, 5};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer dst = buffer_poison(&h, ACTIVATIONS, product(rows[i], OUT, 1, 1));
        HARNESS_RUN(&h, linear,
                    ((struct pv_linear){
                        .dst = at(&dst, side), .src = at(&src, side), .weight = w.side[side], .rows = rows[i]}));
        harness_compare(&h, &dst, h.tolerance, "linear %d rows", rows[i]);
        buffer_free(&h, &dst);
    }
    buffer_free(&h, &src);
    weights_free(&h, &w);
}

/* ---- convolution ---- */

struct conv_case {
    int batch, height, width, in, out, size, stride, upsample;
    bool memory;
    int residual; /* 0 none, 1 apart, 2 dst itself */
    enum pv_activation activation;
    bool floats;
};

static void conv_run(const struct conv_case *c)
{
    const int out_height = (c->height * c->upsample + c->stride - 1) / c->stride;
    const int out_width = (c->width * c->upsample + c->stride - 1) / c->stride;
    const size_t src_count = product(c->batch, c->height, c->width, c->in);
    const size_t dst_count = product(c->batch, out_height, out_width, c->out);
    struct weights w = weights_random(&h, c->out, c->memory ? 2 * c->in : c->in, c->size, harness_coin());
    struct buffer src = buffer_random(&h, ACTIVATIONS, src_count, 1);
    struct buffer memory = buffer_random(&h, ACTIVATIONS, src_count, 1);
    struct buffer add = buffer_random(&h, ACTIVATIONS, dst_count, 1);
    struct buffer dst = c->residual == 2 ? add : buffer_poison(&h, c->floats ? FLOATS : ACTIVATIONS, dst_count);
    HARNESS_RUN(&h, conv,
                ((struct pv_conv){.dst = at(&dst, side),
                                  .src = at(&src, side),
                                  .memory = c->memory ? at(&memory, side) : NULL,
                                  .residual = c->residual ? at(&add, side) : NULL,
                                  .weight = w.side[side],
                                  .batch = c->batch,
                                  .height = c->height,
                                  .width = c->width,
                                  .stride = c->stride,
                                  .upsample = c->upsample,
                                  .activation = c->activation,
                                  .floats = c->floats}));
    harness_compare(&h, &dst, h.tolerance,
                    "conv %d x %d of %d x %d x %d x %d -> %d, stride %d, upsample %d, memory %d, residual %d, "
                    "activation %d, floats %d",
                    c->size, c->size, c->batch, c->height, c->width, c->in, c->out, c->stride, c->upsample, c->memory,
                    c->residual, (int)c->activation, c->floats);
    if (c->residual != 2)
        buffer_free(&h, &add);
    buffer_free(&h, &dst);
    buffer_free(&h, &memory);
    buffer_free(&h, &src);
    weights_free(&h, &w);
}

Test(match, conv)
{
    for (int i = 0; i < 3 * ROUNDS; i++) {
        const int upsample = harness_pick(1, 2), residual = harness_pick(0, 2);
        const struct lengths channels = lengths_of_sides(33);
        conv_run(&(struct conv_case){.batch = harness_pick(1, 2),
                                     .height = side_length(18),
                                     .width = side_length(18),
                                     .in = channels.in,
                                     .out = channels.out,
                                     .size = harness_coin() ? 3 : 1,
                                     .stride = upsample == 2 ? 1 : harness_pick(1, 2),
                                     .upsample = upsample,
                                     .memory = harness_coin(),
                                     .residual = residual,
                                     .activation = any_activation(),
                                     .floats = residual == 0 && harness_coin()});
    }
    if (!harness_large())
        return;
    conv_run(&(struct conv_case){1, 16, 16, 96, 96, 3, 1, 1, true, 0, PV_ACTIVATION_RELU, false});
    conv_run(&(struct conv_case){1, 16, 16, 96, 48, 3, 1, 2, false, 0, PV_ACTIVATION_NONE, false});
    conv_run(&(struct conv_case){1, 36, 20, 32, 64, 3, 2, 1, false, 0, PV_ACTIVATION_NONE, false});
    conv_run(&(struct conv_case){1, 40, 64, 32, 32, 3, 1, 1, false, 1, PV_ACTIVATION_RELU, false});
}

Test(match, conv_in_tiles_of_every_size)
{
    static const int height[] = {3, 10, 10, 20, 20}, width[] = {11, 15, 47, 25, 25}, out[] = {40, 200, 32, 96, 520};
    for (int i = 0; i < 5; i++)
        conv_run(&(struct conv_case){1, height[i], width[i], 64, out[i], 1, 1, 1, false, 0, PV_ACTIVATION_NONE, false});
}

Test(match, conv_of_a_device)
{
    static const int out[] = {32, 48, 256};
    for (int i = 0; i < 3 && is_device(); i++)
        conv_run(&(struct conv_case){2, 145, 255, 64, out[i], 3, 1, 1, true, 1, PV_ACTIVATION_RELU, false});
}

/* One filter, many picture sizes: a layout chosen for one must serve the others. */
Test(match, conv_weight_serves_any_size)
{
    enum { IN = 48, OUT = 32, MOST = 40 };
    struct weights w = weights_random(&h, OUT, IN, 3, true);
    struct buffer src = buffer_random(&h, ACTIVATIONS, product(MOST, MOST, IN, 1), 1);
    static const int size[][3] = {{16, 16, 1}, {8, 9, 2}, {40, 40, 1}, {1, 1, 1}, {1, 37, 2}, {16, 16, 2}, {16, 16, 1}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        const int up = size[i][2];
        struct buffer dst = buffer_poison(&h, ACTIVATIONS, product(size[i][0] * up, size[i][1] * up, OUT, 1));
        HARNESS_RUN(&h, conv,
                    ((struct pv_conv){.dst = at(&dst, side),
                                      .src = at(&src, side),
                                      .weight = w.side[side],
                                      .batch = 1,
                                      .height = size[i][0],
                                      .width = size[i][1],
                                      .stride = 1,
                                      .upsample = up}));
        harness_compare(&h, &dst, h.tolerance, "conv of %d x %d, upsample %d", size[i][0], size[i][1], up);
        buffer_free(&h, &dst);
    }
    buffer_free(&h, &src);
    weights_free(&h, &w);
}

/* ---- tokens ---- */

static void norm_case(int groups, int rows, int dim, int stride, bool modulated, bool in_place, enum pv_norm norm)
{
    struct buffer src = buffer_random(&h, ACTIVATIONS, product(rows, dim, 1, 1), 3);
    struct buffer shift = buffer_random(&h, ACTIVATIONS, product(groups, stride, 1, 1), 1);
    struct buffer scale = buffer_random(&h, ACTIVATIONS, product(groups, stride, 1, 1), 1);
    struct buffer dst = in_place ? src : buffer_poison(&h, ACTIVATIONS, product(rows, dim, 1, 1));
    HARNESS_RUN(&h, norm_modulate,
                ((struct pv_norm_modulate){.dst = at(&dst, side),
                                           .src = at(&src, side),
                                           .shift = modulated ? at(&shift, side) : NULL,
                                           .scale = modulated ? at(&scale, side) : NULL,
                                           .rows = rows,
                                           .dim = dim,
                                           .rows_per_group = rows / groups,
                                           .group_stride = stride,
                                           .norm = norm,
                                           .eps = 1e-6f}));
    /* A row of one or two channels minus its mean has few right digits left. */
    harness_compare(&h, &dst, norm == PV_NORM_LAYER && dim < 4 ? 1e-2 : h.tolerance,
                    "norm_modulate %d x %d, norm %d, %d groups, modulated %d, in place %d", rows, dim, (int)norm,
                    groups, modulated, in_place);
    if (!in_place)
        buffer_free(&h, &dst);
    buffer_free(&h, &src);
    buffer_free(&h, &shift);
    buffer_free(&h, &scale);
}

Test(match, norm_modulate)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        const int groups = harness_pick(1, 3), rows = groups * side_length(80);
        const int dim = harness_coin() ? side_length(500) : row_length(2100);
        norm_case(groups, rows, dim, harness_coin() ? dim : 3 * dim, harness_coin(), harness_coin(),
                  harness_coin() ? PV_NORM_RMS : PV_NORM_LAYER);
    }
    norm_case(1, 5, 30, 30, true, false, PV_NORM_RMS);
    norm_case(1, 5, 384, 384, true, true, PV_NORM_RMS);
    for (int dim = 256; dim <= 2048; dim *= 2)
        norm_case(1, 5, dim, dim, true, true, PV_NORM_LAYER);
}

Test(match, add)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        const size_t count = (size_t)(harness_coin() ? harness_pick(0, 70) : harness_pick(5000, 20000));
        const enum pv_activation activation = any_activation();
        const bool two = harness_coin();
        float *value = malloc(count * sizeof *value + 1);
        cr_assert(value);
        harness_fill(value, count, harness_coin() ? 1.0f : 30.0f);
        if (count > 0)
            value[0] = 2; /* GELU makes nothing of negative numbers: one is left for the others to be measured by */
        struct buffer a = buffer_from(&h, ACTIVATIONS, value, count);
        struct buffer b = buffer_random(&h, ACTIVATIONS, count, 1);
        struct buffer dst = buffer_poison(&h, ACTIVATIONS, count);
        free(value);
        HARNESS_RUN(&h, add,
                    ((struct pv_add){.dst = at(&dst, side),
                                     .a = at(&a, side),
                                     .b = two ? at(&b, side) : NULL,
                                     .count = count,
                                     .activation = activation}));
        harness_compare(&h, &dst, h.tolerance, "add %zu, two %d, activation %d", count, two, (int)activation);
        HARNESS_RUN(&h, add,
                    ((struct pv_add){.dst = at(&b, side), .a = at(&a, side), .b = at(&b, side), .count = count}));
        harness_compare(&h, &b, h.tolerance, "add %zu in place", count);
        buffer_free(&h, &a);
        buffer_free(&h, &b);
        buffer_free(&h, &dst);
    }
}

/* A whole number that ops read when they run. */
static struct buffer word(uint32_t value)
{
    float bits;
    memcpy(&bits, &value, sizeof bits);
    return buffer_from(&h, FLOATS, &bits, 1);
}

/* eps is as large as what it joins: a head whose product is nearly nothing would be normed noise. slot: of three; -1 =
 * the op is told none. */
static void qkv_case(int takes, int tokens, int in, int heads, int kv_heads, int head_dim, int rope_rows, bool normed,
                     bool rotated, int slot)
{
    const int slots = 3, out = (heads + 2 * kv_heads) * head_dim;
    const size_t kv_count = product(tokens, kv_heads, head_dim, 1), stride = kv_count * (size_t)slots;
    struct weights w = weights_random(&h, out, in, 0, harness_coin());
    struct buffer src = buffer_random(&h, ACTIVATIONS, product(takes, tokens, in, 1), 1);
    struct buffer room = buffer_poison(&h, ACTIVATIONS, product(takes, tokens, out, 1));
    struct buffer q_norm = buffer_random(&h, FLOATS, (size_t)head_dim, 1);
    struct buffer k_norm = buffer_random(&h, FLOATS, (size_t)head_dim, 1);
    struct buffer rope = buffer_random(&h, FLOATS, product(rope_rows, head_dim, 1, 1), 1);
    struct buffer q = buffer_poison(&h, ACTIVATIONS, product(takes, tokens, heads, head_dim));
    struct buffer k = buffer_random(&h, ACTIVATIONS, stride * (size_t)takes, 1);
    struct buffer v = buffer_random(&h, ACTIVATIONS, stride * (size_t)takes, 1);
    struct buffer place = word(slot < 0 ? 0 : (uint32_t)slot);
    HARNESS_RUN(&h, qkv,
                ((struct pv_qkv){.q = at(&q, side),
                                 .k = at(&k, side),
                                 .v = at(&v, side),
                                 .src = at(&src, side),
                                 .product = at(&room, side),
                                 .weight = w.side[side],
                                 .q_norm = normed ? at(&q_norm, side) : NULL,
                                 .k_norm = normed ? at(&k_norm, side) : NULL,
                                 .rope = rotated ? at(&rope, side) : NULL,
                                 .rope_rows = rope_rows,
                                 .takes = takes,
                                 .tokens = tokens,
                                 .heads = heads,
                                 .kv_heads = kv_heads,
                                 .head_dim = head_dim,
                                 .kv_take_stride = stride,
                                 .slot = slot < 0 ? NULL : at(&place, side),
                                 .eps = 1.0f}));
    const struct buffer *result[] = {&q, &k, &v}; /* k and v: the other slots must be untouched, too */
    for (int o = 0; o < 3; o++)
        harness_compare(
            &h, result[o], h.tolerance,
            "qkv's %c: %d takes, %d tokens, %d -> %d / %d heads of %d, norm %d, rope %d of %d rows, slot %d", "qkv"[o],
            takes, tokens, in, heads, kv_heads, head_dim, normed, rotated, rope_rows, slot);
    struct buffer *all[] = {&src, &room, &q_norm, &k_norm, &rope, &q, &k, &v, &place};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_free(&h, all[i]);
    weights_free(&h, &w);
}

Test(match, qkv)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        const int tokens = side_length(70), kv_heads = harness_pick(1, 3);
        const bool normed = harness_coin(), rotated = harness_coin();
        const int head_dim = harness_coin() ? 64 * harness_pick(1, 2)
                             : rotated      ? 2 * side_length(64)
                                            : side_length(128); /* pairs turn; an odd one is only normed */
        qkv_case(harness_pick(1, 3), tokens, row_length(200), kv_heads * harness_pick(1, 2), kv_heads, head_dim,
                 harness_coin() ? tokens : 1, normed, rotated, harness_pick(-1, 2));
    }
    if (harness_large())
        qkv_case(1, 144, 384, 6, 6, 64, 144, true, true, 1);
}

Test(match, qkv_in_tiles_of_every_size)
{
    for (int head_dim = 64; head_dim <= 128; head_dim *= 2) {
        qkv_case(2, 25, 136, 3, 1, head_dim, 25, true, true, 2);
        qkv_case(2, 125, 64, 3, 1, head_dim, 125, true, true, -1);
    }
}

/* As many takes make: wgmma's on Hopper. */
Test(match, qkv_of_many_sums)
{
    qkv_case(3, 100, 456, 3, 1, 64, 100, true, true, 2);
    qkv_case(1, 257, 136, 2, 1, 64, 1, false, true, -1);
    qkv_case(2, 193, 72, 2, 1, 128, 193, true, false, 1);
}

Test(match, qkv_of_a_device)
{
    for (int head_dim = 64; head_dim <= 128 && is_device(); head_dim *= 2) {
        qkv_case(64, 144, 384, 384 / head_dim, 384 / head_dim, head_dim, 144, true, true, 2);
        qkv_case(64, 145, 56, 384 / head_dim, 384 / head_dim, head_dim, 145, true, true, 1);
    }
}

/* between: elements between the keys of two takes. used: 0 = the op is told none. */
static void attention_case(enum pv_attention_kind kind, int takes, int tokens, int slots, int used, int heads,
                           int kv_heads, int head_dim, int between, float scale)
{
    const size_t stride = product(slots, tokens, kv_heads, head_dim) + (size_t)between;
    const size_t q_count = product(takes, tokens, heads, head_dim), kv_count = stride * (size_t)takes;
    struct buffer q = buffer_random(&h, ACTIVATIONS, q_count, 2);
    struct buffer k = buffer_random(&h, ACTIVATIONS, kv_count, 2);
    struct buffer v = buffer_random(&h, ACTIVATIONS, kv_count, 1);
    struct buffer dst = buffer_poison(&h, ACTIVATIONS, q_count);
    struct buffer count = word((uint32_t)used);
    HARNESS_RUN(&h, attention,
                ((struct pv_attention){.dst = at(&dst, side),
                                       .q = at(&q, side),
                                       .k = at(&k, side),
                                       .v = at(&v, side),
                                       .takes = takes,
                                       .tokens = tokens,
                                       .slots = slots,
                                       .heads = heads,
                                       .kv_heads = kv_heads,
                                       .head_dim = head_dim,
                                       .kv_take_stride = stride,
                                       .used = used ? at(&count, side) : NULL,
                                       .scale = scale,
                                       .kind = kind}));
    harness_compare(&h, &dst, h.tolerance,
                    "attention kind %d: %d takes, %d tokens, %d slots, %d used, %d / %d heads of %d, scale %g",
                    (int)kind, takes, tokens, slots, used, heads, kv_heads, head_dim, (double)scale);
    buffer_free(&h, &count);
    buffer_free(&h, &q);
    buffer_free(&h, &k);
    buffer_free(&h, &v);
    buffer_free(&h, &dst);
}

Test(match, attention)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        const int kv_heads = harness_pick(1, 2), heads = kv_heads * harness_pick(1, 2);
        const int head_dim = harness_coin() ? side_length(70) : 32 << harness_pick(0, 2);
        const float scale = head_dim > 70 ? 0.5f : 1; /* floats have room for no larger scores at this tolerance */
        const int slots = harness_coin() ? 1 : harness_pick(2, 17);
        attention_case(harness_coin() ? PV_ATTENTION_JOINT : PV_ATTENTION_TIME, harness_pick(1, 2), side_length(70),
                       slots, harness_pick(0, slots), heads, kv_heads, head_dim,
                       harness_coin() ? 0 : harness_pick(1, 12) * (harness_coin() ? 8 : 1),
                       harness_coin() ? 0.125f : scale);
    }
    attention_case(PV_ATTENTION_JOINT, 2, 37, 5, 4, 2, 1, 64, 8, 0.125f);
    attention_case(PV_ATTENTION_JOINT, 2, 37, 3, 0, 2, 1, 128, 8, 0.125f);
    for (int head_dim = 32; head_dim <= 128; head_dim *= 2)
        attention_case(PV_ATTENTION_TIME, 2, 9, 17, head_dim == 64 ? 7 : 0, 2, 1, head_dim, 8, 0.125f);
    if (!harness_large())
        return;
    attention_case(PV_ATTENTION_JOINT, 1, 144, 1, 0, 6, 6, 64, 0, 0.125f);
    attention_case(PV_ATTENTION_JOINT, 1, 144, 4, 0, 2, 1, 128, 0, 0.09f);
    attention_case(PV_ATTENTION_JOINT, 2, 150, 1, 0, 2, 2, 128, 0, 0.09f);
    attention_case(PV_ATTENTION_JOINT, 1, 1024, 1, 0, 1, 1, 32, 0, 0.18f);
    attention_case(PV_ATTENTION_TIME, 2, 144, 64, 0, 6, 6, 64, 0, 0.125f);
    if (!is_device())
        return;
    attention_case(PV_ATTENTION_JOINT, 16, 144, 1, 0, 6, 6, 64, 0, 0.125f);
    attention_case(PV_ATTENTION_JOINT, 16, 144, 1, 0, 6, 6, 128, 0, 0.09f);
}

/* ---- latents ---- */

/* base: none, apart, dst itself. */
static void unpatch_case(int height, int width, int channels, int p, int base, float still, int takes)
{
    const size_t count = product(height, width, channels, 1);
    struct buffer latent = buffer_random(&h, FLOATS, count, 1), change = buffer_random(&h, ACTIVATIONS, count, 1);
    struct buffer dst = base == 2 ? latent : buffer_poison(&h, FLOATS, count);
    HARNESS_RUN(&h, unpatch,
                ((struct pv_unpatch){.dst = at(&dst, side),
                                     .src = at(&change, side),
                                     .base = base ? at(&latent, side) : NULL,
                                     .still = still,
                                     .takes = takes,
                                     .height = height,
                                     .width = width,
                                     .channels = channels,
                                     .p = p}));
    harness_compare(&h, &dst, h.tolerance, "unpatch %d x %d x %d by %d, base %d, still %g, %d takes", height, width,
                    channels, p, base, (double)still, takes);
    if (base != 2)
        buffer_free(&h, &dst);
    buffer_free(&h, &change);
    buffer_free(&h, &latent);
}

Test(match, patch_and_unpatch)
{
    for (int i = 0; i < ROUNDS; i++) {
        const int p = harness_pick(1, 3), sources = harness_pick(1, 3), channels = side_length(33);
        const int takes = harness_pick(1, 3), height = p * takes * side_length(17), width = p * side_length(17);
        const size_t count = product(height, width, channels, 1);
        struct buffer latent[3], tokens = buffer_poison(&h, ACTIVATIONS, count * (size_t)sources);
        for (int s = 0; s < 3; s++)
            latent[s] = buffer_random(&h, FLOATS, count, 1);
        HARNESS_RUN(&h, patch,
                    ((struct pv_patch){.dst = at(&tokens, side),
                                       .src = {at(&latent[0], side), at(&latent[1], side), at(&latent[2], side)},
                                       .sources = sources,
                                       .height = height,
                                       .width = width,
                                       .channels = channels,
                                       .p = p}));
        harness_compare(&h, &tokens, h.tolerance > 1e-5 ? h.tolerance : 0, "patch %d of %d x %d x %d by %d", sources,
                        height, width, channels, p);
        const int base = harness_pick(0, 2);
        /* Tokens of many numbers have a root mean square of .58; the largest around is somewhat more. */
        const float still = base ? (float[]){0, 0.3f, 0.45f, 0.7f}[harness_pick(0, 3)] : 0;
        unpatch_case(height, width, channels, p, base, still, takes);
        for (int s = 0; s < 3; s++)
            buffer_free(&h, &latent[s]);
        buffer_free(&h, &tokens);
    }
}

/* Tokens of few numbers, so that some rest and their neighbours do not, in takes that have more than one row each. */
Test(match, unpatch_keeps_still_in_each_take)
{
    for (int i = 0; i < ROUNDS; i++) {
        const int p = harness_pick(1, 2), takes = harness_pick(2, 4), channels = harness_pick(1, 3);
        const int height = p * takes * harness_pick(2, 9), width = p * harness_pick(11, 23);
        unpatch_case(height, width, channels, p, 1, 0.5f, takes);
    }
}

Test(match, latent_out_and_in)
{
    for (int i = 0; i < ROUNDS; i++) {
        const int channels = side_length(40);
        const size_t pixels = (size_t)side_length(600), count = pixels * (size_t)channels;
        float std[64];
        for (int c = 0; c < channels; c++)
            std[c] = 0.25f * (float)harness_pick(1, 12);
        struct buffer features = buffer_random(&h, ACTIVATIONS, count, 3);
        struct buffer latents = buffer_random(&h, FLOATS, count, harness_coin() ? 0.01f : 5.0f);
        struct buffer mean = buffer_random(&h, FLOATS, (size_t)channels, harness_coin() ? 0.0f : 1.0f);
        struct buffer scale = buffer_from(&h, FLOATS, std, (size_t)channels);
        struct buffer out = buffer_poison(&h, FLOATS, count), in = buffer_poison(&h, ACTIVATIONS, count);
        HARNESS_RUN(&h, latent_out,
                    ((struct pv_latent_out){.dst = at(&out, side),
                                            .src = at(&features, side),
                                            .mean = at(&mean, side),
                                            .std = at(&scale, side),
                                            .pixels = pixels,
                                            .channels = channels}));
        harness_compare(&h, &out, h.tolerance, "latent_out %zu x %d", pixels, channels);
        HARNESS_RUN(&h, latent_in,
                    ((struct pv_latent_in){.dst = at(&in, side),
                                           .src = at(&latents, side),
                                           .mean = at(&mean, side),
                                           .std = at(&scale, side),
                                           .pixels = pixels,
                                           .channels = channels}));
        harness_compare(&h, &in, h.tolerance, "latent_in %zu x %d", pixels, channels);
        buffer_free(&h, &features);
        buffer_free(&h, &latents);
        buffer_free(&h, &mean);
        buffer_free(&h, &scale);
        buffer_free(&h, &out);
        buffer_free(&h, &in);
    }
}

Test(match, combine)
{
    for (int i = 0; i < ROUNDS; i++) {
        const size_t count = (size_t)(harness_coin() ? harness_pick(0, 70) : harness_pick(5000, 20000));
        float factor[2];
        harness_fill(factor, 2, 2);
        const bool two = harness_coin(), in_place = harness_coin();
        struct buffer x = buffer_random(&h, FLOATS, count, 1), y = buffer_random(&h, FLOATS, count, 1);
        struct buffer dst = in_place ? (two ? y : x) : buffer_poison(&h, FLOATS, count);
        HARNESS_RUN(&h, combine,
                    ((struct pv_combine){.dst = at(&dst, side),
                                         .x = at(&x, side),
                                         .y = two ? at(&y, side) : NULL,
                                         .a = factor[0],
                                         .b = factor[1],
                                         .count = count}));
        harness_compare(&h, &dst, 1e-5, "combine %zu, two %d, in place %d", count, two, in_place);
        if (!in_place)
            buffer_free(&h, &dst);
        buffer_free(&h, &x);
        buffer_free(&h, &y);
    }
}

Test(match, noise)
{
    for (int i = 0; i < ROUNDS; i++) {
        const size_t count = (size_t)(harness_coin() ? harness_pick(1, 300) : harness_pick(5000, 60000));
        const uint64_t seed = (uint64_t)harness_pick(0, INT32_MAX - 1) << 20;
        const uint32_t take = (uint32_t)harness_pick(0, 9), frame = (uint32_t)harness_pick(0, 9999);
        const int takes = harness_pick(1, 3);
        struct buffer past = word((uint32_t)harness_pick(0, 9999));
        struct buffer dst = buffer_poison(&h, FLOATS, (size_t)takes * count);
        const bool later = harness_coin();
        HARNESS_RUN(&h, noise,
                    ((struct pv_noise){.dst = at(&dst, side),
                                       .count = count,
                                       .seed = seed,
                                       .take = take,
                                       .frame = frame,
                                       .purpose = 1,
                                       .takes = takes,
                                       .past = later ? at(&past, side) : NULL}));
        harness_compare(&h, &dst, 1e-5, "noise %d x %zu, past %d", takes, count, later);
        buffer_free(&h, &dst);
        buffer_free(&h, &past);
    }
}

Test(match, level_embedding)
{
    for (int i = 0; i < ROUNDS; i++) {
        const int dim = 2 * side_length(200);
        const float level = (float)harness_pick(0, 1000) / 1000.0f;
        struct buffer dst = buffer_poison(&h, ACTIVATIONS, (size_t)dim);
        HARNESS_RUN(&h, level_embedding,
                    ((struct pv_level_embedding){.dst = at(&dst, side), .level = level, .dim = dim}));
        harness_compare(&h, &dst, h.tolerance, "level_embedding %d at %g", dim, (double)level);
        buffer_free(&h, &dst);
    }
}

/* ---- pictures ---- */

Test(match, pictures)
{
    for (int i = 0; i < ROUNDS; i++) {
        const int r = harness_pick(1, 4), height = r * side_length(40), width = r * side_length(40);
        const size_t count = product(height, width, 3, 1);
        struct buffer bytes = buffer_random(&h, BYTES, count, 1), features = buffer_poison(&h, ACTIVATIONS, count);
        HARNESS_RUN(
            &h, unshuffle,
            ((struct pv_unshuffle){
                .dst = at(&features, side), .src = at(&bytes, side), .height = height, .width = width, .r = r}));
        harness_compare(&h, &features, h.tolerance > 1e-5 ? h.tolerance : 0, "unshuffle %d x %d by %d", height, width,
                        r);

        float *value = malloc(count * sizeof *value); /* a little beyond [0, 1], and exactly between two bytes */
        cr_assert(value);
        for (size_t j = 0; j < count; j++)
            value[j] = (float)harness_pick(-20, 531) / 510.0f;
        const bool floats = harness_coin();
        struct buffer wide = buffer_from(&h, floats ? FLOATS : ACTIVATIONS, value, count),
                      back = buffer_poison(&h, BYTES, count);
        HARNESS_RUN(&h, shuffle,
                    ((struct pv_shuffle){.dst = at(&back, side),
                                         .src = at(&wide, side),
                                         .height = height,
                                         .width = width,
                                         .r = r,
                                         .floats = floats}));
        harness_compare(&h, &back, 0, "shuffle %d x %d by %d", height, width, r);
        free(value);
        buffer_free(&h, &wide);
        buffer_free(&h, &back);
        buffer_free(&h, &bytes);
        buffer_free(&h, &features);
    }
}

/* whole: it begins, and its rows do, at four samples. */
static void yuv_case(int bits, int height, int width, bool whole)
{
    const size_t sample = bits == 8 ? 1 : 2, row = (size_t)width * sample, step = whole ? 4 * sample : sample;
    const size_t luma_stride = row + step * (size_t)harness_pick(0, 3);
    const size_t chroma_stride = row + step * (size_t)harness_pick(0, 3);
    const size_t shift = whole ? 0 : sample * (size_t)harness_pick(0, 3),
                 dst_shift = whole ? 0 : (size_t)harness_pick(0, 3);
    const bool full = harness_coin(), between_x = harness_coin(), between_y = harness_coin();
    const double kr = harness_pick(50, 300) / 1000.0, kb = harness_pick(20, 200) / 1000.0;
    struct buffer luma = buffer_random(&h, BYTES, luma_stride * (size_t)height + shift, 1);
    struct buffer chroma = buffer_random(&h, BYTES, chroma_stride * (size_t)height / 2 + shift, 1);
    struct buffer dst = buffer_poison(&h, BYTES, product(height, width, 3, 1) + dst_shift);
    HARNESS_RUN(&h, yuv_to_rgb,
                ((struct pv_yuv_to_rgb){.dst = (uint8_t *)at(&dst, side) + dst_shift,
                                        .luma = (char *)at(&luma, side) + shift,
                                        .chroma = (char *)at(&chroma, side) + shift,
                                        .luma_stride = luma_stride,
                                        .chroma_stride = chroma_stride,
                                        .height = height,
                                        .width = width,
                                        .bits = bits,
                                        .full_range = full,
                                        .between_x = between_x,
                                        .between_y = between_y,
                                        .kr = kr,
                                        .kb = kb}));
    harness_compare(&h, &dst, 0,
                    "yuv_to_rgb %d x %d, %d bits, strides %zu and %zu, shifts %zu and %zu, full %d, between %d %d, "
                    "kr %g, kb %g",
                    height, width, bits, luma_stride, chroma_stride, shift, dst_shift, full, between_x, between_y, kr,
                    kb);
    buffer_free(&h, &luma);
    buffer_free(&h, &chroma);
    buffer_free(&h, &dst);
}

Test(match, yuv_to_rgb)
{
    for (int i = 0; i < 3 * ROUNDS; i++) {
        const bool whole = harness_coin();
        const int width = whole ? 4 * side_length(99) : 2 * side_length(99);
        yuv_case(harness_coin() ? 8 : 10, 2 * side_length(20), width, whole);
    }
    for (int bits = 8; bits <= 10; bits += 2) {
        yuv_case(bits, 6, 130, false);
        yuv_case(bits, 6, 136, true);
    }
}
