/* The world scene: textures repeat without a seam, lie where they are put, and cover as much as was asked for. */
#include "clip.h"
#include "world/texture.h"

enum { SIDE = 256, WIDTH = 96, HEIGHT = 64 };

static struct pv_texture texture_of(uint64_t seed, struct pv_draw *draw)
{
    struct pv_texture t = {0};
    struct pv_error err = {""};
    cr_assert(pv_texture_open(&t, SIDE, PV_TEXTURE_UNITS, &err) == PV_OK);
    *draw = pv_draw_start(seed, PV_DRAW_LOOK, 0);
    pv_texture_paint(&t, draw);
    return t;
}

/* Mean difference of the red bytes between two columns or rows of texels. */
static double difference(const struct pv_texture *t, bool columns, int a, int b)
{
    double sum = 0;
    for (int i = 0; i < SIDE; i++) {
        const uint32_t p = columns ? t->rgba[i * SIDE + a] : t->rgba[a * SIDE + i];
        const uint32_t q = columns ? t->rgba[i * SIDE + b] : t->rgba[b * SIDE + i];
        sum += abs((int)(p & 255) - (int)(q & 255));
    }
    return sum / SIDE;
}

Test(texture, has_no_seam)
{
    const uint64_t first = fresh_seed();
    double seam = 0, inside = 0;
    for (uint64_t seed = first; seed < first + 30; seed++) {
        struct pv_draw draw;
        struct pv_texture t = texture_of(seed, &draw);
        for (int columns = 0; columns < 2; columns++) {
            seam += difference(&t, columns, SIDE - 1, 0);
            for (int i = 0; i < SIDE - 1; i++)
                inside += difference(&t, columns, i, i + 1) / (SIDE - 1);
        }
        pv_texture_close(&t);
    }
    cr_assert(inside > 0 && seam < 1.3 * inside, "%g along the seam, %g elsewhere", seam, inside);
}

Test(texture, islands_are_as_large_as_asked)
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 10; seed++) {
        struct pv_draw draw;
        struct pv_texture t = texture_of(seed, &draw);
        pv_texture_cut_islands(&t, &draw, 0.3);
        double area = 0;
        for (int i = 0; i < SIDE * SIDE; i++)
            area += (t.rgba[i] >> 24) / 255.0 / (SIDE * SIDE);
        cr_assert(fabs(area - 0.3) < 0.03, "seed %llu: %g", (unsigned long long)seed, area);
        pv_texture_close(&t);
    }
}

/* One texel a pixel, so that whole turns and shifts move texels onto pixels exactly. */
static const double pixels = SIDE / PV_TEXTURE_UNITS;

static void cover(const struct pv_texture *t, struct pv_placing placing, uint8_t *rgb)
{
    const struct pv_canvas canvas = {WIDTH, HEIGHT, pixels, rgb, WIDTH * 3, NULL};
    pv_texture_cover(t, &placing, &canvas);
}

static int red_at(const struct pv_texture *t, int x, int y)
{
    return (int)(t->rgba[(y & (SIDE - 1)) * SIDE + (x & (SIDE - 1))] & 255);
}

Test(warp, whole_shifts_and_quarter_turns_are_exact)
{
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    struct pv_draw draw;
    struct pv_texture t = texture_of(fresh_seed(), &draw);
    cover(&t, (struct pv_placing){7 / pixels, -300 / pixels, 0, 1}, rgb);
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++)
            cr_assert(rgb[(j * WIDTH + i) * 3] == red_at(&t, i - 7, HEIGHT - 1 - j + 300));
    /* Counter-clockwise: the texture's right is up. */
    cover(&t, (struct pv_placing){0, 0, 1.57079632679489662, 1}, rgb);
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++)
            cr_assert(rgb[(j * WIDTH + i) * 3] == red_at(&t, HEIGHT - 1 - j, -1 - i));
    pv_texture_close(&t);
}

