/* Memory the system refuses is an error, wherever it happens, and a rollout in its stride asks for none. The linker
 * puts the functions below in place of the allocator's (--wrap), for prevue's own code and the JSON
 * library's. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/scratch_folder.h"
#include "golden.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static long asked;          /* requests so far */
static long refuse_at = -1; /* this one and all that follow fail; -1 = none */

static bool refused(void)
{
    return asked++ >= refuse_at && refuse_at >= 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

enum { SIDE = 32 };

static uint8_t bytes[SIDE * SIDE * 3];

static pv_status predict_and_receive(pv_rollout *r)
{
    pv_frame frame = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    PV_TRY(pv_rollout_predict(r, NULL));
    return pv_rollout_receive(r, &frame);
}

static pv_status use(pv_model *model, pv_rollout **r, pv_rollout **fork, pv_rollout **loaded, const char *path)
{
    const pv_frame frame = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    PV_TRY(pv_rollout_open(model, NULL, r));
    PV_TRY(pv_rollout_send(*r, &frame, NULL));
    PV_TRY(predict_and_receive(*r));
    PV_TRY(pv_rollout_fork(*r, fork));
    PV_TRY(predict_and_receive(*fork));
    PV_TRY(pv_rollout_save(*fork, path));
    PV_TRY(pv_rollout_load(model, path, NULL, loaded));
    return predict_and_receive(*loaded);
}

/* The whole life of a model and its rollouts. Everything is closed, whatever failed. */
static pv_status live(const char *model_path, const char *state_path)
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = "reference";
    pv_model *model = NULL;
    pv_rollout *r = NULL, *fork = NULL, *loaded = NULL;
    pv_status status = pv_model_open(model_path, &params, &model);
    if (status == PV_OK)
        status = use(model, &r, &fork, &loaded, state_path);
    pv_rollout_close(loaded);
    pv_rollout_close(fork);
    pv_rollout_close(r);
    pv_model_close(model);
    return status;
}

/* Refuses each request of a life in turn. Whatever comes of it is an error; expected when that is not PV_OK. */
static void refuse_each(pv_status expected)
{
    const struct folder folder = folder_open();
    const struct golden_path model = golden_path("space_only.safetensors");
    const char *state = folder_path(&folder, "state");
    asked = 0;
    cr_assert_eq(live(model.text, state), PV_OK);
    const long total = asked;
    cr_assert(total > 50, "only %ld requests were seen", total);
    for (long at = 0; at < total; at++) {
        asked = 0;
        refuse_at = at;
        const pv_status status = live(model.text, state);
        refuse_at = -1;
        cr_assert(status != PV_OK && (expected == PV_OK || status == expected),
                  "refusing request %ld of %ld gave status %d", at, total, status);
    }
    folder_close(&folder);
}

Test(allocation, refusal_is_an_error_wherever_it_happens)
{
    refuse_each(PV_ERR_MEMORY);
}

/* jansson calls a text broken where it had no memory to read it, so that the status may be PV_ERR_MODEL. */
Test(allocation, refusal_in_the_json_library_is_an_error_too)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    refuse_each(PV_OK);
}

/* The reference backend is not asked to: it is there to be plain. */
Test(allocation, a_rollout_in_its_stride_asks_for_nothing)
{
    pv_model *model = golden_model("deep_codec.safetensors", "cpu", 1);
    pv_rollout *r;
    const pv_frame frame = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    cr_assert_eq(pv_rollout_open(model, NULL, &r), PV_OK);
    pv_surface surface;
    pv_surface_init(&surface);
    surface.matrix = PV_MATRIX_BT709;
    surface.luma = surface.chroma = bytes;
    surface.luma_stride = surface.chroma_stride = SIDE;
    surface.width = surface.height = SIDE;
    for (int j = 0; j < 2; j++)
        cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_OK);
    for (int j = 0; j < 8; j++) /* past the window: every shape has been met */
        cr_assert_eq(predict_and_receive(r), PV_OK);
    asked = 0;
    for (int j = 0; j < 20; j++)
        cr_assert_eq(predict_and_receive(r), PV_OK);
    cr_assert_eq(pv_rollout_send(r, &frame, NULL), PV_OK);
    cr_assert_eq(pv_rollout_send_surface(r, &surface, NULL), PV_OK);
    cr_assert_eq(asked, 0, "20 frames asked for memory %ld times", asked);
    pv_rollout_close(r);
    pv_model_close(model);
}
