/* A clip from open to close: the same bytes every time, any size and rate, refusals that say what to do. */
#include <pthread.h>
#include <unistd.h>

#include "clip.h"

/* FNV-1a over pictures, coverage and truth. */
static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t clip_hash(const struct pv_world_params *p)
{
    const size_t row = (size_t)p->width * 3, pixels = (size_t)p->width * (size_t)p->height;
    uint8_t *rgb = malloc(pixels * 3), *coverage = malloc(pixels);
    struct pv_world *world = NULL;
    if (!rgb || !coverage || pv_world_open(p, &world, NULL) != PV_OK)
        abort();
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    while (pv_world_next(world, rgb, row, coverage, NULL) == PV_OK) {
        h = hash(h, rgb, pixels * 3);
        h = hash(h, coverage, pixels);
    }
    json_t *truth = pv_world_truth(world);
    char *text = json_dumps(truth, JSON_COMPACT);
    h = hash(h, text, strlen(text));
    free(text);
    json_decref(truth);
    pv_world_close(world);
    free(rgb);
    free(coverage);
    return h;
}

enum { WORLDS = 16, SEEDS = 2, CLIPS = WORLDS * SEEDS };

/* Of a few clips of every world; the law worlds are square. */
static void *hash_clips(void *user)
{
    uint64_t *hashes = user;
    for (size_t world = 0; pv_world_name(world); world++)
        for (size_t seed = 0; seed < SEEDS; seed++) {
            struct pv_world_params p = clip_params(seed, 64, 64, 30);
            p.name = pv_world_name(world);
            p.range = seed == 1 ? PV_WORLD_OUT : PV_WORLD_IN;
            hashes[world * SEEDS + seed] = clip_hash(&p);
        }
    return NULL;
}

Test(world, the_same_seed_gives_the_same_bytes_on_any_thread, .timeout = 120)
{
    uint64_t alone[CLIPS] = {0}, together[3][CLIPS] = {{0}};
    hash_clips(alone);
    /* Other addresses for everything: an engine that orders by pointer would show. */
    void *holes[100];
    for (size_t i = 0; i < 100; i++)
        holes[i] = malloc(48 * i + 16);
    for (size_t i = 0; i < 100; i += 2) {
        free(holes[i]);
        holes[i] = NULL;
    }
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        cr_assert(pthread_create(&threads[i], NULL, hash_clips, together[i]) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 100; i++)
        free(holes[i]);
    for (int i = 0; i < 3; i++)
        cr_assert(memcmp(alone, together[i], sizeof alone) == 0);
    for (size_t i = 1; i < CLIPS && alone[i]; i++)
        cr_assert(alone[i] != alone[i - 1]);
}

Test(world, rendering_does_not_change_the_truth)
{
    static uint8_t rgb[64 * 64 * 3];
    const uint64_t seed = fresh_seed();
    for (size_t i = 0; pv_world_name(i); i++) {
        struct pv_world_params p = clip_params(seed, 64, 64, 30);
        p.name = pv_world_name(i);
        json_t *unseen = clip_truth(&p);
        struct pv_world *world = clip_open(&p);
        while (pv_world_next(world, rgb, 64 * 3, NULL, NULL) == PV_OK)
            ;
        json_t *seen = pv_world_truth(world);
        cr_assert(json_equal(seen, unseen), "%s", p.name);
        json_decref(seen);
        json_decref(unseen);
        pv_world_close(world);
    }
}

Test(world, a_scene_does_not_depend_on_the_resolution)
{
    struct pv_world_params small = clip_params(fresh_seed(), 64, 36, 50), large = small;
    large.width = 512;
    large.height = 288;
    json_t *a = clip_truth(&small), *b = clip_truth(&large);
    for (size_t frame = 0; frame < 50; frame++)
        for (size_t i = 0; i < count(a, "objects"); i++) {
            const json_t *s = state(a, frame, i), *l = state(b, frame, i);
            cr_assert(number(s, "x") == number(l, "x") && number(s, "y") == number(l, "y"));
            cr_assert(fabs(number(s, "px") * 8 - number(l, "px")) < 1e-9);
        }
    json_decref(a);
    json_decref(b);
}

