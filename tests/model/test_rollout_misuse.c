/* Calls out of order and values out of range get the promised status and a sentence, and change nothing. State files of
 * other weights, cut short or changed are refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/scratch_folder.h"
#include "golden.h"

enum { SIDE = 32, FRAME_BYTES = SIDE * SIDE * 3 };

static uint8_t bytes[2 * FRAME_BYTES];

static pv_frame whole_frame(void)
{
    return (pv_frame){.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
}

static void expect(const pv_rollout *r, pv_status status, pv_status expected, const char *says)
{
    cr_assert(status == expected, "status %d, expected %d: %s", status, expected, pv_rollout_message(r));
    cr_assert(strstr(pv_rollout_message(r), says), "the sentence does not say %s: %s", says, pv_rollout_message(r));
}

static pv_rollout *open_plain(pv_model *model)
{
    pv_rollout *r;
    cr_assert(pv_rollout_open(model, NULL, &r) == PV_OK, "%s", pv_rollout_message(r));
    return r;
}

Test(misuse, params_out_of_range)
{
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout_params params;
    pv_rollout *r;
    static const struct {
        int width, height, steps, mode;
        const char *says;
    } rows[] = {
        {36, 32, 0, 0, "divide by 8"}, {32, -32, 0, 0, "height"}, {0, 16392, 0, 0, "16384"}, {0, 0, 65, 0, "steps"},
        {0, 0, -1, 0, "steps"},        {0, 0, 0, 2, "mode"},      {0, 0, 0, -1, "mode"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pv_rollout_params_init(&params);
        params.width = rows[i].width;
        params.height = rows[i].height;
        params.steps = rows[i].steps;
        params.mode = (pv_mode)rows[i].mode;
        expect(r, pv_rollout_open(model, &params, &r), PV_ERR_ARGUMENT, rows[i].says);
        /* A rollout that is not open refuses everything else. */
        pv_frame frame = whole_frame();
        expect(r, pv_rollout_send(r, &frame, NULL), PV_ERR_ARGUMENT, "not open");
        expect(r, pv_rollout_predict(r, NULL), PV_ERR_ARGUMENT, "not open");
        expect(r, pv_rollout_receive(r, &frame), PV_ERR_ARGUMENT, "not open");
        expect(r, pv_rollout_set_take(r, 1, 1), PV_ERR_ARGUMENT, "not open");
        expect(r, pv_rollout_save(r, "nowhere"), PV_ERR_ARGUMENT, "not open");
        pv_rollout *fork;
        expect(fork, pv_rollout_fork(r, &fork), PV_ERR_ARGUMENT, "not open");
        pv_rollout_close(fork);
        pv_rollout_close(r);
    }
    pv_rollout_params_init(&params);
    params.struct_size = offsetof(pv_rollout_params, detail) - 1; /* less than the first release's */
    expect(r, pv_rollout_open(model, &params, &r), PV_ERR_ARGUMENT, "struct_size");
    pv_rollout_close(r);
    struct {
        pv_rollout_params known;
        char unknown[8];
    } newer = {.unknown = "x"};
    pv_rollout_params_init(&newer.known);
    newer.known.struct_size = sizeof newer;
    expect(r, pv_rollout_open(model, &newer.known, &r), PV_ERR_UNSUPPORTED, "pv_rollout_params");
    pv_rollout_close(r);
    pv_model_close(model);
}

Test(misuse, calls_out_of_order)
{
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout *r = open_plain(model);
    pv_frame frame = whole_frame();
    cr_assert_str_eq(pv_rollout_message(r), "");
    expect(r, pv_rollout_predict(r, NULL), PV_ERR_ARGUMENT, "send");
    expect(r, pv_rollout_receive(r, &frame), PV_AGAIN, "predict");
    expect(r, pv_rollout_reconstruct(r, &frame), PV_ERR_ARGUMENT, "send");
    cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_OK);
    expect(r, pv_rollout_receive(r, &frame), PV_AGAIN, "predict");
    for (int64_t i = 0; i < 3; i++) {
        cr_assert_eq(pv_rollout_predict(r, NULL), PV_OK);
        expect(r, pv_rollout_predict(r, NULL), PV_AGAIN, "receive");
        expect(r, pv_rollout_send(r, &frame, NULL), PV_AGAIN, "receive");
        expect(r, pv_rollout_reconstruct(r, &frame), PV_AGAIN, "receive");
        cr_assert_eq(pv_rollout_receive(r, &frame), PV_OK);
        cr_assert_eq(frame.index, i);
    }
    pv_rollout_close(r);
    pv_model_close(model);
}

