/* Recorded clips: they are what the world simulates, they are drawn without simulating, and what does not fit is
 * refused. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch_folder.h"
#include "eval/set.h"
#include "eval/suite.h"
#include "model/safetensors.h"

static const char *const some_worlds[] = {"drop", "stack"};

static struct pv_set *record(const struct folder *folder, int worlds, char path[512])
{
    struct pv_set *set;
    struct pv_error err = {{0}};
    snprintf(path, 512, "%s/set.safetensors", folder->path);
    cr_assert_eq(pv_set_record(path, some_worlds, worlds, 2, 128, 128, &err), PV_OK, "%s", err.text);
    cr_assert_eq(pv_set_open(path, &set, &err), PV_OK, "%s", err.text);
    return set;
}

/* The same clip, simulated: its first frames, before any rounding can show. */
static void expect_simulated(const struct pv_footage *f, const char *name, int index)
{
    struct pv_world_params params;
    struct pv_world *world;
    struct pv_error err = {{0}};
    static uint8_t frame[128 * 128 * 3];
    pv_world_params_init(&params, name);
    params.seed = PV_WORLD_HELD_OUT_SEED + 1000 + (uint64_t)index;
    params.width = params.height = 128;
    params.frames = PV_SET_FRAMES;
    params.skip = strcmp(name, "stack") == 0 ? 0 : index % 24;
    cr_assert_eq(pv_world_open(&params, &world, &err), PV_OK, "%s", err.text);
    for (int i = 0; i < PV_SET_FRAMES; i++) {
        int apart = 0;
        cr_assert_eq(pv_world_next(world, frame, 128 * 3, NULL, &err), PV_OK);
        for (size_t k = 0; k < sizeof frame; k++)
            apart = abs(frame[k] - f->rgb[(size_t)i * sizeof frame + k]) > apart
                        ? abs(frame[k] - f->rgb[(size_t)i * sizeof frame + k])
                        : apart;
        /* 1/2048 of a unit is .006 pixels: of an edge of 255 levels it moves at most 2; a turn a little more. */
        cr_expect_leq(apart, 5, "%s %d, frame %d: %d levels apart", name, index, i, apart);
    }
    pv_world_close(world);
}

Test(eval_set, recorded_clips_are_the_simulated_ones)
{
    struct folder folder = folder_open();
    char path[512];
    struct pv_set *set = record(&folder, 2, path);
    cr_expect_eq(pv_set_count(set, "drop", PV_WORLD_IN), 2);
    cr_expect_eq(pv_set_count(set, "stack", PV_WORLD_OUT), 2);
    cr_expect_eq(pv_set_count(set, "pour", PV_WORLD_IN), 0);
    for (int w = 0; w < 2; w++) {
        struct pv_footage f;
        struct pv_error err = {{0}};
        cr_assert_eq(pv_set_draw(set, some_worlds[w], PV_WORLD_IN, 1, 128, 128, 16, &f, &err), PV_OK, "%s", err.text);
        cr_expect_gt(f.objects, 0);
        expect_simulated(&f, some_worlds[w], 1);
        pv_footage_close(&f);
    }
    pv_set_close(set);
    folder_close(&folder);
}

/* A shorter context begins later: the seam stays where it is. */
Test(eval_set, the_seam_does_not_depend_on_the_context)
{
    struct folder folder = folder_open();
    char path[512];
    struct pv_set *set = record(&folder, 1, path);
    struct pv_footage a, b;
    struct pv_error err = {{0}};
    cr_assert_eq(pv_set_draw(set, "drop", PV_WORLD_OUT, 0, 64, 64, 16, &a, &err), PV_OK, "%s", err.text);
    cr_assert_eq(pv_set_draw(set, "drop", PV_WORLD_OUT, 0, 64, 64, 4, &b, &err), PV_OK, "%s", err.text);
    for (int t = -3; t <= 48; t += 17)
        cr_expect_arr_eq(pv_footage_frame(&a, t), pv_footage_frame(&b, t), 64 * 64 * 3, "frame %d", t);
    for (int i = 0; i < a.objects; i++) {
        cr_expect_eq(a.contact[i], b.contact[i]);
        cr_expect_float_eq(pv_footage_places(&a, 5)[i].y, pv_footage_places(&b, 5)[i].y, 1e-9);
    }
    pv_footage_close(&a);
    pv_footage_close(&b);
    pv_set_close(set);
    folder_close(&folder);
}

