/* What a rollout promises: the same seed gives the same bytes, and saving, loading, forking, stopping and threads
 * change nothing; other takes differ; mistakes are refused and leave it as it was. On every backend. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scratch_folder.h"
#include "golden.h"

enum { SIDE = 32, FRAME_BYTES = SIDE * SIDE * 3, SENT = 3, FUTURE = 12 /* more than two windows of 5 */ };

struct backend {
    char name[16];
};

static struct backend backends[] = {{"reference"}, {"cpu"}};

#define ON_ALL_BACKENDS(test)                                                                                          \
    ParameterizedTestParameters(rollout, test)                                                                         \
    {                                                                                                                  \
        return cr_make_param_array(struct backend, backends, sizeof backends / sizeof backends[0]);                    \
    }                                                                                                                  \
    ParameterizedTest(const struct backend *backend, rollout, test)

/* Observed frames that move, and an action for every frame. */
static uint8_t observed[SENT * FRAME_BYTES];
static float actions[64][3];

static void draw_observations(void)
{
    for (int i = 0; i < SENT * FRAME_BYTES; i++) {
        const int channel = i % 3, x = i / 3 % SIDE, y = i / (3 * SIDE) % SIDE, t = i / FRAME_BYTES;
        observed[i] = (uint8_t)(128 + 100 * sin(0.4 * x + 0.3 * channel * y + 0.7 * t));
    }
    for (int i = 0; i < 64; i++) {
        actions[i][0] = i < 6 ? 0.5f : 0.1f * (float)i; /* the same for a while, then another each frame */
        actions[i][1] = -9.8f;
        actions[i][2] = 1.0f;
    }
}

static pv_rollout *start_without_action(pv_model *model)
{
    pv_rollout *r;
    cr_assert(pv_rollout_open(model, NULL, &r) == PV_OK, "%s", pv_rollout_message(r));
    draw_observations();
    for (size_t i = 0; i < SENT; i++)
        golden_send(r, observed, i, NULL);
    return r;
}

static pv_rollout *start(pv_model *model, uint64_t seed, uint32_t take)
{
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.seed = seed;
    params.take = take;
    pv_rollout *r;
    cr_assert(pv_rollout_open(model, &params, &r) == PV_OK, "%s", pv_rollout_message(r));
    draw_observations();
    for (size_t i = 0; i < SENT; i++)
        golden_send(r, observed, i, actions[i]);
    return r;
}

/* Frames first .. first + count - 1 of the future into their places in bytes. */
static void go_on(pv_rollout *r, size_t first, size_t count, uint8_t *bytes)
{
    for (size_t i = first; i < first + count; i++)
        golden_predict(r, actions[SENT + i], bytes + i * FRAME_BYTES);
}

static void expect_same(const uint8_t *a, const uint8_t *b, size_t first, size_t count, const char *what)
{
    for (size_t i = first * FRAME_BYTES; i < (first + count) * FRAME_BYTES; i++)
        cr_assert(a[i] == b[i], "%s: frame %zu, byte %zu is %d, expected %d", what, i / FRAME_BYTES, i % FRAME_BYTES,
                  a[i], b[i]);
}

static bool differs(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, FRAME_BYTES) != 0;
}

static uint8_t expected[FUTURE * FRAME_BYTES], found[FUTURE * FRAME_BYTES], other[FUTURE * FRAME_BYTES];

ON_ALL_BACKENDS(same_seed_same_bytes_and_other_takes_differ)
{
    pv_model *model = golden_model("plain.safetensors", backend->name, 2);
    static const uint64_t seeds[] = {5, 5, 6, 5, UINT64_C(5) << 32};
    static const uint32_t takes[] = {0, 0, 0, 1, 0};
    for (size_t i = 0; i < 5; i++) {
        pv_rollout *r = start(model, seeds[i], takes[i]);
        go_on(r, 0, FUTURE, i ? found : expected);
        pv_rollout_close(r);
        if (i == 1)
            expect_same(found, expected, 0, FUTURE, "the same seed and take");
        if (i > 1)
            cr_assert(differs(found, expected), "seed %llu take %u makes the same first frame",
                      (unsigned long long)seeds[i], takes[i]);
    }
    pv_model_close(model);
}