Test(misuse, frames_and_actions_out_of_range)
{
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout *r = open_plain(model);
    pv_frame frame = whole_frame();
    frame.data = NULL;
    expect(r, pv_rollout_send(r, &frame, NULL), PV_ERR_ARGUMENT, "NULL");
    expect(r, pv_rollout_send(r, NULL, NULL), PV_ERR_ARGUMENT, "NULL");
    frame = whole_frame();
    frame.width = SIDE - 8;
    expect(r, pv_rollout_send(r, &frame, NULL), PV_ERR_ARGUMENT, "24 x 32");
    frame = whole_frame();
    frame.stride--;
    expect(r, pv_rollout_send(r, &frame, NULL), PV_ERR_ARGUMENT, "stride");

    frame = whole_frame();
    float values[] = {0, NAN, 0};
    pv_action action = {values, 3};
    expect(r, pv_rollout_send(r, &frame, &action), PV_ERR_ARGUMENT, "value 1");
    values[1] = 0;
    action.count = 2;
    expect(r, pv_rollout_send(r, &frame, &action), PV_ERR_ARGUMENT, "takes 3");
    action = (pv_action){NULL, 3};
    expect(r, pv_rollout_send(r, &frame, &action), PV_ERR_ARGUMENT, "takes 3");
    expect(r, pv_rollout_predict(r, NULL), PV_ERR_ARGUMENT, "send"); /* none of those was accepted */
    cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_OK);
    values[2] = INFINITY;
    action = (pv_action){values, 3};
    expect(r, pv_rollout_predict(r, &action), PV_ERR_ARGUMENT, "value 2");
    pv_rollout_close(r);
    pv_model_close(model);

    model = golden_model("layer_norm.safetensors", "reference", 1); /* takes no action */
    r = open_plain(model);
    values[2] = 0;
    expect(r, pv_rollout_send(r, &frame, &action), PV_ERR_ARGUMENT, "takes 0");
    action = (pv_action){NULL, 0};
    cr_assert_eq(pv_rollout_send(r, &frame, &action), PV_OK);
    pv_rollout_close(r);
    pv_model_close(model);
}

Test(misuse, null_handles)
{
    pv_frame frame = whole_frame();
    pv_rollout *r;
    cr_assert_eq(pv_rollout_open(NULL, NULL, NULL), PV_ERR_ARGUMENT);
    expect(r, pv_rollout_open(NULL, NULL, &r), PV_ERR_ARGUMENT, "model");
    pv_rollout_close(r);
    expect(r, pv_rollout_load(NULL, "x", NULL, &r), PV_ERR_ARGUMENT, "model");
    pv_rollout_close(r);
    cr_assert_eq(pv_rollout_send(NULL, &frame, NULL), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_rollout_predict(NULL, NULL), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_rollout_receive(NULL, &frame), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_rollout_reconstruct(NULL, &frame), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_rollout_fork(NULL, &r), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_rollout_save(NULL, "x"), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_rollout_set_take(NULL, 0, 0), PV_ERR_ARGUMENT);
    cr_assert_str_eq(pv_rollout_message(NULL), "");
    pv_rollout_close(NULL);
    pv_rollout_params_init(NULL);
    pv_model_params_init(NULL);
}

