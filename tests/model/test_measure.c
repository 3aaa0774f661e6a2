/* test_measure.c: counts against a count by hand, the meter that changes nothing, models without a file. */
#include <criterion/criterion.h>
#include <prevue/measure.h>
#include <stdlib.h>
#include <string.h>

/* One take of every figure that the counts below use: 32 x 32 pixels, 8 x 8 latents, 2 x 2 patches: 16 tokens. */
static const char config[] =
    "{\"schema\": 1, \"family\": \"native\", \"name\": \"counted\", \"width\": 32, \"height\": 32, \"fps\": [24, 1],"
    "\"codec\": {\"type\": \"tae\", \"shuffle\": 2, \"latent_channels\": 4, \"encoder_widths\": [8, 12],"
    "\"encoder_blocks\": [0, 1], \"decoder_widths\": [12, 8], \"decoder_blocks\": [1, 1],"
    "\"latent_mean\": [0, 0, 0, 0], \"latent_std\": [1, 1, 1, 1]},"
    "\"dynamics\": {\"type\": \"dit\", \"hidden\": 32, \"layers\": 2, \"pattern\": [\"space\", \"time\"], \"heads\": 2,"
    "\"kv_heads\": 2, \"head_dim\": 16, \"mlp\": 64, \"patch\": 2, \"window\": 5, \"norm\": \"rms\","
    "\"qk_norm\": \"rms\", \"eps\": 1e-6, \"modulation\": \"shared\", \"level_embedding\": 32,"
    "\"rope_space_max_freq\": 8.0, \"rope_time_theta\": 100.0, \"action_size\": 3, \"action_scale\": [0.1, 0.1, 1.0],"
    "\"motion_input\": true, \"predict\": \"change\"},"
    "\"sampler\": {\"type\": \"rectified_flow\", \"steps\": 3, \"context_level\": 0.97},"
    "\"licence\": \"\", \"trained_on\": \"\"}";

static pv_model *open_counted(const char *backend, uint64_t seed)
{
    pv_model *model;
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = backend;
    params.threads = 1;
    const pv_status status = pv_model_open_random(config, seed, &params, &model);
    cr_assert_eq(status, PV_OK, "%s", pv_model_message(model));
    return model;
}

static pv_rollout *open_rollout(pv_model *model)
{
    pv_rollout *rollout;
    cr_assert_eq(pv_rollout_open(model, NULL, &rollout), PV_OK, "%s", pv_rollout_message(rollout));
    return rollout;
}

static void send(pv_rollout *rollout, int index)
{
    uint8_t pixels[32 * 32 * 3];
    for (int i = 0; i < 32 * 32 * 3; i++)
        pixels[i] = (uint8_t)(i * 7 + index * 31);
    const pv_frame frame = {.data = pixels, .stride = 96, .width = 32, .height = 32};
    cr_assert_eq(pv_rollout_send(rollout, &frame, NULL), PV_OK, "%s", pv_rollout_message(rollout));
}

static void predict(pv_rollout *rollout, uint8_t pixels[32 * 32 * 3])
{
    pv_frame frame = {.data = pixels, .stride = 96, .width = 32, .height = 32};
    cr_assert_eq(pv_rollout_predict(rollout, NULL), PV_OK, "%s", pv_rollout_message(rollout));
    cr_assert_eq(pv_rollout_receive(rollout, &frame), PV_OK);
}

static pv_meter_row row_at(const pv_rollout *rollout, size_t index)
{
    pv_meter_row row = {.struct_size = sizeof row};
    cr_assert_eq(pv_rollout_get_meter(rollout, index, &row), PV_OK);
    return row;
}

/* ---- counts ---- */

/* 2 operations a multiplication with its addition. Pixels are those written; in counts memory. */
static double conv(int pixels, int in, int out)
{
    return 2.0 * pixels * in * out * 9;
}

/* One frame through the transformer, with `slots` frames of history, the present one included. */
static double pass(int slots)
{
    const double tokens = 16, hidden = 32, mlp = 64;
    const double embed = 2 * tokens * (3 * 2 * 2 * 4) * hidden, last = 2 * tokens * hidden * (2 * 2 * 4);
    const double matrices = 2 * tokens * (3 * hidden * hidden + hidden * hidden + 2 * hidden * mlp);
    const double space = 4 * tokens * tokens * hidden, time = 4 * tokens * slots * hidden;
    return embed + 2 * matrices + space + time + last;
}