Test(warp, between_texels_it_is_the_bilinear_mean)
{
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    struct pv_draw draw;
    struct pv_texture t = texture_of(fresh_seed(), &draw);
    const double angle = 0.3, scale = 1.7, x = 3.1, y = 2.2;
    cover(&t, (struct pv_placing){x, y, angle, scale}, rgb);
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++) {
            const double dx = (i + 0.5) / pixels - x, dy = (HEIGHT - j - 0.5) / pixels - y;
            const double u = (cos(angle) * dx + sin(angle) * dy) / scale * pixels - 0.5;
            const double v = (cos(angle) * dy - sin(angle) * dx) / scale * pixels - 0.5;
            const int a = (int)floor(u), b = (int)floor(v);
            const double fu = u - a, fv = v - b;
            const double low = red_at(&t, a, b) * (1 - fu) + red_at(&t, a + 1, b) * fu;
            const double high = red_at(&t, a, b + 1) * (1 - fu) + red_at(&t, a + 1, b + 1) * fu;
            const double mean = low * (1 - fv) + high * fv;
            cr_assert(fabs(rgb[(j * WIDTH + i) * 3] - mean) < 3, "pixel %d, %d: %d, not %g", i, j,
                      rgb[(j * WIDTH + i) * 3], mean);
        }
    pv_texture_close(&t);
}

Test(warp, a_sprite_is_where_it_was_put)
{
    static uint8_t rgb[WIDTH * HEIGHT * 3], coverage[WIDTH * HEIGHT];
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 20; seed++) {
        struct pv_texture t = {0};
        struct pv_error err = {""};
        struct pv_draw draw = pv_draw_start(seed, PV_DRAW_LOOK, 0);
        cr_assert(pv_texture_open(&t, 32, 2.5, &err) == PV_OK);
        pv_texture_paint(&t, &draw);
        const double radius = pv_texture_cut_shape(&t, &draw), scale = 1.2;
        memset(coverage, 0, sizeof coverage);
        memset(rgb, 0, sizeof rgb);
        const struct pv_canvas canvas = {WIDTH, HEIGHT, pixels, rgb, WIDTH * 3, coverage};
        pv_texture_stick(&t, &(struct pv_placing){3.2, 2.4, 0.7, scale}, &canvas);
        double area = 0, farthest = 0;
        for (int j = 0; j < HEIGHT; j++)
            for (int i = 0; i < WIDTH; i++) {
                const double far = hypot((i + 0.5) / pixels - 3.2, (HEIGHT - j - 0.5) / pixels - 2.4);
                area += coverage[j * WIDTH + i] / 255.0 / (pixels * pixels);
                if (coverage[j * WIDTH + i] > 127)
                    farthest = fmax(farthest, far);
                cr_assert(coverage[j * WIDTH + i] || rgb[(j * WIDTH + i) * 3] == 0);
            }
        cr_assert(farthest < radius * scale + 1.5 / pixels, "seed %llu", (unsigned long long)seed);
        cr_assert(area > 0.5 && area < 3.2 * radius * radius * scale * scale, "seed %llu", (unsigned long long)seed);
        pv_texture_close(&t);
    }
}

Test(scene, the_truth_is_smooth_and_says_where_sprites_are)
{
    struct pv_world_params p;
    pv_world_params_init(&p, "scene");
    const uint64_t first = fresh_seed();
    int objects = 0;
    for (uint64_t seed = first; seed < first + 8; seed++) {
        p.seed = seed;
        p.width = 64;
        p.height = 36;
        p.range = seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN;
        json_t *truth = clip_truth(&p);
        objects += (int)count(truth, "objects");
        cr_assert(count(truth, "layers") >= 1 && count(truth, "layers") <= 3);
        for (size_t frame = 0; frame < 48; frame++) {
            const json_t *now = item(truth, "trajectory", frame);
            cr_assert(number(now, "light") > 0.2 && number(json_object_get(now, "camera"), "zoom") > 0.2);
            for (size_t i = 0; i < count(truth, "objects"); i++) {
                const json_t *s = state(truth, frame, i);
                cr_assert(fabs(number(s, "px") - number(s, "x") * 6.4) < 1e-9);
                cr_assert(fabs(number(s, "py") - (36 - number(s, "y") * 6.4)) < 1e-9);
            }
        }
        json_decref(truth);
    }
    cr_assert(objects > 2);
}