/* Up to the seam nothing changes; after it everything falls half as fast, and what counts comes later. */
Test(eval_set, gravity_is_halved_at_the_seam)
{
    struct folder folder = folder_open();
    char path[512];
    struct pv_set *set = record(&folder, 1, path);
    struct pv_footage half;
    struct pv_error err = {{0}};
    cr_assert_eq(pv_set_draw_half_gravity(set, "drop", PV_WORLD_IN, 0, 64, 64, 12, &half, &err), PV_OK, "%s", err.text);
    struct pv_world_params params;
    struct pv_world *world;
    pv_world_params_init(&params, "drop");
    params.seed = PV_WORLD_HELD_OUT_SEED + 1000;
    params.width = params.height = 64;
    params.frames = 60;
    cr_assert_eq(pv_world_open(&params, &world, &err), PV_OK, "%s", err.text);
    static uint8_t frame[64 * 64 * 3];
    for (int t = -11; t <= 1; t++) {
        cr_assert_eq(pv_world_next(world, frame, 64 * 3, NULL, &err), PV_OK);
        const bool same = memcmp(frame, pv_footage_frame(&half, t), sizeof frame) == 0;
        cr_expect(same == (t <= 0), "frame %d is %s", t, same ? "the same" : "another one");
    }
    cr_assert(half.gravity_turns);
    float gravity[2];
    pv_world_gravity(world, gravity);
    cr_expect_float_eq(half.turned_gravity[1], gravity[1] / 2, 1e-6);
    while (pv_world_next(world, NULL, 0, NULL, &err) == PV_OK)
        ;
    int unturned[PV_OBJECTS], counting = 0;
    json_t *truth = pv_world_truth(world);
    pv_footage_contacts(&half, truth, unturned);
    for (int i = 0; i < half.objects; i++) {
        cr_expect(half.contact[i] == 0 || half.contact[i] >= unturned[i] + 3, "body %d touches after %d and %d frames",
                  i, unturned[i], half.contact[i]);
        counting += half.contact[i] > 0;
    }
    cr_expect_gt(counting, 0, "the scene shows nothing");
    json_decref(truth);
    pv_world_close(world);
    pv_footage_close(&half);
    pv_set_close(set);
    folder_close(&folder);
}

/* The file again with one text of its metadata changed. */
static void rewrite(const char *path, const char *from, const char *to)
{
    struct pv_safetensors *file;
    struct pv_error err = {{0}};
    cr_assert_eq(pv_safetensors_read(path, PV_ERR_FORMAT, &file, &err), PV_OK, "%s", err.text);
    const char *text = pv_safetensors_metadata(file, "set"), *at = strstr(text, from);
    cr_assert_not_null(at, "no %s", from);
    char *changed = malloc(strlen(text) + strlen(to) + 1);
    sprintf(changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    const struct pv_metadata metadata = {"set", changed};
    const struct pv_tensor_view places = *pv_safetensors_find(file, "places");
    cr_assert_eq(pv_safetensors_write(path, &places, 1, &metadata, 1, &err), PV_OK, "%s", err.text);
    free(changed);
    pv_safetensors_close(file);
}

Test(eval_set, what_does_not_fit_is_refused_in_words)
{
    static const struct {
        const char *from, *to, *says;
        bool on_open;
    } changes[] = {
        {"\"schema\":1", "\"schema\":2", "not a set of held-out clips", true},
        {"\"bodies\":", "\"bodies\":1", "no tensor 'places'", true},
        {"\"seed\":4294968296", "\"seed\":4294968297", "no longer draws", false},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct folder folder = folder_open();
        char path[512];
        struct pv_error err = {{0}};
        struct pv_set *set = record(&folder, 1, path);
        pv_set_close(set);
        rewrite(path, changes[i].from, changes[i].to);
        pv_status status = pv_set_open(path, &set, &err);
        if (!changes[i].on_open) {
            struct pv_footage f;
            cr_assert_eq(status, PV_OK, "%s", err.text);
            status = pv_set_draw(set, "drop", PV_WORLD_IN, 0, 128, 128, 12, &f, &err);
            pv_footage_close(&f);
            if (status == PV_ERR_ARGUMENT) /* another scene may have another number of bodies: refused as well */
                status = strstr(err.text, "bodies") ? PV_ERR_FORMAT : status;
            else
                cr_expect(strstr(err.text, changes[i].says), "%s", err.text);
        } else {
            cr_expect(strstr(err.text, changes[i].says), "%s", err.text);
        }
        cr_expect_eq(status, PV_ERR_FORMAT, "change %zu: %d", i, (int)status);
        pv_set_close(set);
        folder_close(&folder);
    }
}

/* ---- the shipped ones ---- */

static pv_model_info model_of(int width, int height, int multiple)
{
    return (pv_model_info){.struct_size = sizeof(pv_model_info),
                           .name = "test",
                           .width = width,
                           .height = height,
                           .size_multiple = multiple,
                           .fps_num = 24,
                           .fps_den = 1};
}

Test(eval_suite, shipped_clips_fit_their_worlds)
{
    static const int shapes[2][2] = {{64, 64}, {128, 72}};
    for (int s = 0; s < 2; s++) {
        const pv_model_info model = model_of(shapes[s][0], shapes[s][1], 8);
        char path[512];
        struct pv_suite suite;
        struct pv_error err = {{0}};
        snprintf(path, sizeof path, PV_SETS_DIR "/%s", pv_suite_file(model.width, model.height));
        cr_assert_eq(pv_suite_open(PV_SUITE_PHYSICS, &model, 0, path, &suite, &err), PV_OK, "%s", err.text);
        cr_expect_eq(suite.width, shapes[s][0]);
        cr_expect_eq(suite.height, shapes[s][1]);
        cr_expect_eq(suite.group_count, 8);
        for (int g = 0; g < suite.group_count; g++) {
            cr_expect_eq(suite.groups[g].clips, 64, "%s", suite.groups[g].world);
            /* pour is simulated anew */
            const bool simulated = strcmp(suite.groups[g].world, "pour") == 0;
            for (int i = 0; i < 64; i += simulated ? 64 : 21) {
                struct pv_footage f;
                cr_expect_eq(pv_suite_draw(&suite, &suite.groups[g], i, &f, &err), PV_OK, "%s", err.text);
                cr_expect((f.objects > 0) != (f.pour != NULL));
                pv_footage_close(&f);
            }
        }
        pv_suite_close(&suite);
    }
}

Test(eval_suite, frame_sizes_have_exactly_the_recorded_shape)
{
    static const struct {
        int width, height, multiple, expected_width, expected_height;
    } models[] = {
        {128, 128, 16, 128, 128}, {512, 288, 32, 512, 288}, {256, 256, 48, 240, 240}, {640, 360, 40, 640, 360}};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const pv_model_info model = model_of(models[i].width, models[i].height, models[i].multiple);
        char path[512];
        struct pv_suite suite;
        struct pv_error err = {{0}};
        snprintf(path, sizeof path, PV_SETS_DIR "/%s", pv_suite_file(model.width, model.height));
        cr_assert_eq(pv_suite_open(PV_SUITE_PHYSICS, &model, 0, path, &suite, &err), PV_OK, "%s", err.text);
        cr_expect_eq(suite.width, models[i].expected_width, "%d", suite.width);
        cr_expect_eq(suite.height, models[i].expected_height, "%d", suite.height);
        pv_suite_close(&suite);
    }
}

