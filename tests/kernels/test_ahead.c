/* test_ahead.c: a rollout on the CUDA backend that PV_TEST_BACKEND names works ahead: a second frame is asked for while
 * one waits. Frames are those of one after another, byte for byte, whatever is done while they wait. With
 * PV_TEST_CHECKED, on the emulator that sees streams which do not wait for each other, each wait is left out in turn.
 */
#include <string.h>

#include "base/scratch_folder.h"
#include "observed.h"

enum {
    TAKES = 3,
    FUTURE = 20 /* past where frames are replayed */
};

TestSuite(kernels_ahead, .timeout = 600);

static bool is_checked(void)
{
    return getenv("PV_TEST_CHECKED") != NULL;
}

/* How far tests look: where every access is checked, up to where frames are recorded. */
static int future(void)
{
    return is_checked() ? 7 : FUTURE;
}

static pv_model *open_model(const char *file)
{
    return golden_model(file, tested_backend(), 1);
}

/* Another action for every frame, where the model takes one. */
static pv_status ask(pv_rollout *r, int frame)
{
    const float values[3] = {0.1f * (float)frame, -9.8f, 1};
    const int size = r->model->config.dynamics.action_size;
    cr_assert_leq(size, 3);
    return pv_rollout_predict(r, size ? &(pv_action){values, size} : NULL);
}

static void must_ask(pv_rollout *r, int frame)
{
    cr_assert(ask(r, frame) == PV_OK, "frame %d: %s", frame, pv_rollout_message(r));
}

/* The picture that must be the next. */
static void receive(pv_rollout *r, int frame, int take, uint8_t *bytes)
{
    pv_frame f = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    cr_assert(pv_rollout_receive(r, &f) == PV_OK, "frame %d: %s", frame, pv_rollout_message(r));
    cr_assert(f.index == frame && f.take == take, "frame %d of take %d is there, not %d of %d", (int)f.index, f.take,
              frame, take);
}

static pv_status receive_nothing(pv_rollout *r)
{
    static uint8_t bytes[FRAME_BYTES];
    return pv_rollout_receive(r, &(pv_frame){.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE});
}

/* Frames first to first + count - 1 into their places. */
static void one_by_one(pv_rollout *r, int first, int count, uint8_t *bytes)
{
    for (int i = first; i < first + count; i++) {
        must_ask(r, i);
        receive(r, i, 0, bytes + (size_t)i * FRAME_BYTES);
    }
}

/* The same; `waiting` of them were asked for, and at the end none is. */
static void ahead(pv_rollout *r, int first, int count, int waiting, uint8_t *bytes)
{
    int asked = first + waiting;
    for (int i = first; i < first + count; i++) {
        for (; asked < first + count && asked < i + 2; asked++)
            must_ask(r, asked);
        receive(r, i, 0, bytes + (size_t)i * FRAME_BYTES);
    }
}

static uint8_t expected[FUTURE * FRAME_BYTES], found[FUTURE * FRAME_BYTES];

static void expect_same(int first, int count, const char *what)
{
    for (int i = first; i < first + count; i++)
        cr_assert_arr_eq(found + i * FRAME_BYTES, expected + i * FRAME_BYTES, FRAME_BYTES, "%s: frame %d", what, i);
}

/* expected: what comes, one by one. */
static pv_rollout *start_again(pv_model *model)
{
    pv_rollout *r = start(model);
    one_by_one(r, 0, future(), expected);
    pv_rollout_close(r);
    memset(found, 0, sizeof found);
    return start(model);
}

Test(kernels_ahead, frames_are_those_of_one_after_another)
{
    static const char *const files[] = {"plain.safetensors", "deep_codec.safetensors"};
    for (size_t i = 0; i < (is_checked() ? 1 : 2); i++) {
        pv_model *model = open_model(files[i]);
        pv_rollout *r = start_again(model);
        ahead(r, 0, future(), 0, found);
        expect_same(0, future(), files[i]);
        pv_rollout_close(r);
        pv_model_close(model);
    }
}

/* Two wait at most; and while one does, nothing that would come after it is taken. */
Test(kernels_ahead, two_frames_wait_and_no_third)
{
    pv_model *model = open_model("plain.safetensors");
    pv_rollout *r = start_again(model), *none;
    pv_frame frame = {.data = observed, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    must_ask(r, 0);
    for (int waiting = 1; waiting <= 2; waiting++) {
        cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_AGAIN);
        cr_assert_eq(pv_rollout_reconstruct(r, &frame), PV_AGAIN);
        cr_assert_eq(pv_rollout_fork_takes(r, 2, &none), PV_AGAIN);
        pv_rollout_close(none);
        cr_assert_eq(ask(r, waiting), waiting == 1 ? PV_OK : PV_AGAIN);
    }
    cr_assert(strstr(pv_rollout_message(r), "receive"), "%s", pv_rollout_message(r));
    receive(r, 0, 0, found);
    must_ask(r, 2);
    cr_assert_eq(ask(r, 3), PV_AGAIN);
    receive(r, 1, 0, found + FRAME_BYTES);
    receive(r, 2, 0, found + 2 * FRAME_BYTES);
    cr_assert_eq(receive_nothing(r), PV_AGAIN);
    ahead(r, 3, 5, 0, found);
    expect_same(0, 8, "after what was refused");
    pv_rollout_close(r);
    pv_model_close(model);
}