Test(world, skipped_frames_are_those_of_the_whole_clip)
{
    struct pv_world_params whole = clip_params(fresh_seed(), 64, 64, 60), late = whole;
    late.skip = 37;
    late.frames = 60 - 37;
    json_t *a = clip_truth(&whole), *b = clip_truth(&late);
    for (size_t frame = 0; frame < 23; frame++)
        cr_assert(json_equal(json_object_get(item(a, "trajectory", frame + 37), "objects"),
                             json_object_get(item(b, "trajectory", frame), "objects")));
    cr_assert(count(a, "events") == count(b, "events") && count(a, "events") > 0);
    for (size_t k = 0; k < count(a, "events"); k++) {
        const json_t *e = item(a, "events", k), *l = item(b, "events", k);
        cr_assert(number(l, "frame") == number(e, "frame") - 37);
        cr_assert(fabs(number(l, "time") - number(e, "time") + 37.0 / 24) < 1e-9);
    }
    json_decref(a);
    json_decref(b);
}

Test(world, frame_times_are_exact_at_any_rate)
{
    static const int rates[][2] = {{24, 1}, {25, 1}, {30000, 1001}, {1, 1}, {480, 1}, {7, 3}};
    const uint64_t seed = fresh_seed();
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct pv_world_params p = clip_params(seed, 32, 32, 3);
        p.fps_num = rates[r][0];
        p.fps_den = rates[r][1];
        json_t *truth = clip_truth(&p);
        const double interval = (double)p.fps_den / p.fps_num, g = json_number_value(item(truth, "gravity", 1));
        const bool free_fall = count(truth, "events") == 0 || number(item(truth, "events", 0), "time") > interval;
        for (size_t frame = 0; frame < 3; frame++)
            cr_assert(fabs(number(item(truth, "trajectory", frame), "time") - (double)frame * interval) < 1e-12);
        if (free_fall) { /* no more and no less than a frame's worth of gravity */
            const double gained = number(state(truth, 1, 0), "vy") - number(state(truth, 0, 0), "vy");
            cr_assert(fabs(gained - g * interval) < 1e-9);
        }
        json_decref(truth);
    }
}

Test(world, odd_sizes_and_padded_rows)
{
    static const int sizes[][2] = {{16, 16}, {17, 31}, {129, 97}, {255, 131}, {512, 288}};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        const struct pv_world_params p = clip_params(k, width, height, 4);
        const size_t row = (size_t)width * 3, stride = row + 5, rows = (size_t)height;
        uint8_t *tight = malloc(row * rows), *padded = malloc(stride * rows);
        cr_assert(tight && padded);
        memset(padded, 0xA5, stride * rows);
        struct pv_world *a = clip_open(&p), *b = clip_open(&p);
        for (int frame = 0; frame < 4; frame++) {
            cr_assert(pv_world_next(a, tight, row, NULL, NULL) == PV_OK);
            cr_assert(pv_world_next(b, padded, stride, NULL, NULL) == PV_OK);
            for (size_t j = 0; j < rows; j++) {
                cr_assert(memcmp(&tight[j * row], &padded[j * stride], row) == 0);
                for (size_t i = row; i < stride; i++)
                    cr_assert(padded[j * stride + i] == 0xA5);
            }
        }
        pv_world_close(a);
        pv_world_close(b);
        free(tight);
        free(padded);
    }
}

Test(world, gravity_can_be_scaled_without_changing_the_start)
{
    struct pv_world_params p = clip_params(fresh_seed(), 32, 32, 10), half = p, none = p;
    half.gravity_scale = 0.5f;
    none.gravity_scale = 0;
    struct pv_world *a = clip_open(&p), *b = clip_open(&half);
    float full[2], scaled[2];
    pv_world_gravity(a, full);
    pv_world_gravity(b, scaled);
    cr_assert(full[1] < -5 && fabsf(scaled[1] - full[1] / 2) < 1e-6f);
    pv_world_close(a);
    pv_world_close(b);
    json_t *usual = clip_truth(&p), *floating = clip_truth(&none);
    for (size_t i = 0; i < count(usual, "objects"); i++) {
        const json_t *s = state(usual, 0, i), *f = state(floating, 0, i);
        cr_assert(number(s, "x") == number(f, "x") && number(s, "y") == number(f, "y"));
        if (count(floating, "events") == 0)
            cr_assert(number(f, "vy") == number(state(floating, 9, i), "vy"));
    }
    json_decref(usual);
    json_decref(floating);
}

