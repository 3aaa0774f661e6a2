/* pour.c: see pour.h. */
#include "eval/pour.h"

#include <math.h>
#include <stdlib.h>

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

pv_status pv_pour_open(const json_t *truth, int frames, struct pv_pour **out, struct pv_error *err)
{
    *out = NULL;
    const json_t *liquid = json_object_get(truth, "liquid"), *cup = json_object_get(truth, "cup");
    const json_t *target = json_object_get(truth, "target"), *trajectory = json_object_get(truth, "trajectory");
    if (!liquid)
        return PV_OK;
    struct pv_pour *p = calloc(1, sizeof *p);
    if (p)
        p->frames = calloc((size_t)frames, sizeof *p->frames);
    if (!p || !p->frames) {
        free(p);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of %d frames", frames);
    }
    const double pixels = number(truth, "pixels_per_unit"), picture = number(truth, "height");
    p->look = (struct pv_object_look){.kind = PV_LOOK_HUE, .hue = number(liquid, "hue"), .tolerance = 15};
    p->cup_x = number(cup, "x") * pixels;
    p->cup_y = picture - number(cup, "y") * pixels;
    p->cup_width = number(cup, "width") * pixels;
    p->cup_height = number(cup, "height") * pixels;
    p->has_target = json_is_object(target);
    p->target_x = number(target, "x") * pixels;
    p->bottom = picture - number(target, "y") * pixels;
    p->width = number(target, "width") * pixels;
    p->height = number(target, "height") * pixels;
    for (int i = 0; i < frames; i++) {
        const json_t *frame = json_array_get(trajectory, (size_t)i);
        p->frames[i] = (struct pv_pour_frame){number(frame, "angle"), 1 - number(frame, "cup"),
                                              number(frame, "level") * pixels / p->height};
    }
    *out = p;
    return PV_OK;
}

void pv_pour_close(struct pv_pour *pour)
{
    if (!pour)
        return;
    free(pour->frames);
    free(pour);
}

struct pv_pour_view pv_pour_look(const struct pv_pour *p, double angle, const uint8_t *rgb, int width, int height)
{
    struct pv_pour_view view = {0};
    double in_target = 0;
    const double c = cos(angle), s = sin(angle);
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const double x = i + 0.5, y = j + 0.5;
            if (!pv_pixel_looks_like(&p->look, rgb + ((size_t)j * (size_t)width + (size_t)i) * 3))
                continue;
            const double right = x - p->cup_x, up = p->cup_y - y;
            view.area++;
            view.in_cup += fabs(c * right + s * up) < p->cup_width / 2 && fabs(c * up - s * right) < p->cup_height / 2;
            in_target +=
                p->has_target && fabs(x - p->target_x) < p->width / 2 && y < p->bottom && y > p->bottom - p->height;
        }
    view.level = p->has_target ? in_target / (p->width * p->height) : NAN;
    return view;
}
