/* flow.c: constant-flow advection: where every pixel goes if it keeps its motion. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "eval/forecast.h"

enum { LEVELS = 7, SMALLEST_SIDE = 20, ITERATIONS = 4, RADIUS = 4 };

/* One size of the pyramid. */
struct level {
    int width, height;
    float *before, *after; /* luma */
    float *right, *down;   /* flow, in pixels of this level */
};

/* What the solver sums over windows: products of the gradient (gx, gy) and the difference d. */
enum { GXX, GXY, GYY, GXD, GYD, TERMS };

static float luma(const uint8_t *p)
{
    return 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
}

static int clamp(int value, int high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

/* Bilinear; edges are repeated. */
static float sample(const float *picture, int width, int height, float x, float y)
{
    x = fminf(fmaxf(x, 0), (float)(width - 1));
    y = fminf(fmaxf(y, 0), (float)(height - 1));
    const int i = clamp((int)x, width - 2), j = clamp((int)y, height - 2);
    const float s = x - (float)i, t = y - (float)j;
    const float *p = picture + (size_t)j * (size_t)width + i, *q = p + width;
    return (1 - t) * ((1 - s) * p[0] + s * p[1]) + t * ((1 - s) * q[0] + s * q[1]);
}

/* Mean of 2x2 pixels. */
static void halve(const float *from, int from_width, float *to, int width, int height)
{
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const float *p = from + (size_t)(2 * j) * (size_t)from_width + 2 * i;
            to[(size_t)j * (size_t)width + (size_t)i] = (p[0] + p[1] + p[from_width] + p[from_width + 1]) / 4;
        }
}

/* Sums over windows of 2 RADIUS + 1 in one direction, edges repeated: step is the distance of neighbours in the
 * picture, length how many there are. */
static void sum_line(const float *from, float *to, int length, size_t step)
{
    double sum = 0;
    for (int i = -RADIUS; i < RADIUS; i++)
        sum += (double)from[(size_t)clamp(i, length - 1) * step];
    for (int i = 0; i < length; i++) {
        sum += (double)from[(size_t)clamp(i + RADIUS, length - 1) * step];
        to[(size_t)i * step] = (float)sum;
        sum -= (double)from[(size_t)clamp(i - RADIUS, length - 1) * step];
    }
}

static void sum_windows(float *picture, float *work, int width, int height)
{
    for (int j = 0; j < height; j++)
        sum_line(picture + (size_t)j * (size_t)width, work + (size_t)j * (size_t)width, width, 1);
    for (int i = 0; i < width; i++)
        sum_line(work + i, picture + i, height, (size_t)width);
}

/* after(p) = before(p - flow(p)): one Gauss-Newton step of the flow at all pixels. term: TERMS pictures and one more.
 */
static void refine(const struct level *l, float *term[TERMS + 1])
{
    static const float damping = 40; /* squared levels: flat windows keep the flow they have */
    const int w = l->width, h = l->height;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) {
            const size_t at = (size_t)j * (size_t)w + (size_t)i;
            const float x = (float)i - l->right[at], y = (float)j - l->down[at];
            const float gx = (sample(l->before, w, h, x + 1, y) - sample(l->before, w, h, x - 1, y)) / 2;
            const float gy = (sample(l->before, w, h, x, y + 1) - sample(l->before, w, h, x, y - 1)) / 2;
            const float d = sample(l->before, w, h, x, y) - l->after[at];
            term[GXX][at] = gx * gx;
            term[GXY][at] = gx * gy;
            term[GYY][at] = gy * gy;
            term[GXD][at] = gx * d;
            term[GYD][at] = gy * d;
        }
    for (int k = 0; k < TERMS; k++)
        sum_windows(term[k], term[TERMS], w, h);
    for (size_t at = 0; at < (size_t)w * (size_t)h; at++) {
        const float a = term[GXX][at] + damping, b = term[GXY][at], c = term[GYY][at] + damping;
        const float det = a * c - b * b;
        const float right = (c * term[GXD][at] - b * term[GYD][at]) / det;
        const float down = (a * term[GYD][at] - b * term[GXD][at]) / det;
        l->right[at] += fminf(fmaxf(right, -1), 1); /* beyond a pixel the gradient says nothing */
        l->down[at] += fminf(fmaxf(down, -1), 1);
    }
}