ON_ALL_BACKENDS(threads_agree_to_rounding)
{
    for (int threads = 1; threads <= 2; threads++) {
        pv_model *model = golden_model("plain.safetensors", backend->name, threads);
        pv_rollout *r = start(model, 1, 0);
        go_on(r, 0, FUTURE, threads == 1 ? expected : found);
        pv_rollout_close(r);
        pv_model_close(model);
    }
    for (size_t i = 0; i < sizeof expected; i++)
        cr_assert(abs(expected[i] - found[i]) <= 1, "byte %zu: %d with one thread, %d with two", i, expected[i],
                  found[i]);
}

ON_ALL_BACKENDS(a_fork_continues_bit_for_bit_and_alone)
{
    pv_model *model = golden_model("plain.safetensors", backend->name, 2);
    pv_rollout *r = start(model, 3, 0), *fork, *take;
    go_on(r, 0, 4, expected);
    cr_assert_eq(pv_rollout_fork(r, &fork), PV_OK);
    cr_assert_eq(pv_rollout_fork(r, &take), PV_OK);
    cr_assert_eq(pv_rollout_set_take(take, 3, 9), PV_OK);
    go_on(take, 4, 2, other);
    go_on(r, 4, FUTURE - 4, expected);
    pv_rollout_close(r); /* a fork needs the model alone */
    go_on(take, 6, 2, other);
    go_on(fork, 4, FUTURE - 4, found);
    expect_same(found, expected, 4, FUTURE - 4, "fork");
    cr_assert(differs(other + 4 * FRAME_BYTES, expected + 4 * FRAME_BYTES), "another take makes the same frame");
    pv_rollout_close(fork);
    pv_rollout_close(take);
    pv_model_close(model);
}

ON_ALL_BACKENDS(a_saved_rollout_continues_bit_for_bit)
{
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    pv_model *model = golden_model("plain.safetensors", backend->name, 2);
    pv_rollout *r = start(model, UINT64_MAX, UINT32_MAX), *loaded;
    go_on(r, 0, FUTURE, expected);
    pv_rollout_close(r);
    static const size_t moments[] = {0, 1, 6};
    for (size_t i = 0; i < 3; i++) {
        r = start(model, UINT64_MAX, UINT32_MAX);
        go_on(r, 0, moments[i], found);
        cr_assert(pv_rollout_save(r, path) == PV_OK, "%s", pv_rollout_message(r));
        pv_rollout_close(r);
        cr_assert(pv_rollout_load(model, path, NULL, &loaded) == PV_OK, "%s", pv_rollout_message(loaded));
        go_on(loaded, moments[i], FUTURE - moments[i], found);
        expect_same(found, expected, moments[i], FUTURE - moments[i], "loaded");
        pv_rollout_close(loaded);
    }
    pv_model_close(model);
    folder_close(&folder);
}

