/* The engine computes what the reference model in PyTorch computes, on every backend: tests/golden/make_golden.py. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static const double tolerance = 1e-4; /* relative to the root mean square, in float */

struct run {
    char model[16], expected[16], backend[16];
};

#define ON_ALL_BACKENDS(model, expected)                                                                               \
    {model, expected, "reference"},                                                                                    \
    {                                                                                                                  \
        model, expected, "cpu"                                                                                         \
    }

static struct run runs[] = {
    ON_ALL_BACKENDS("plain", "plain"),           ON_ALL_BACKENDS("plain", "plain_wide"),
    ON_ALL_BACKENDS("layer_norm", "layer_norm"), ON_ALL_BACKENDS("grouped", "grouped"),
    ON_ALL_BACKENDS("deep_codec", "deep_codec"), ON_ALL_BACKENDS("space_only", "space_only"),
};

/* A model, its recorded tensors, and a rollout of their frames' size. */
struct fixture {
    struct pv_safetensors *set;
    pv_model *model;
    pv_rollout *r;
    const struct pv_op_table *op;
    size_t frame_bytes, latent_bytes;
    float *latent; /* one, on the host */
    uint8_t *frame;
};

static struct fixture open_run(const struct run *run, pv_mode mode, int steps)
{
    char name[64];
    struct fixture f = {.set = NULL};
    snprintf(name, sizeof name, "%s.expected.safetensors", run->expected);
    f.set = golden_open(name);
    snprintf(name, sizeof name, "%s.safetensors", run->model);
    f.model = golden_model(name, run->backend, 2);
    const struct pv_tensor_view *frames = golden_view(f.set, "frames");
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.height = (int)frames->shape[1];
    params.width = (int)frames->shape[2];
    params.mode = mode;
    params.steps = steps;
    params.seed = strtoull(pv_safetensors_metadata(f.set, "seed"), NULL, 16);
    params.take = (uint32_t)strtoul(pv_safetensors_metadata(f.set, "take"), NULL, 10);
    cr_assert(pv_rollout_open(f.model, &params, &f.r) == PV_OK, "%s", pv_rollout_message(f.r));
    f.op = f.r->stream->backend->op;
    f.frame_bytes = (size_t)params.height * (size_t)params.width * 3;
    f.latent_bytes = f.r->latent_count * sizeof(float);
    f.latent = malloc(f.latent_bytes);
    f.frame = malloc(f.frame_bytes);
    cr_assert(f.latent && f.frame);
    return f;
}

static void close_run(struct fixture *f)
{
    free(f->latent);
    free(f->frame);
    pv_rollout_close(f->r);
    pv_model_close(f->model);
    pv_safetensors_close(f->set);
}

static void assert_ok(const struct fixture *f, pv_status status)
{
    cr_assert(status == PV_OK, "%s", f->r->error.text);
}

ParameterizedTestParameters(golden, codec_matches)
{
    return cr_make_param_array(struct run, runs, sizeof runs / sizeof runs[0]);
}

ParameterizedTest(const struct run *run, golden, codec_matches)
{
    struct fixture f = open_run(run, PV_MODE_SAMPLE, 0);
    pv_rollout *r = f.r;
    const uint8_t *frames = golden_view(f.set, "frames")->data, *decoded = golden_view(f.set, "codec.frames")->data;
    const size_t count = (size_t)golden_view(f.set, "frames")->shape[0];
    float *latents = golden_floats(f.set, "codec.latents");
    for (size_t i = 0; i < count; i++) {
        const float *latent = latents + i * r->latent_count;
        assert_ok(&f, f.op->upload(r->stream, r->pixels, frames + i * f.frame_bytes, f.frame_bytes));
        assert_ok(&f,
                  pv_tae_encode(r->stream, &f.model->tae, &r->grid, &r->encoder, &r->features, r->pixels, r->clean));
        assert_ok(&f, f.op->download(r->stream, f.latent, r->clean, f.latent_bytes));
        golden_expect_close(f.latent, latent, r->latent_count, tolerance, "encoded frame", i);
        r->encoder.last = !r->encoder.last;

        assert_ok(&f, f.op->upload(r->stream, r->clean, latent, f.latent_bytes));
        assert_ok(&f,
                  pv_tae_decode(r->stream, &f.model->tae, &r->grid, &r->decoder, &r->features, r->clean, r->pixels));
        assert_ok(&f, f.op->download(r->stream, f.frame, r->pixels, f.frame_bytes));
        golden_expect_bytes(f.frame, decoded + i * f.frame_bytes, f.frame_bytes, "decoded frame", i);
        r->decoder.last = !r->decoder.last;
    }
    free(latents);
    close_run(&f);
}