static void start_from(const struct level *coarse, const struct level *fine)
{
    for (int j = 0; j < fine->height; j++)
        for (int i = 0; i < fine->width; i++) {
            const float x = ((float)i - 0.5f) / 2, y = ((float)j - 0.5f) / 2;
            const size_t at = (size_t)j * (size_t)fine->width + (size_t)i;
            fine->right[at] = 2 * sample(coarse->right, coarse->width, coarse->height, x, y);
            fine->down[at] = 2 * sample(coarse->down, coarse->width, coarse->height, x, y);
        }
}

/* Coarse pictures smear motion over what stands still beside it: where no motion at all explains a window clearly
 * better, there is none. */
static void prefer_still(const struct level *l, float *term[TERMS + 1])
{
    const int w = l->width, h = l->height;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) {
            const size_t at = (size_t)j * (size_t)w + (size_t)i;
            const float moved = sample(l->before, w, h, (float)i - l->right[at], (float)j - l->down[at]);
            const float a = moved - l->after[at], b = l->before[at] - l->after[at];
            term[0][at] = a * a;
            term[1][at] = b * b;
        }
    sum_windows(term[0], term[TERMS], w, h);
    sum_windows(term[1], term[TERMS], w, h);
    for (size_t at = 0; at < (size_t)w * (size_t)h; at++)
        if (term[1][at] < 0.7f * term[0][at])
            l->right[at] = l->down[at] = 0;
}

static void solve(const uint8_t *before, const uint8_t *after, struct level *level, int levels, float *term[])
{
    for (size_t i = 0; i < (size_t)level[0].width * (size_t)level[0].height; i++) {
        level[0].before[i] = luma(before + 3 * i);
        level[0].after[i] = luma(after + 3 * i);
    }
    for (int k = 1; k < levels; k++) {
        halve(level[k - 1].before, level[k - 1].width, level[k].before, level[k].width, level[k].height);
        halve(level[k - 1].after, level[k - 1].width, level[k].after, level[k].width, level[k].height);
    }
    for (int k = levels - 1; k >= 0; k--) {
        if (k + 1 < levels) {
            start_from(&level[k + 1], &level[k]);
            prefer_still(&level[k], term);
        }
        for (int i = 0; i < ITERATIONS; i++)
            refine(&level[k], term);
        prefer_still(&level[k], term);
    }
}

pv_status pv_flow_find(const uint8_t *before, const uint8_t *after, int width, int height, struct pv_flow *flow,
                       struct pv_error *err)
{
    *flow = (struct pv_flow){0};
    if (width < SMALLEST_SIDE || height < SMALLEST_SIDE)
        return pv_fail(err, PV_ERR_ARGUMENT, "flow needs pictures of %d pixels a side, not %dx%d", SMALLEST_SIDE, width,
                       height);
    struct level level[LEVELS] = {{.width = width, .height = height}};
    int levels = 1;
    for (; levels < LEVELS && level[levels - 1].width / 2 >= SMALLEST_SIDE &&
           level[levels - 1].height / 2 >= SMALLEST_SIDE;
         levels++)
        level[levels] = (struct level){.width = level[levels - 1].width / 2, .height = level[levels - 1].height / 2};
    const size_t pixels = (size_t)width * (size_t)height;
    size_t total = 0;
    for (int k = 0; k < levels; k++)
        total += (size_t)level[k].width * (size_t)level[k].height;
    float *work = calloc(2 * total + 2 * (total - pixels) + (TERMS + 1) * pixels, sizeof *work);
    float *result = calloc(2 * pixels, sizeof *result);
    if (!work || !result) {
        free(work);
        free(result);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the motion of a picture of %dx%d", width, height);
    }
    float *next = work, *term[TERMS + 1];
    for (int k = 0; k < levels; k++) {
        const size_t size = (size_t)level[k].width * (size_t)level[k].height;
        level[k].before = next;
        level[k].after = next + size;
        next += 2 * size;
        level[k].right = k == 0 ? result : next;
        level[k].down = k == 0 ? result + pixels : next + size;
        next += k == 0 ? 0 : 2 * size;
    }
    for (int k = 0; k <= TERMS; k++, next += pixels)
        term[k] = next;
    solve(before, after, level, levels, term);
    free(work);
    *flow = (struct pv_flow){width, height, result, result + pixels};
    return PV_OK;
}

