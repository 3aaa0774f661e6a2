/* rollout.c: how long a predicted frame takes, through the public API alone: `prevue-bench-rollout MODEL [options]`.
 * One warm-up rollout past the window, then every frame is timed on its own. Prints one JSON object. */
#include <prevue/prevue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int fail(const char *what)
{
    fprintf(stderr, "prevue-bench-rollout: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    int frames = 40, threads = 0, steps = 0;
    const char *path = NULL, *backend = "auto";
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--frames") && i + 1 < argc)
            frames = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--steps") && i + 1 < argc)
            steps = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--backend") && i + 1 < argc)
            backend = argv[++i];
        else if (argv[i][0] != '-' && !path)
            path = argv[i];
        else
            return fail("usage: prevue-bench-rollout MODEL [--frames N] [--threads N] [--steps N] [--backend NAME]");
    }
    if (!path || frames < 1)
        return fail("usage: prevue-bench-rollout MODEL [--frames N] [--threads N] [--steps N] [--backend NAME]");

    pv_model_params mp;
    pv_model_params_init(&mp);
    mp.threads = threads;
    mp.backend = backend;
    pv_model *model = NULL;
    if (pv_model_open(path, &mp, &model) != PV_OK)
        return fail(pv_model_message(model));
    pv_model_info info = {.struct_size = sizeof info};
    pv_model_get_info(model, &info);

    pv_rollout_params rp;
    pv_rollout_params_init(&rp);
    rp.steps = steps;
    pv_rollout *rollout = NULL;
    if (pv_rollout_open(model, &rp, &rollout) != PV_OK)
        return fail(pv_rollout_message(rollout));
    const size_t stride = (size_t)info.width * 3, bytes = stride * (size_t)info.height;
    pv_frame frame = {.data = malloc(bytes), .stride = stride, .width = info.width, .height = info.height};
    double *ms = malloc((size_t)frames * sizeof *ms);
    if (!frame.data || !ms)
        return fail("out of memory");
    for (size_t i = 0; i < bytes; i++)
        frame.data[i] = (uint8_t)(i * 7 % 251);

    /* The cache is full before anything is timed: every timed frame attends to a whole window. */
    for (int i = 0; i < info.window; i++)
        if (pv_rollout_send(rollout, &frame, NULL) != PV_OK)
            return fail(pv_rollout_message(rollout));
    for (int i = -2; i < frames; i++) {
        const double start = now_ms();
        if (pv_rollout_predict(rollout, NULL) != PV_OK || pv_rollout_receive(rollout, &frame) != PV_OK)
            return fail(pv_rollout_message(rollout));
        if (i >= 0)
            ms[i] = now_ms() - start;
    }
    qsort(ms, (size_t)frames, sizeof *ms, by_value);
    printf("{\"model\": \"%s\", \"backend\": \"%s\", \"threads\": %d, \"steps\": %d, \"frames\": %d, "
           "\"ms_min\": %.3f, \"ms_median\": %.3f, \"ms_p90\": %.3f}\n",
           info.name, info.backend, info.threads, steps ? steps : info.steps, frames, ms[0], ms[frames / 2],
           ms[frames * 9 / 10]);
    free(ms);
    free(frame.data);
    pv_rollout_close(rollout);
    pv_model_close(model);
    return 0;
}