/* Two frames wait of which one picture was received, and the same again a few frames later. */
Test(kernels_ahead, takes_wait_frame_after_frame)
{
    pv_model *model = open_model("plain.safetensors");
    pv_rollout *r = start(model), *together, *apart;
    cr_assert_eq(pv_rollout_fork_takes(r, TAKES, &together), PV_OK);
    cr_assert_eq(pv_rollout_fork(together, &apart), PV_OK);
    must_ask(together, 0);
    for (int i = 0; i < 7; i++) {
        must_ask(apart, i);
        for (int t = 0; t < TAKES; t++) {
            receive(apart, i, t, expected);
            receive(together, i, t, found);
            cr_assert_arr_eq(found, expected, FRAME_BYTES, "frame %d, take %d", i, t);
            if (t == 0)
                must_ask(together, i + 1);
            if (t < TAKES - 1)
                cr_assert_eq(ask(together, i + 2), PV_AGAIN);
        }
    }
    pv_rollout_close(apart);
    pv_rollout_close(together);
    pv_rollout_close(r);
    pv_model_close(model);
}

/* Each copy has both frames that wait; one continues on the CPU, where no second one is taken. */
Test(kernels_ahead, waiting_frames_are_forked_and_saved)
{
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    pv_model *model = open_model("plain.safetensors"), *cpu = golden_model("plain.safetensors", "cpu", 1);
    pv_rollout *r = start_again(model), *fork, *loaded, *elsewhere;
    for (int moment = 0; moment < future() - 6; moment += 5) {
        must_ask(r, moment);
        must_ask(r, moment + 1);
        cr_assert_eq(pv_rollout_fork(r, &fork), PV_OK);
        cr_assert(pv_rollout_save(r, path) == PV_OK, "%s", pv_rollout_message(r));
        cr_assert(pv_rollout_load(model, path, NULL, &loaded) == PV_OK, "%s", pv_rollout_message(loaded));
        pv_rollout_load(cpu, path, NULL, &elsewhere);
        ahead(r, moment, 5, 2, found);
        expect_same(moment, 5, "the original");
        ahead(fork, moment, 7, 2, found);
        expect_same(moment, 7, "the fork");
        cr_assert_eq(ask(loaded, moment + 2), PV_AGAIN);
        ahead(loaded, moment, 7, 2, found);
        expect_same(moment, 7, "what was loaded");
        if (model->backend->element_bytes == sizeof(float)) {
            receive(elsewhere, moment, 0, found);
            cr_assert_eq(ask(elsewhere, moment + 2), PV_AGAIN);
            receive(elsewhere, moment + 1, 0, found + FRAME_BYTES);
            cr_assert_arr_eq(found, expected + moment * FRAME_BYTES, 2 * FRAME_BYTES, "on the CPU");
            one_by_one(elsewhere, moment + 2, 1, found);
        }
        pv_rollout_close(elsewhere);
        pv_rollout_close(loaded);
        pv_rollout_close(fork);
    }
    pv_rollout_close(r);
    pv_model_close(cpu);
    pv_model_close(model);
    folder_close(&folder);
}

static int stop(void *user)
{
    int *left = user;
    return (*left)-- == 0;
}

/* While a frame waits, the one after it is stopped at every step, recorded or not. */
Test(kernels_ahead, a_stop_changes_nothing_of_what_waits)
{
    pv_model *model = open_model("plain.safetensors");
    pv_rollout *r = start_again(model);
    int left;
    must_ask(r, 0);
    for (int i = 0; i < future() - 1; i++) {
        for (int at = 0; at < 8; at += 1 + i / 3) {
            left = at;
            r->callbacks = (pv_callbacks){.user = &left, .abort = stop};
            const pv_status status = ask(r, i + 1);
            r->callbacks = (pv_callbacks){0};
            if (status == PV_OK) { /* a frame that is replayed asks less often */
                cr_assert_geq(left, 0);
                break;
            }
            cr_assert_eq(status, PV_ERR_ABORTED, "%s", pv_rollout_message(r));
        }
        if (pv_rollout_waiting(r) == 1)
            must_ask(r, i + 1);
        receive(r, i, 0, found + (size_t)i * FRAME_BYTES);
    }
    expect_same(0, future() - 1, "after stops");
    pv_rollout_close(r);
    pv_model_close(model);
}

