/* worlds.c: how many frames a second one core simulates and renders of each world: `prevue-bench-worlds [--json]`.
 *
 * Clips of the world's own length, one after the other, opening them included, as training data is made; seeds of the
 * held-out range. Every world runs for SECONDS of processor time: other programs on the machine count less. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "world/world.h"

static const double seconds_each = 2;
static const int sizes[][2] = {{512, 288}, {128, 128}};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct speed {
    int width, height;
    double frames_per_second, open_ms; /* open_ms: of the mean clip */
};

/* PV_ERR_ARGUMENT: there is no such clip (a law world is square). */
static pv_status measure(const char *name, const int size[2], struct speed *speed, struct pv_error *err)
{
    struct pv_world_params p;
    pv_world_params_init(&p, name);
    p.width = size[0];
    p.height = size[1];
    p.seed = PV_WORLD_HELD_OUT_SEED;
    uint8_t *rgb = malloc((size_t)p.width * (size_t)p.height * 4);
    if (!rgb)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", p.width, p.height);
    uint8_t *coverage = rgb + (size_t)p.width * (size_t)p.height * 3;
    const double start = now();
    double opening = 0;
    int clips = 0, frames = 0;
    pv_status status = PV_OK;
    while (status == PV_OK && now() - start < seconds_each) {
        struct pv_world *world;
        const double before = now();
        if ((status = pv_world_open(&p, &world, err)) != PV_OK)
            break;
        opening += now() - before;
        while ((status = pv_world_next(world, rgb, (size_t)p.width * 3, coverage, err)) == PV_OK)
            frames++;
        status = status == PV_END ? PV_OK : status;
        pv_world_close(world);
        clips++;
        p.seed++;
    }
    free(rgb);
    if (status == PV_OK)
        *speed = (struct speed){p.width, p.height, frames / (now() - start), 1000 * opening / clips};
    return status;
}

int main(int argc, char **argv)
{
    const bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 2 || (argc == 2 && !json)) {
        fputs("usage: prevue-bench-worlds [--json]\n", stderr);
        return 2;
    }
    json_t *list = json_array();
    if (!json)
        puts("| world | size | frames/s a core | to open a clip, ms |\n|---|---|---|---|");
    for (size_t i = 0; pv_world_name(i); i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct speed s = {0};
            struct pv_error err = {""};
            const pv_status status = measure(pv_world_name(i), sizes[k], &s, &err);
            if (status == PV_ERR_ARGUMENT)
                continue;
            if (status != PV_OK) {
                fprintf(stderr, "prevue-bench-worlds: %s\n", err.text);
                return 1;
            }
            if (json)
                json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:f, s:f}", "world", pv_world_name(i), "width",
                                                      s.width, "height", s.height, "frames_per_second",
                                                      s.frames_per_second, "open_ms", s.open_ms));
            else
                printf("| %s | %dx%d | %.0f | %.1f |\n", pv_world_name(i), s.width, s.height, s.frames_per_second,
                       s.open_ms);
            fflush(stdout);
        }
    if (json) {
        json_dumpf(list, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
        putchar('\n');
    }
    json_decref(list);
    return 0;
}