/* Skipping the picture leaves the same memory as making it. */
Test(golden, decoding_for_memory_alone_changes_nothing)
{
    const struct run run = {"plain", "plain", "reference"};
    struct fixture f = open_run(&run, PV_MODE_SAMPLE, 0);
    pv_rollout *r = f.r;
    const uint8_t *decoded = golden_view(f.set, "codec.frames")->data;
    const size_t count = (size_t)golden_view(f.set, "frames")->shape[0];
    float *latents = golden_floats(f.set, "codec.latents");
    for (size_t i = 0; i < count; i++) {
        assert_ok(&f, f.op->upload(r->stream, r->clean, latents + i * r->latent_count, f.latent_bytes));
        assert_ok(&f, pv_tae_decode(r->stream, &f.model->tae, &r->grid, &r->decoder, &r->features, r->clean,
                                    i + 1 < count ? NULL : r->pixels));
        r->decoder.last = !r->decoder.last;
    }
    assert_ok(&f, f.op->download(r->stream, f.frame, r->pixels, f.frame_bytes));
    golden_expect_bytes(f.frame, decoded + (count - 1) * f.frame_bytes, f.frame_bytes, "decoded frame", count - 1);
    free(latents);
    close_run(&f);
}

ParameterizedTestParameters(golden, noise_matches)
{
    return cr_make_param_array(struct run, runs, sizeof runs / sizeof runs[0]);
}

ParameterizedTest(const struct run *run, golden, noise_matches)
{
    struct fixture f = open_run(run, PV_MODE_SAMPLE, 0);
    pv_rollout *r = f.r;
    float *expected = golden_floats(f.set, "noise");
    assert_ok(&f, f.op->noise(r->stream, &(struct pv_noise){.dst = r->noise,
                                                            .count = r->latent_count,
                                                            .seed = r->seed,
                                                            .take = r->take,
                                                            .frame = 3,
                                                            .purpose = PV_NOISE_COMMIT,
                                                            .takes = 1}));
    assert_ok(&f, f.op->download(r->stream, f.latent, r->noise, f.latent_bytes));
    golden_expect_close(f.latent, expected, r->latent_count, 1e-5, "noise of frame", 3);
    free(expected);
    close_run(&f);
}

ParameterizedTestParameters(golden, rolling_cache_equals_the_whole_sequence)
{
    return cr_make_param_array(struct run, runs, sizeof runs / sizeof runs[0]);
}