static void refused(struct pv_world_params p, const char *expected)
{
    struct pv_error err = {""};
    struct pv_world *world = (struct pv_world *)&err;
    cr_assert(pv_world_open(&p, &world, &err) == PV_ERR_ARGUMENT);
    cr_assert(world == NULL);
    cr_assert(strstr(err.text, expected) != NULL, "\"%s\" does not say \"%s\"", err.text, expected);
}

Test(world, bad_params_are_refused_with_what_to_do)
{
    const struct pv_world_params good = clip_params(0, 64, 64, 10);
    struct pv_world_params p = good;
    p.name = "drip";
    refused(p, "choose one of: drop");
    p.name = NULL;
    refused(p, "drop");
    refused((p = good, p.width = 0, p), "16 to 4096");
    refused((p = good, p.height = 8192, p), "16 to 4096");
    refused((p = good, p.width = 300, p), "twice as long");
    refused((p = good, p.height = 300, p), "twice as long");
    refused((p = good, p.frames = 0, p), "0 frames");
    refused((p = good, p.skip = -1, p), "skip -1");
    refused((p = good, p.fps_den = 0, p), "24/0");
    refused((p = good, p.fps_num = 481, p), "481/1");
    refused((p = good, p.range = (enum pv_world_range)7, p), "range");
    refused((p = good, p.gravity_scale = NAN, p), "gravity");
    refused((p = good, p.seed = UINT64_MAX, p), "2^63");
}

Test(world, next_checks_its_buffers_and_ends)
{
    const struct pv_world_params p = clip_params(0, 32, 32, 2);
    static uint8_t rgb[32 * 32 * 3], coverage[32 * 32];
    struct pv_world *world = clip_open(&p);
    cr_assert(pv_world_next(world, rgb, 95, NULL, NULL) == PV_ERR_ARGUMENT);
    cr_assert(pv_world_next(world, NULL, 0, coverage, NULL) == PV_ERR_ARGUMENT);
    cr_assert(pv_world_next(world, rgb, 96, NULL, NULL) == PV_OK);
    cr_assert(pv_world_next(world, NULL, 0, NULL, NULL) == PV_OK);
    memset(rgb, 0x5A, sizeof rgb);
    cr_assert(pv_world_next(world, rgb, 96, coverage, NULL) == PV_END);
    for (size_t i = 0; i < sizeof rgb; i++)
        cr_assert(rgb[i] == 0x5A);
    pv_world_close(world);
    pv_world_close(NULL);
}

Test(world, the_table_lists_every_world)
{
    cr_assert(strcmp(pv_world_name(0), "drop") == 0);
    size_t n = 0;
    while (pv_world_name(n)) {
        struct pv_world_params p = clip_params(1, 32, 32, 1);
        p.name = pv_world_name(n);
        json_decref(clip_truth(&p));
        cr_assert(strlen(pv_world_summary(n)) > 0);
        n++;
    }
    cr_assert(pv_world_summary(n) == NULL);
}

Test(world, opening_leaves_stdout_alone)
{
    /* The physics library may announce itself there; clips go there. */
    FILE *file = tmpfile();
    cr_assert(file != NULL);
    fflush(stdout);
    const int out = dup(STDOUT_FILENO);
    cr_assert(dup2(fileno(file), STDOUT_FILENO) >= 0);
    const struct pv_world_params p = clip_params(0, 32, 32, 1);
    struct pv_world *world = clip_open(&p);
    fputs("mine", stdout);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    pv_world_close(world);
    char text[64] = "";
    rewind(file);
    const size_t size = fread(text, 1, sizeof text - 1, file);
    cr_assert(size == 4 && strcmp(text, "mine") == 0, "stdout got \"%s\"", text);
    fclose(file);
}