void pv_flow_free(struct pv_flow *flow)
{
    free(flow->right); /* both halves */
    *flow = (struct pv_flow){0};
}

/* ---- advection ---- */

/* What has arrived at a pixel. */
struct arrival {
    float cover;     /* pixels */
    float weight;    /* the same, faster ones counting more */
    float colour[3]; /* sums of weight * level */
};

static void carry(const struct pv_flow *flow, const uint8_t *rgb, float ahead, struct arrival *arrivals)
{
    const int w = flow->width, h = flow->height;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) {
            const size_t at = (size_t)j * (size_t)w + (size_t)i;
            const float u = flow->right[at], v = flow->down[at];
            const float x = (float)i + ahead * u, y = (float)j + ahead * v;
            if (!(x > -1 && y > -1 && x < (float)w && y < (float)h))
                continue;
            const int left = (int)floorf(x), top = (int)floorf(y);
            const float speed = 0.02f + u * u + v * v, s = x - (float)left, t = y - (float)top;
            for (int k = 0; k < 4; k++) {
                const int column = left + (k & 1), row = top + (k >> 1);
                if (column < 0 || row < 0 || column >= w || row >= h)
                    continue;
                const float share = (k & 1 ? s : 1 - s) * (k >> 1 ? t : 1 - t);
                struct arrival *to = &arrivals[(size_t)row * (size_t)w + (size_t)column];
                to->cover += share;
                to->weight += share * speed;
                for (int c = 0; c < 3; c++)
                    to->colour[c] += share * speed * rgb[3 * at + (size_t)c];
            }
        }
}

static bool is_covered(const struct arrival *a)
{
    return a->cover >= 0.3f;
}

static float level_of(const struct arrival *a, int channel)
{
    return a->colour[channel] / a->weight;
}

/* Pixels from..to - 1 of a row had no arrival: a ramp between the neighbours, or the old picture in an empty row. */
static void fill_gap(const struct arrival *row, int width, int from, int to, const uint8_t *old, uint8_t *out)
{
    const struct arrival *left = from > 0 ? &row[from - 1] : NULL, *right = to < width ? &row[to] : NULL;
    for (int i = from; i < to; i++)
        for (int c = 0; c < 3; c++) {
            const float t = (float)(i - from + 1) / (float)(to - from + 1);
            const float a = left ? level_of(left, c) : right ? level_of(right, c) : old[3 * i + c];
            const float b = right ? level_of(right, c) : a;
            out[3 * i + c] = (uint8_t)(a + (b - a) * t + 0.5f);
        }
}

pv_status pv_flow_advect(const struct pv_flow *flow, const uint8_t *rgb, double ahead, uint8_t *out,
                         struct pv_error *err)
{
    const int w = flow->width, h = flow->height;
    struct arrival *arrivals = calloc((size_t)w * (size_t)h, sizeof *arrivals);
    if (!arrivals)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to move the pixels of a picture of %dx%d", w, h);
    carry(flow, rgb, (float)ahead, arrivals);
    for (int j = 0; j < h; j++) {
        const struct arrival *row = arrivals + (size_t)j * (size_t)w;
        const uint8_t *old = rgb + (size_t)j * (size_t)w * 3;
        uint8_t *to = out + (size_t)j * (size_t)w * 3;
        for (int i = 0; i < w;) {
            int end = i;
            while (end < w && !is_covered(&row[end]))
                end++;
            fill_gap(row, w, i, end, old, to);
            for (i = end; i < w && is_covered(&row[i]); i++)
                for (int c = 0; c < 3; c++)
                    to[3 * i + c] = (uint8_t)(level_of(&row[i], c) + 0.5f);
        }
    }
    free(arrivals);
    return PV_OK;
}