/* Another seed is for the frames still to come, a meter for those that are not asked for yet. */
Test(kernels_ahead, seed_and_meter_may_change_while_frames_wait)
{
    pv_model *model = open_model("plain.safetensors");
    pv_rollout *r = start(model), *apart;
    pv_meter_row row = {.struct_size = sizeof row};
    cr_assert_eq(pv_rollout_fork(r, &apart), PV_OK);
    for (int i = 0; i < future() - 2; i += 4) {
        for (int k = i; k < i + 2; k++)
            must_ask(r, k);
        one_by_one(apart, i, 2, expected);
        cr_assert_eq(pv_rollout_set_take(r, 12 + (uint64_t)i, 0), PV_OK);
        cr_assert_eq(pv_rollout_set_take(apart, 12 + (uint64_t)i, 0), PV_OK);
        cr_assert_eq(pv_rollout_set_meter(r, PV_METER_PARTS), PV_OK);
        cr_assert_eq(ask(r, i + 2), PV_AGAIN);
        receive(r, i, 0, found + (size_t)i * FRAME_BYTES);
        receive(r, i + 1, 0, found + (size_t)(i + 1) * FRAME_BYTES);
        one_by_one(r, i + 2, 1, found);
        cr_assert_eq(pv_rollout_get_meter(r, PV_PART_DECODE, &row), PV_OK);
        cr_assert_gt(row.calls, 0);
        cr_assert_eq(pv_rollout_set_meter(r, PV_METER_OFF), PV_OK);
        one_by_one(r, i + 3, 1, found);
        one_by_one(apart, i + 2, 2, expected);
        expect_same(i, 4, "another seed");
    }
    pv_rollout_close(apart);
    pv_rollout_close(r);
    pv_model_close(model);
}

/* After what was predicted, something is observed, shown again, predicted from. */
Test(kernels_ahead, observations_come_between)
{
    pv_model *model = open_model("deep_codec.safetensors");
    pv_rollout *r = start(model), *apart = start(model);
    pv_frame again = {.data = found, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    for (int i = 0; i < future() - 3; i += 3) {
        ahead(r, i, 3, 0, found);
        one_by_one(apart, i, 3, expected);
        expect_same(i, 3, "between observations");
        golden_send(r, observed, 1, NULL);
        golden_send(apart, observed, 1, NULL);
        cr_assert_eq(pv_rollout_reconstruct(r, &again), PV_OK);
    }
    pv_rollout_close(r);
    pv_rollout_close(apart);
    pv_model_close(model);
}

Test(kernels_ahead, whoever_closes_need_not_receive)
{
    pv_model *model = open_model("plain.safetensors");
    for (int i = 0; i < 2; i++) {
        pv_rollout *r = start(model);
        for (int k = 0; k <= i; k++)
            must_ask(r, k);
        pv_rollout_close(r);
    }
    pv_model_close(model);
}

/* ---- does it bite? ---- */

static struct pv_op_table changed;

static pv_status no_after(struct pv_stream *s, struct pv_stream *earlier, int mark)
{
    (void)s, (void)earlier, (void)mark;
    return PV_OK;
}

static pv_status no_wait(struct pv_stream *s, int mark)
{
    (void)s, (void)mark;
    return PV_OK;
}

/* A few frames without what the table lacks, then all there is; a failure on the way, or what came of it at the end. */
static pv_status careless(pv_model *model, pv_rollout **r)
{
    static uint8_t bytes[FRAME_BYTES];
    pv_frame frame = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    *r = start(model);
    for (int i = 0; i < 5; i++) {
        PV_TRY(ask(*r, i));
        PV_TRY(pv_rollout_receive(*r, &frame));
    }
    return pv_rollout_set_take(*r, 0, 0);
}

static void must_be_noticed(const char *word)
{
    pv_rollout *r;
    if (!is_checked())
        cr_skip("nobody looks at streams here");
    pv_model *model = open_model("plain.safetensors");
    changed.name = "careless";
    model->backend->op = &changed;
    cr_assert_eq(careless(model, &r), PV_ERR_DEVICE);
    cr_expect(strstr(pv_rollout_message(r), word), "%s", pv_rollout_message(r));
    cr_expect(strstr(pv_rollout_message(r), "of another stream"), "%s", pv_rollout_message(r));
    pv_rollout_close(r);
    pv_model_close(model);
}

static void copy_table(void)
{
    pv_model *model = open_model("plain.safetensors");
    changed = *model->backend->op;
    pv_model_close(model);
}

/* A latent is decoded when it may not be there yet. */
Test(kernels_ahead, a_decoder_that_does_not_wait_is_noticed)
{
    copy_table();
    changed.after = no_after;
    must_be_noticed("latent");
}

/* A frame is taken for received, and the one after the next writes its latent while it may still be decoded. */
Test(kernels_ahead, a_host_that_does_not_wait_is_noticed)
{
    copy_table();
    changed.wait = no_wait;
    must_be_noticed("read");
}