/* The same as far as the last keys and values: all of the layer over space, and the first product of that over time. */
static double commit_pass(void)
{
    const double tokens = 16, hidden = 32, mlp = 64;
    const double embed = 2 * tokens * 48 * hidden;
    const double layer = 2 * tokens * (4 * hidden * hidden + 2 * hidden * mlp) + 4 * tokens * tokens * hidden;
    return embed + layer + 2 * tokens * 3 * hidden * hidden;
}

Test(measure, operations_are_those_of_a_count_by_hand)
{
    pv_model *model = open_counted("cpu", 1);
    pv_rollout *rollout = open_rollout(model);
    cr_assert_eq(pv_rollout_set_meter(rollout, PV_METER_PARTS), PV_OK);
    send(rollout, 0);
    const int full = 16 * 16, half = 8 * 8; /* pixels after the shuffle, and of a latent */
    const double encode =
        conv(full, 12, 8) + conv(half, 8, 12) + conv(half, 24, 12) + 2 * conv(half, 12, 12) + conv(half, 12, 4);
    /* A filter over a doubled picture needs 4 of its 9 taps. */
    const double to_last_memory =
        conv(half, 4, 12) + conv(half, 24, 12) + 2 * conv(half, 12, 12) + conv(full, 12, 8) * 4 / 9;
    const double decode = to_last_memory + conv(full, 16, 8) + 2 * conv(full, 8, 8) + conv(full, 8, 12);
    cr_expect_float_eq(row_at(rollout, PV_PART_ENCODE).operations, encode, 0.5);
    cr_expect_float_eq(row_at(rollout, PV_PART_COMMIT).operations, commit_pass(), 0.5);
    cr_expect_float_eq(row_at(rollout, PV_PART_DECODE).operations, to_last_memory, 0.5);
    cr_expect_eq(row_at(rollout, PV_PART_SAMPLE).calls, 0);

    uint8_t pixels[32 * 32 * 3];
    cr_assert_eq(pv_rollout_set_meter(rollout, PV_METER_PARTS), PV_OK);
    predict(rollout, pixels); /* frame 1: sees itself and frame 0 */
    cr_expect_eq(row_at(rollout, PV_PART_ENCODE).calls, 0);
    cr_expect_eq(row_at(rollout, PV_PART_CONDITION).calls, 0, "the action has not changed");
    cr_expect_float_eq(row_at(rollout, PV_PART_SAMPLE).operations, 3 * pass(2), 0.5);
    cr_expect_float_eq(row_at(rollout, PV_PART_COMMIT).operations, commit_pass(), 0.5);
    cr_expect_float_eq(row_at(rollout, PV_PART_DECODE).operations, decode, 0.5);
    for (int i = 0; i < 6; i++)
        predict(rollout, pixels);
    cr_assert_eq(pv_rollout_set_meter(rollout, PV_METER_PARTS), PV_OK);
    predict(rollout, pixels);
    cr_expect_float_eq(row_at(rollout, PV_PART_SAMPLE).operations, 3 * pass(5), 0.5, "the window is full");
    pv_rollout_close(rollout);
    pv_model_close(model);
}