/* One frame a pass through the ring, far past the window, against one pass over all frames with a banded mask. */
ParameterizedTest(const struct run *run, golden, rolling_cache_equals_the_whole_sequence)
{
    static const float levels[] = {0.0f, 0.25f, 0.6f, 0.97f};
    struct fixture f = open_run(run, PV_MODE_SAMPLE, 4);
    pv_rollout *r = f.r;
    const struct pv_dit *dit = &f.model->dit;
    const size_t n = r->latent_count, count = (size_t)golden_view(f.set, "dynamics.noisy")->shape[0];
    float *noisy = golden_floats(f.set, "dynamics.noisy"), *history = golden_floats(f.set, "dynamics.history");
    float *clean = golden_floats(f.set, "dynamics.clean"), *level = golden_floats(f.set, "dynamics.levels");
    float *actions = dit->action ? golden_floats(f.set, "dynamics.actions") : NULL;
    float *zero = calloc(n, sizeof *zero), *change = calloc(n, sizeof *change);
    cr_assert(zero && change);
    r->condition.levels = 4;
    memcpy(r->condition.level, levels, sizeof levels);
    assert_ok(&f, pv_dit_condition_levels(r->stream, dit, &r->condition));
    for (size_t i = 0; i < count; i++) {
        r->frames = i;
        struct pv_dit_input in = {.slots = pv_sampler_slots(r),
                                  .slot = &r->now[PV_NOW_SLOT],
                                  .used = &r->now[PV_NOW_USED],
                                  .noisy = r->noisy,
                                  .previous = r->noise,
                                  .change = r->change};
        while (levels[in.level] != level[i])
            in.level++;
        for (size_t j = 0; j < n && i >= 2; j++)
            change[j] = history[(i - 1) * n + j] - history[(i - 2) * n + j];
        assert_ok(&f, f.op->upload(r->stream, r->noisy, noisy + i * n, f.latent_bytes));
        assert_ok(&f, f.op->upload(r->stream, r->noise, i ? history + (i - 1) * n : zero, f.latent_bytes));
        assert_ok(&f, f.op->upload(r->stream, r->change, change, f.latent_bytes));
        assert_ok(&f, pv_sampler_place(r));
        assert_ok(&f, pv_dit_condition_action(r->stream, dit, &r->condition,
                                              actions ? actions + i * (size_t)dit->config.action_size : zero,
                                              r->told[0].action));
        /* As the sampler does: the cache alone first, which must not disturb the pass that follows. */
        assert_ok(&f, pv_dit_forward(r->stream, dit, &r->condition, &r->tokens, &r->cache, &in, NULL));
        assert_ok(&f, pv_dit_forward(r->stream, dit, &r->condition, &r->tokens, &r->cache, &in, r->clean));
        if (i % 2)
            assert_ok(&f, pv_dit_forward(r->stream, dit, &r->condition, &r->tokens, &r->cache, &in, NULL));
        assert_ok(&f, f.op->download(r->stream, f.latent, r->clean, f.latent_bytes));
        golden_expect_close(f.latent, clean + i * n, n, tolerance, "clean latent", i);
    }
    free(noisy);
    free(history);
    free(clean);
    free(level);
    free(actions);
    free(zero);
    free(change);
    close_run(&f);
}

static void expect_rollout(const struct run *run, pv_mode mode, const char *name)
{
    struct fixture f = open_run(run, mode, 0);
    pv_rollout *r = f.r;
    char latents_name[32], frames_name[32];
    snprintf(latents_name, sizeof latents_name, "%s.latents", name);
    snprintf(frames_name, sizeof frames_name, "%s.frames", name);
    const uint8_t *sent = golden_view(f.set, "frames")->data, *frames = golden_view(f.set, frames_name)->data;
    const size_t sent_count = (size_t)golden_view(f.set, "frames")->shape[0];
    const size_t count = (size_t)golden_view(f.set, latents_name)->shape[0];
    const int action_size = f.model->config.dynamics.action_size;
    float *latents = golden_floats(f.set, latents_name);
    float *actions = action_size ? golden_floats(f.set, "actions") : NULL;
    for (size_t i = 0; i < count; i++) {
        /* The recorded action of frame 0 is zero: what an absent one means. */
        const float *action = actions && i > 0 ? actions + i * (size_t)action_size : NULL;
        if (i < sent_count) {
            golden_send(r, sent, i, action);
        } else {
            golden_predict(r, action, f.frame);
            golden_expect_bytes(f.frame, frames + (i - sent_count) * f.frame_bytes, f.frame_bytes, "frame", i);
        }
        assert_ok(&f, f.op->download(r->stream, f.latent, pv_rollout_latent(r, i), f.latent_bytes));
        golden_expect_close(f.latent, latents + i * r->latent_count, r->latent_count, tolerance, "latent", i);
    }
    free(latents);
    free(actions);
    close_run(&f);
}

ParameterizedTestParameters(golden, sampled_rollout_matches)
{
    return cr_make_param_array(struct run, runs, sizeof runs / sizeof runs[0]);
}

ParameterizedTest(const struct run *run, golden, sampled_rollout_matches)
{
    expect_rollout(run, PV_MODE_SAMPLE, "sample");
}

ParameterizedTestParameters(golden, mean_rollout_matches)
{
    return cr_make_param_array(struct run, runs, sizeof runs / sizeof runs[0]);
}

ParameterizedTest(const struct run *run, golden, mean_rollout_matches)
{
    expect_rollout(run, PV_MODE_MEAN, "mean");
}