/* Rows may be further apart than they are long; what lies between is neither read nor written. */
Test(misuse, strides_are_respected)
{
    enum { STRIDE = 3 * SIDE + 17 };
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout *tight = open_plain(model), *wide = open_plain(model);
    static uint8_t spread[SIDE * STRIDE];
    for (int i = 0; i < FRAME_BYTES; i++)
        bytes[i] = (uint8_t)(i * 37 >> 3);
    memset(spread, 0xA5, sizeof spread);
    for (size_t y = 0; y < SIDE; y++)
        memcpy(spread + y * STRIDE, bytes + y * 3 * SIDE, 3 * SIDE);
    pv_frame a = whole_frame(), b = {.data = spread, .stride = STRIDE, .width = SIDE, .height = SIDE};
    cr_assert_eq(pv_rollout_send(tight, &a, NULL), PV_OK);
    cr_assert_eq(pv_rollout_send(wide, &b, NULL), PV_OK);
    cr_assert_eq(pv_rollout_predict(tight, NULL), PV_OK);
    cr_assert_eq(pv_rollout_predict(wide, NULL), PV_OK);
    cr_assert_eq(pv_rollout_receive(tight, &a), PV_OK);
    cr_assert_eq(pv_rollout_receive(wide, &b), PV_OK);
    for (size_t y = 0; y < SIDE; y++) {
        cr_assert_eq(memcmp(spread + y * STRIDE, bytes + y * 3 * SIDE, 3 * SIDE), 0, "row %zu", y);
        for (size_t x = 3 * SIDE; x < STRIDE; x++)
            cr_assert_eq(spread[y * STRIDE + x], 0xA5, "row %zu, byte %zu was written", y, x);
    }
    pv_rollout_close(tight);
    pv_rollout_close(wide);
    pv_model_close(model);
}

/* ---- state files ---- */

static size_t read_file(const char *path, unsigned char *out, size_t room)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file);
    const size_t size = fread(out, 1, room, file);
    cr_assert(size < room);
    fclose(file);
    return size;
}

static void expect_bad_state(pv_model *model, const char *path, const char *says)
{
    pv_rollout *r;
    expect(r, pv_rollout_load(model, path, NULL, &r), PV_ERR_FORMAT, says);
    pv_rollout_close(r);
}

static unsigned char state[1 << 20], changed[1 << 20];

/* The file with one text of its settings replaced by another of the same length. */
static void replace(const struct folder *folder, size_t size, const char *from, const char *to)
{
    memcpy(changed, state, size);
    const size_t length = strlen(from);
    cr_assert_eq(strlen(to), length);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(changed + i, from, length) == 0) {
            memcpy(changed + i, to, length);
            folder_write(folder, "changed", changed, size);
            return;
        }
    cr_assert(false, "the state has no %s", from);
}