Test(eval_suite, law_clips_follow_the_protocol)
{
    const pv_model_info model = model_of(128, 128, 16);
    struct pv_suite suite;
    struct pv_error err = {{0}};
    cr_assert_eq(pv_suite_open(PV_SUITE_LAW, &model, 0, "", &suite, &err), PV_OK, "%s", err.text);
    cr_expect_eq(suite.group_count, 6);
    for (int g = 0; g < suite.group_count; g++)
        for (int i = 0; i < 64; i += 9) {
            struct pv_footage f;
            const bool two = strcmp(suite.groups[g].world, "collision") == 0;
            cr_assert_eq(pv_suite_draw(&suite, &suite.groups[g], i, &f, &err), PV_OK, "%s", err.text);
            cr_expect_eq(f.context, 3);
            cr_expect_eq(f.ahead, 29);
            cr_expect_eq(f.objects, two ? 2 : 1);
            for (int k = 0; k < f.objects; k++) {
                const double radius = f.half_height[k] / f.pixels_per_unit;
                cr_expect(two ? radius > 0.5 : radius >= 0.6, "%s has a radius of %f", suite.groups[g].world, radius);
                const struct pv_sighting seen = pv_footage_sightings(&f, 0)[k];
                cr_expect_lt(hypot(seen.x - pv_footage_places(&f, 0)[k].x, seen.y - pv_footage_places(&f, 0)[k].y), 0.2,
                             "ball %d is seen where it is", k);
            }
            pv_footage_close(&f);
        }
    pv_suite_close(&suite);
}

Test(eval_suite, contexts_that_are_too_long_are_refused)
{
    const pv_model_info model = model_of(128, 128, 16);
    struct pv_suite suite;
    struct pv_error err = {{0}};
    cr_expect_eq(pv_suite_open(PV_SUITE_PHYSICS, &model, 17, PV_SETS_DIR "/physics-square.safetensors", &suite, &err),
                 PV_ERR_ARGUMENT);
    cr_expect(strstr(err.text, "16"), "%s", err.text);
    pv_suite_close(&suite);
}
