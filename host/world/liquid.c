/* liquid.c: the surface of Zhu and Bridson (2005, section 5): a point lies as far from the surface as from the weighted
 * mean of the particles around it, less a radius. Weights fall to zero smoothly, so that a body of liquid has a smooth
 * edge and a single drop is a disc. */
#include "world/liquid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world/clamp.h"

static const double reach_spacings = 3.2; /* of a particle */
/* The distance of the surface from the weighted mean, in spacings: that of a drop alone, with the right area, and that
 * along a straight edge, where the mean of half a disc of weights lies .2587 reaches inside. */
static const double drop_radius = 0.56, edge_radius = 0.83;

pv_status pv_liquid_open(struct pv_liquid *liquid, int width, int height, struct pv_error *err)
{
    liquid->width = width;
    liquid->height = height;
    liquid->field = malloc((size_t)width * (size_t)height * 3 * sizeof *liquid->field);
    if (!liquid->field)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to draw a liquid at %dx%d pixels; choose a smaller picture",
                       width, height);
    return PV_OK;
}

void pv_liquid_close(struct pv_liquid *liquid)
{
    free(liquid->field);
}

static int clamp_int(float value, int high)
{
    return value < 0 ? 0 : value > (float)high ? high : (int)value;
}

/* Adds weight, weight * dx and weight * dy of one particle to the pixels around it; lengths in reaches, y down. */
static void splat(struct pv_liquid *liquid, float x, float y, float reach)
{
    const int left = clamp_int(x - reach, liquid->width), right = clamp_int(x + reach + 1, liquid->width);
    const int top = clamp_int(y - reach, liquid->height), bottom = clamp_int(y + reach + 1, liquid->height);
    const float scale = 1 / reach;
    for (int j = top; j < bottom; j++) {
        float *row = &liquid->field[(size_t)j * (size_t)liquid->width * 3];
        const float dy = (y - ((float)j + 0.5f)) * scale;
        for (int i = left; i < right; i++) {
            const float dx = (x - ((float)i + 0.5f)) * scale;
            const float t = pv_clampf(1 - dx * dx - dy * dy, 0, 1), w = t * t * t;
            row[3 * i] += w;
            row[3 * i + 1] += w * dx;
            row[3 * i + 2] += w * dy;
        }
    }
}

static void blend(uint8_t *out, float value, float cover)
{
    *out = (uint8_t)((float)*out + (pv_clampf(value, 0, 1) * 255 - (float)*out) * cover + 0.5f);
}

void pv_liquid_draw(struct pv_liquid *liquid, const struct pv_canvas *canvas, const struct pv_point *at, int count,
                    double spacing)
{
    const int width = liquid->width, height = liquid->height;
    const float reach = (float)(reach_spacings * spacing * canvas->pixels);
    const float drop = (float)(drop_radius / reach_spacings), edge = (float)(edge_radius / reach_spacings);
    const float full = (float)(3.14159265358979 / 4 * reach_spacings * reach_spacings); /* the weights' sum inside */
    memset(liquid->field, 0, (size_t)width * (size_t)height * 3 * sizeof *liquid->field);
    for (int i = 0; i < count; i++)
        splat(liquid, (float)(at[i].x * canvas->pixels), (float)(height - at[i].y * canvas->pixels), reach);

    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const float *f = &liquid->field[((size_t)j * (size_t)width + (size_t)i) * 3];
            if (f[0] < 1e-6f)
                continue;
            const float mx = f[1] / f[0], my = f[2] / f[0],
                        radius = drop + (edge - drop) * pv_clampf(2 * f[0] / full, 0, 1);
            const float distance = (sqrtf(mx * mx + my * my) - radius) * reach; /* pixels */
            const float cover = pv_clampf(0.5f - distance, 0, 1);
            if (cover == 0)
                continue;
            const float depth = pv_clampf(2 * f[0] / full - 1, 0, 1), rim = (1 - depth) * (1 - depth);
            /* Thin liquid is brighter, and so is what looks up: the mean lies below there. */
            const float up = pv_clampf(my, 0, 1) / (sqrtf(mx * mx + my * my) + 1e-3f);
            const float t = rim * (0.6f + 0.4f * up);
            uint8_t *pixel = &canvas->rgb[(size_t)j * canvas->stride + (size_t)i * 3];
            blend(&pixel[0], liquid->deep.r + t * (liquid->bright.r - liquid->deep.r), cover);
            blend(&pixel[1], liquid->deep.g + t * (liquid->bright.g - liquid->deep.g), cover);
            blend(&pixel[2], liquid->deep.b + t * (liquid->bright.b - liquid->deep.b), cover);
            if (canvas->coverage)
                blend(&canvas->coverage[(size_t)j * (size_t)width + (size_t)i], 1, cover);
        }
}