/* The bytes of one op whose shape is in its name, and that all ops of a part sum up to it. */
Test(measure, bytes_are_inputs_outputs_and_weights)
{
    pv_model *model = open_counted("cpu", 1);
    pv_rollout *rollout = open_rollout(model);
    uint8_t pixels[32 * 32 * 3];
    send(rollout, 0);
    cr_assert_eq(pv_rollout_set_meter(rollout, PV_METER_OPS), PV_OK);
    predict(rollout, pixels);
    double bytes[PV_PART_COUNT] = {0}, seconds[PV_PART_COUNT] = {0};
    uint64_t calls[PV_PART_COUNT] = {0};
    bool mlp = false, decoder = false;
    pv_meter_row row = {.struct_size = sizeof row};
    size_t i = PV_PART_COUNT;
    for (; pv_rollout_get_meter(rollout, i, &row) == PV_OK; i++) {
        bytes[row.part] += row.bytes;
        seconds[row.part] += row.seconds;
        calls[row.part] += row.calls;
        cr_expect_gt(row.seconds, 0, "%s %s", row.op, row.shape);
        if (row.part == PV_PART_SAMPLE && strcmp(row.op, "linear") == 0 &&
            strcmp(row.shape, "16 x 32 -> 64 gelu") == 0) {
            mlp = true;
            cr_expect_eq(row.calls, 6, "3 steps, 2 layers");
            cr_expect_float_eq(row.bytes, 6 * 4 * (16 * 32 + 16 * 64 + 64 * 33), 0.5);
        }
        if (strcmp(row.op, "conv") == 0 && strcmp(row.shape, "16 x 16, 16 -> 8, 3x3 memory relu") == 0) {
            decoder = true;
            cr_expect_float_eq(row.bytes, 4 * (16 * 16 * 16 + 16 * 16 * 8 + 8 * (16 * 9 + 1)), 0.5);
        }
    }
    cr_expect(mlp, "no row for the MLP");
    cr_expect(decoder, "no row for the decoder's memory block");
    cr_expect_eq(pv_rollout_get_meter(rollout, i, &row), PV_END);
    for (int part = 0; part < PV_PART_COUNT; part++) {
        const pv_meter_row sum = row_at(rollout, (size_t)part);
        cr_expect_null(sum.op);
        cr_expect_eq(sum.calls, calls[part]);
        cr_expect_float_eq(sum.bytes, bytes[part], 0.5);
        cr_expect_float_eq(sum.seconds, seconds[part], 1e-6);
    }
    pv_rollout_close(rollout);
    pv_model_close(model);
}

Test(measure, a_meter_changes_no_prediction)
{
    pv_model *model = open_counted("cpu", 1);
    pv_rollout *plain = open_rollout(model), *metered = open_rollout(model), *copy;
    uint8_t want[32 * 32 * 3], got[32 * 32 * 3];
    cr_assert_eq(pv_rollout_set_meter(metered, PV_METER_PARTS), PV_OK);
    for (int i = 0; i < 2; i++) {
        send(plain, i);
        send(metered, i);
    }
    for (int i = 0; i < 4; i++) {
        predict(plain, want);
        predict(metered, got);
        cr_expect_arr_eq(want, got, sizeof want);
    }
    cr_assert_eq(pv_rollout_fork(metered, &copy), PV_OK);
    cr_assert_eq(pv_rollout_set_meter(metered, PV_METER_OFF), PV_OK);
    pv_meter_row row = {.struct_size = sizeof row};
    cr_expect_eq(pv_rollout_get_meter(metered, 0, &row), PV_ERR_ARGUMENT);
    cr_expect_eq(pv_rollout_get_meter(copy, 0, &row), PV_ERR_ARGUMENT, "a copy has no meter");
    predict(plain, want);
    predict(metered, got);
    cr_expect_arr_eq(want, got, sizeof want);
    predict(copy, got);
    cr_expect_arr_eq(want, got, sizeof want);
    cr_expect_eq(pv_rollout_set_meter(plain, (pv_meter)9), PV_ERR_ARGUMENT);
    pv_rollout_close(copy);
    pv_rollout_close(metered);
    pv_rollout_close(plain);
    pv_model_close(model);
}

/* ---- random models ---- */

