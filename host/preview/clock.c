/* clock.c: see clock.h. */
#include "preview/clock.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

struct pv_preview_clock pv_preview_clock_of(int model_num, int model_den, int clip_num, int clip_den)
{
    const int64_t model = (int64_t)model_num * clip_den, clip = (int64_t)clip_num * model_den,
                  common = gcd(model, clip);
    const double off = (double)(clip - model) / (double)model;
    if (off <= 0.05 && off >= -0.05)
        return (struct pv_preview_clock){1, 1};
    return (struct pv_preview_clock){model / common, clip / common};
}

/* numerator / denominator, to the nearest, half up; neither is negative. */
static int64_t rounded(int64_t numerator, int64_t denominator)
{
    return (2 * numerator + denominator) / (2 * denominator);
}

int64_t pv_preview_clock_shown(const struct pv_preview_clock *c, int64_t frame)
{
    const int64_t place = rounded((frame + 1) * c->model, c->clip); /* the seam is 0, the first predicted frame 1 */
    return place > 1 ? place - 1 : 0;
}

int64_t pv_preview_clock_covered(const struct pv_preview_clock *c, int64_t predicted)
{
    if (predicted <= 0)
        return 0;
    int64_t frame = predicted * c->clip / c->model; /* off by one at most */
    while (frame > 0 && pv_preview_clock_shown(c, frame - 1) >= predicted)
        frame--;
    while (pv_preview_clock_shown(c, frame) < predicted)
        frame++;
    return frame;
}

int64_t pv_preview_clock_back(const struct pv_preview_clock *c, int64_t i)
{
    return rounded(i * c->clip, c->model);
}