Test(misuse, states_that_do_not_fit_are_refused)
{
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state"), *bad = folder_path(&folder, "changed");
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_model *stranger = golden_model("grouped.safetensors", "reference", 1);
    pv_rollout *r = open_plain(model);
    pv_frame frame = whole_frame();
    cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_OK);
    cr_assert_eq(pv_rollout_predict(r, NULL), PV_OK);
    cr_assert(pv_rollout_save(r, path) == PV_OK, "%s", pv_rollout_message(r));
    pv_rollout_close(r);
    cr_assert_eq(folder_count(&folder), 1, "saving left something beside the file");
    const size_t size = read_file(path, state, sizeof state);

    expect_bad_state(stranger, path, "other weights");
    expect_bad_state(model, golden_path("plain.safetensors").text, "prevue_rollout");
    for (size_t cut = 0; cut < size; cut += 1 + size / 60) {
        folder_write(&folder, "changed", state, cut);
        expect_bad_state(model, bad, "changed");
    }
    static const char *const edits[][3] = {
        {"\\\"schema\\\": 2", "\\\"schema\\\": 1", "schema"},
        {"\\\"width\\\": 32", "\\\"width\\\": 33", "width"},
        {"\\\"width\\\": 32", "\\\"width\\\": 40", "latent.1"},
        {"\\\"steps\\\": 4", "\\\"steps\\\": 0", "steps"},
        {"\\\"mode\\\": \\\"sample", "\\\"mode\\\": \\\"simple", "mode"},
        {"\\\"detail\\\": \\\"none", "\\\"detail\\\": \\\"nine", "detail"},
        {"\\\"detail\\\": \\\"none", "\\\"detail\\\": \\\"keep", "seen"},
        {"\\\"seen\\\": 1", "\\\"seen\\\": 0", "seen"},
        {"\\\"seen\\\": 1", "\\\"seen\\\": 2", "pending"},
        {"\\\"seen\\\": 1", "\\\"seen\\\": 3", "seen"},
        {"\\\"frames\\\": 2", "\\\"frames\\\": 1", "predicted"},
        {"\\\"predicted\\\": 1", "\\\"predicted\\\": 2", "predicted"},
        {"\\\"predicted\\\": 1", "\\\"predicted\\\": 0", "seen"},
        {"\\\"pending\\\": 1", "\\\"pending\\\": x", "JSON"},
        {"\\\"pending\\\": 1", "\\\"pending\\\": 0", "tensors"},
        {"\\\"pending\\\": 1", "\\\"pending\\\": 2", "pending"},
        {"\\\"pending\\\": 1", "\\\"pending\\\": 3", "pending"},
        {"\\\"takes\\\": 1", "\\\"takes\\\": 0", "takes"},
        {"\\\"takes\\\": 1", "\\\"takes\\\": 2", "latent.1"},
        {"\\\"take\\\": 0", "\\\"tako\\\": 0", "take"},
        {"\"latent.1\"", "\"latent.9\"", "latent.1"},
        {"\"cache.1.k\"", "\"cache.9.k\"", "cache.1.k"},
        {"\"encoder.memory.0\"", "\"encoder.memory.7\"", "encoder.memory.0"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        replace(&folder, size, edits[i][0], edits[i][1]);
        expect_bad_state(model, bad, edits[i][2]);
    }
    expect(r, pv_rollout_load(model, folder_path(&folder, "none"), NULL, &r), PV_ERR_IO, "none");
    pv_rollout_close(r);
    expect(r, pv_rollout_load(model, NULL, NULL, &r), PV_ERR_ARGUMENT, "path");
    pv_rollout_close(r);
    pv_model_close(stranger);
    pv_model_close(model);
    folder_close(&folder);
}

/* A small file cannot make the reader ask for the memory of a large frame. */
Test(misuse, a_state_that_claims_a_large_frame_is_refused_before_memory_is_spent)
{
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state"), *bad = folder_path(&folder, "changed");
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout *r = open_plain(model);
    cr_assert_eq(pv_rollout_save(r, path), PV_OK);
    pv_rollout_close(r);
    struct pv_safetensors *set;
    struct pv_error error = {.text = ""};
    cr_assert_eq(pv_safetensors_open(path, PV_ERR_FORMAT, &set, &error), PV_OK);
    char text[512];
    snprintf(text, sizeof text,
             "{\"schema\": 2, \"fingerprint\": \"%016llx\", \"width\": 16384, \"height\": 16384, \"steps\": 4, "
             "\"mode\": \"sample\", \"detail\": \"none\", \"seed\": \"0000000000000000\", \"takes\": 1, \"take\": 0, \"frames\": 0, "
             "\"predicted\": 0, \"seen\": 0, \"pending\": 0}",
             (unsigned long long)model->fingerprint);
    const struct pv_metadata metadata = {"prevue_rollout", text};
    cr_assert_eq(pv_safetensors_write(bad, pv_safetensors_get(set, 0), pv_safetensors_count(set), &metadata, 1, &error),
                 PV_OK);
    pv_safetensors_close(set);
    expect_bad_state(model, bad, "latent.1");
    struct rusage usage;
    cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
    cr_assert(usage.ru_maxrss < 512 * 1024, "it took %ld KiB", usage.ru_maxrss); /* the rollout would take gigabytes */
    pv_model_close(model);
    folder_close(&folder);
}

Test(misuse, a_failed_save_leaves_rollout_and_folder_as_they_were)
{
    const struct folder folder = folder_open();
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout *r = open_plain(model);
    pv_frame frame = whole_frame();
    expect(r, pv_rollout_save(r, folder_path(&folder, "no/such/folder")), PV_ERR_IO, "folder");
    expect(r, pv_rollout_save(r, NULL), PV_ERR_ARGUMENT, "path");
    cr_assert_eq(folder_count(&folder), 0);
    cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_OK);
    pv_rollout_close(r);
    pv_model_close(model);
    folder_close(&folder);
}