Test(rollout, a_waiting_frame_is_saved_and_forked_too)
{
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout *r = start(model, 3, 0), *copies[2];
    go_on(r, 0, 1, expected);
    const pv_action action = {actions[SENT + 1], 3};
    cr_assert_eq(pv_rollout_predict(r, &action), PV_OK);
    cr_assert_eq(pv_rollout_fork(r, &copies[0]), PV_OK);
    cr_assert_eq(pv_rollout_save(r, path), PV_OK);
    cr_assert_eq(pv_rollout_load(model, path, NULL, &copies[1]), PV_OK);
    pv_frame frame = {.data = expected, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    cr_assert_eq(pv_rollout_receive(r, &frame), PV_OK);
    for (int i = 0; i < 2; i++) {
        frame = (pv_frame){.data = found, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
        cr_assert_eq(pv_rollout_predict(copies[i], &action), PV_AGAIN);
        cr_assert_eq(pv_rollout_receive(copies[i], &frame), PV_OK);
        cr_assert_eq(frame.index, 1);
        expect_same(found, expected, 0, 1, "waiting frame");
        cr_assert_eq(pv_rollout_receive(copies[i], &frame), PV_AGAIN);
        pv_rollout_close(copies[i]);
    }
    pv_rollout_close(r);
    pv_model_close(model);
    folder_close(&folder);
}

/* Every model's kind of state: no memory blocks, no cache, caches of grouped heads, another size. */
Test(rollout, every_kind_of_state_can_be_saved)
{
    static const char *const models[] = {"layer_norm.safetensors", "grouped.safetensors", "deep_codec.safetensors",
                                         "space_only.safetensors"};
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    for (size_t i = 0; i < 4; i++) {
        pv_model *model = golden_model(models[i], "reference", 1);
        pv_rollout_params params;
        pv_rollout_params_init(&params);
        params.width = params.height = SIDE;
        params.mode = i % 2 ? PV_MODE_MEAN : PV_MODE_SAMPLE;
        pv_rollout *r, *loaded;
        cr_assert_eq(pv_rollout_open(model, &params, &r), PV_OK);
        draw_observations();
        cr_assert_eq(pv_rollout_save(r, path), PV_OK); /* before the first frame */
        pv_rollout_close(r);
        cr_assert(pv_rollout_load(model, path, NULL, &r) == PV_OK, "%s", pv_rollout_message(r));
        for (size_t j = 0; j < SENT; j++)
            golden_send(r, observed, j, NULL);
        for (size_t j = 0; j < 7; j++)
            golden_predict(r, NULL, expected);
        cr_assert_eq(pv_rollout_save(r, path), PV_OK);
        cr_assert(pv_rollout_load(model, path, NULL, &loaded) == PV_OK, "%s", pv_rollout_message(loaded));
        for (size_t j = 0; j < 3; j++) {
            golden_predict(r, NULL, expected);
            golden_predict(loaded, NULL, found);
            expect_same(found, expected, 0, 1, models[i]);
        }
        pv_rollout_close(r);
        pv_rollout_close(loaded);
        pv_model_close(model);
    }
    folder_close(&folder);
}

/* ---- stopping ---- */

struct stopper {
    int asked, stop_at; /* -1 = never */
    uint64_t done, total;
};

static int stop(void *user)
{
    struct stopper *s = user;
    return s->asked++ == s->stop_at;
}

static void progress(void *user, uint64_t done, uint64_t total)
{
    struct stopper *s = user;
    s->done = done;
    s->total = total;
}

/* Stopped at every step of every frame, each time forked and saved from there: all continue as if nothing had been. */
ON_ALL_BACKENDS(after_a_stop_everything_continues_bit_for_bit)
{
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    pv_model *model = golden_model("plain.safetensors", backend->name, 2);
    pv_rollout *r = start(model, 4, 0), *fork, *loaded;
    go_on(r, 0, FUTURE, expected);
    pv_rollout_close(r);

    struct stopper stopper = {.stop_at = -1};
    r = start(model, 4, 0);
    r->callbacks = (pv_callbacks){.user = &stopper, .progress = progress, .abort = stop};
    for (size_t i = 0; i < FUTURE; i++) {
        const pv_action action = {actions[SENT + i], 3};
        for (int k = 0; k < 4; k++) {
            stopper = (struct stopper){.stop_at = k};
            cr_assert_eq(pv_rollout_predict(r, &action), PV_ERR_ABORTED);
            cr_assert(strstr(pv_rollout_message(r), "stopped"), "%s", pv_rollout_message(r));
            cr_assert(k == 0 || (stopper.done == (uint64_t)k && stopper.total == 4));
            pv_frame frame = {.data = other, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
            cr_assert_eq(pv_rollout_receive(r, &frame), PV_AGAIN);
        }
        stopper.stop_at = -1;
        if (i == 1 || i == 8) {
            cr_assert_eq(pv_rollout_fork(r, &fork), PV_OK);
            go_on(fork, i, FUTURE - i, found);
            expect_same(found, expected, i, FUTURE - i, "forked after a stop");
            pv_rollout_close(fork);
            cr_assert_eq(pv_rollout_save(r, path), PV_OK);
            cr_assert_eq(pv_rollout_load(model, path, NULL, &loaded), PV_OK);
            go_on(loaded, i, FUTURE - i, found);
            expect_same(found, expected, i, FUTURE - i, "loaded after a stop");
            pv_rollout_close(loaded);
        }
        go_on(r, i, 1, found);
        expect_same(found, expected, i, 1, "after a stop");
    }
    pv_rollout_close(r);
    pv_model_close(model);
    folder_close(&folder);
}

/* An observation may come after predicted frames, also after a stopped one. */
Test(rollout, observing_after_a_stopped_prediction_forgets_it)
{
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    for (int stopped = 0; stopped < 2; stopped++) {
        struct stopper stopper = {.stop_at = 2};
        pv_rollout *r = start(model, 8, 0);
        go_on(r, 0, 7, other);
        if (stopped) {
            r->callbacks = (pv_callbacks){.user = &stopper, .abort = stop};
            cr_assert_eq(pv_rollout_predict(r, NULL), PV_ERR_ABORTED);
        }
        golden_send(r, observed, 1, actions[10]);
        go_on(r, 8, 2, stopped ? found : expected);
        pv_rollout_close(r);
    }
    expect_same(found, expected, 8, 2, "after an observation");
    pv_model_close(model);
}

/* ---- reconstruction ---- */

/* Decoding the newest frame once more shows what was shown, and what comes after is as if nobody had asked. */
ON_ALL_BACKENDS(reconstructing_shows_the_newest_frame_and_changes_nothing)
{
    pv_model *model = golden_model("plain.safetensors", backend->name, 1);
    pv_rollout *r = start(model, 4, 0);
    go_on(r, 0, 6, expected);
    pv_rollout_close(r);

    r = start(model, 4, 0);
    pv_frame frame = {.stride = (size_t)SIDE * 3, .width = SIDE, .height = SIDE};
    for (size_t i = 0; i < 6; i++) {
        frame.data = other + i * FRAME_BYTES;
        cr_assert_eq(pv_rollout_reconstruct(r, &frame), PV_OK, "%s", pv_rollout_message(r));
        go_on(r, i, 1, found);
        expect_same(found, expected, i, 1, "after a reconstruction");
        cr_assert_eq(pv_rollout_reconstruct(r, &frame), PV_OK, "%s", pv_rollout_message(r));
        expect_same(other, expected, i, 1, "the reconstruction of a predicted frame");
    }
    pv_rollout_close(r);
    pv_model_close(model);
}

/* ---- threads ---- */

struct worker {
    pv_model *model;
    uint64_t seed;
    uint8_t bytes[FUTURE * FRAME_BYTES];
};

static void *work(void *user)
{
    struct worker *w = user;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.seed = w->seed;
    pv_rollout *r;
    if (pv_rollout_open(w->model, &params, &r) != PV_OK)
        return NULL;
    for (size_t i = 0; i < SENT; i++)
        golden_send(r, observed, i, actions[i]);
    go_on(r, 0, FUTURE, w->bytes);
    pv_rollout_close(r);
    return NULL;
}

ON_ALL_BACKENDS(rollouts_of_one_model_run_on_threads_of_their_own)
{
    enum { WORKERS = 3 };
    pv_model *model = golden_model("plain.safetensors", backend->name, 1);
    struct worker *workers = calloc(WORKERS, sizeof *workers);
    pthread_t threads[WORKERS];
    cr_assert(workers);
    draw_observations();
    for (uint64_t i = 0; i < WORKERS; i++) {
        workers[i].model = model;
        workers[i].seed = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (uint64_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (uint64_t i = 0; i < WORKERS; i++) {
        pv_rollout *r = start(model, i, 0);
        go_on(r, 0, FUTURE, expected);
        expect_same(workers[i].bytes, expected, 0, FUTURE, "on a thread of its own");
        pv_rollout_close(r);
    }
    free(workers);
    pv_model_close(model);
}

/* ---- memory ---- */

static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    cr_assert(file && fscanf(file, "%ld %ld", &total, &resident) == 2);
    fclose(file);
    return resident;
}

ON_ALL_BACKENDS(memory_does_not_grow_with_the_rollout)
{
    pv_model *model = golden_model("deep_codec.safetensors", backend->name, 1); /* the quickest with a cache */
    pv_rollout *r = start_without_action(model);
    for (int i = 0; i < 50; i++)
        golden_predict(r, NULL, found);
    const long before = resident_pages();
    for (int i = 0; i < 300; i++)
        golden_predict(r, i % 5 ? actions[0] : NULL, found); /* the action changes, and changes back */
    const long growth = (resident_pages() - before) * sysconf(_SC_PAGESIZE);
#ifndef __SANITIZE_ADDRESS__ /* which holds back what is freed */
    cr_assert(growth < 512 * 1024, "300 frames took %ld bytes more", growth);
#else
    (void)growth;
#endif
    pv_rollout_close(r);
    pv_model_close(model);
}