Test(measure, a_random_model_is_a_function_of_its_seed)
{
    uint8_t pixels[4][32 * 32 * 3];
    pv_model *models[4] = {open_counted("cpu", 7), open_counted("cpu", 7), open_counted("cpu", 8),
                           open_counted("reference", 7)};
    for (int i = 0; i < 4; i++) {
        pv_rollout *rollout = open_rollout(models[i]);
        send(rollout, 0);
        predict(rollout, pixels[i]);
        pv_rollout_close(rollout);
    }
    cr_expect_arr_eq(pixels[0], pixels[1], sizeof pixels[0]);
    cr_expect_arr_neq(pixels[0], pixels[2], sizeof pixels[0]);
    int worst = 0;
    for (size_t i = 0; i < sizeof pixels[0]; i++) {
        const int off = abs(pixels[0][i] - pixels[3][i]);
        worst = off > worst ? off : worst;
    }
    cr_expect_leq(worst, 1, "cpu and reference differ by %d", worst);
    pv_model_info info = {.struct_size = sizeof info};
    cr_assert_eq(pv_model_get_info(models[0], &info), PV_OK);
    cr_expect_str_eq(info.trained_on, "nothing: random weights");
    /* embed, level twice, action, modulation, blocks, final modulation, final; then the codec's filters */
    const uint64_t dynamics = 32 * 49 + 32 * 33 * 2 + 32 * 3 + 192 * 33 +
                              2 * (96 * 33 + 32 * 33 + 2 * 16 + 64 * 33 + 32 * 65 + 192) + 64 * 33 + 16 * 33;
    const uint64_t encoder =
        8 * (12 * 9 + 1) + 12 * (8 * 9 + 1) + 12 * (24 * 9 + 1) + 2 * 12 * (12 * 9 + 1) + 4 * (12 * 9 + 1);
    const uint64_t decoder = 12 * (4 * 9 + 1) + 12 * (24 * 9 + 1) + 2 * 12 * (12 * 9 + 1) + 8 * (12 * 9 + 1) +
                             8 * (16 * 9 + 1) + 2 * 8 * (8 * 9 + 1) + 12 * (8 * 9 + 1);
    cr_expect_eq(info.parameters, dynamics + encoder + decoder);
    for (int i = 0; i < 4; i++)
        pv_model_close(models[i]);
}

/* Pictures with contrast, neither black nor white all over, also after many frames: numbers have not run away. */
Test(measure, a_random_model_stays_alive)
{
    pv_model *model = open_counted("cpu", 3);
    pv_rollout *rollout = open_rollout(model);
    uint8_t pixels[32 * 32 * 3];
    send(rollout, 0);
    for (int i = 0; i < 300; i++)
        predict(rollout, pixels);
    int low = 255, high = 0;
    for (size_t i = 0; i < sizeof pixels; i++) {
        low = pixels[i] < low ? pixels[i] : low;
        high = pixels[i] > high ? pixels[i] : high;
    }
    cr_expect_gt(high - low, 20);
    pv_rollout_close(rollout);
    pv_model_close(model);
}

Test(measure, a_bad_config_is_named)
{
    pv_model *model;
    cr_expect_eq(pv_model_open_random("{\"schema\": 1}", 0, NULL, &model), PV_ERR_MODEL);
    cr_expect_not_null(strstr(pv_model_message(model), "random weights"), "%s", pv_model_message(model));
    pv_ceilings ceilings = {.struct_size = sizeof ceilings};
    cr_expect_eq(pv_model_measure_ceilings(model, &ceilings), PV_ERR_ARGUMENT);
    pv_model_close(model);
    cr_expect_eq(pv_model_open_random(NULL, 0, NULL, &model), PV_ERR_ARGUMENT);
    pv_model_close(model);
    cr_expect_eq(pv_model_open_random(config, 0, NULL, NULL), PV_ERR_ARGUMENT);
}

Test(measure, ceilings_are_those_of_a_device, .timeout = 120)
{
    pv_model *model = open_counted("cpu", 1);
    pv_ceilings c = {.struct_size = sizeof c};
    cr_assert_eq(pv_model_measure_ceilings(model, &c), PV_OK, "%s", pv_model_message(model));
    cr_expect_eq(c.element_bytes, 4);
    cr_expect(c.operations_per_second > 1e8 && c.operations_per_second < 1e15, "%g", c.operations_per_second);
    cr_expect(c.bytes_per_second > 1e7 && c.bytes_per_second < 1e14, "%g", c.bytes_per_second);
    cr_expect(c.linear_call_seconds > 0 && c.linear_call_seconds < 0.1, "%g", c.linear_call_seconds);
    cr_expect(c.convolution_call_seconds > 0 && c.other_call_seconds > 0);
    pv_model_close(model);
}
