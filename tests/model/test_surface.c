/* test_surface.c: a surface joins the context as the RGB frame that yuv_to_rgb makes of it, on cpu or the environment's
 * PV_TEST_BACKEND; what is wrong with one is refused with a sentence, and changes nothing. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/fresh_seed.h"
#include "golden.h"
#include "model/rollout.h"
#include "model/surface.h"

TestSuite(surface, .timeout = 240);

enum { SIDE = 32, STRIDE = 2 * SIDE + 10, FRAME_BYTES = 3 * SIDE * SIDE, TAKES = 3 };

static uint8_t luma[SIDE * STRIDE], chroma[SIDE / 2 * STRIDE];

static void draw(void)
{
    static bool seeded;
    if (!seeded) {
        srand((unsigned)fresh_seed());
        seeded = true;
    }
    for (size_t i = 0; i < sizeof luma; i++)
        luma[i] = (uint8_t)(rand() >> 8);
    for (size_t i = 0; i < sizeof chroma; i++)
        chroma[i] = (uint8_t)(rand() >> 8);
}

static pv_surface whole_surface(void)
{
    pv_surface s;
    pv_surface_init(&s);
    s.matrix = PV_MATRIX_BT709;
    s.luma = luma;
    s.chroma = chroma;
    s.luma_stride = s.chroma_stride = STRIDE;
    s.width = s.height = SIDE;
    return s;
}

/* What the reference makes of it; kr and kb from ITU-T H.273. */
static void convert(const pv_surface *s, uint8_t rgb[FRAME_BYTES])
{
    static const double kr[] = {0, 0.299, 0.2126, 0.2627, 0.212, 0.3}, kb[] = {0, 0.114, 0.0722, 0.0593, 0.087, 0.11};
    struct pv_error error = {.text = ""};
    struct pv_backend *backend;
    struct pv_stream *stream;
    cr_assert_eq(pv_backend_open("reference", 1, &backend, &error), PV_OK);
    cr_assert_eq(backend->op->stream_open(backend, &error, &stream), PV_OK);
    const struct pv_yuv_to_rgb p = {.dst = rgb,
                                    .luma = s->luma,
                                    .chroma = s->chroma,
                                    .luma_stride = s->luma_stride,
                                    .chroma_stride = s->chroma_stride,
                                    .height = SIDE,
                                    .width = SIDE,
                                    .bits = s->format == PV_SURFACE_P010 ? 10 : 8,
                                    .full_range = s->range == PV_RANGE_FULL,
                                    .between_x = s->chroma_place == PV_CHROMA_CENTRE,
                                    .between_y = s->chroma_place != PV_CHROMA_TOP_LEFT,
                                    .kr = kr[s->matrix],
                                    .kb = kb[s->matrix]};
    cr_assert_eq(backend->op->yuv_to_rgb(stream, &p), PV_OK, "%s", error.text);
    backend->op->stream_close(stream);
    pv_backend_close(backend);
}

static pv_model *tested_model(void)
{
    const char *wanted = getenv("PV_TEST_BACKEND");
    return golden_model("plain.safetensors", wanted ? wanted : "cpu", 1);
}

static pv_rollout *open_rollout(pv_model *model)
{
    pv_rollout *r;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.detail = PV_DETAIL_KEEP; /* which needs the RGB on the host as well */
    cr_assert_eq(pv_rollout_open(model, &params, &r), PV_OK, "%s", pv_rollout_message(r));
    return r;
}

/* What the encoder was given. */
static void read_pixels(const pv_rollout *r, uint8_t *pixels)
{
    const struct pv_op_table *op = r->stream->backend->op;
    op->enter(r->stream);
    cr_assert_eq(op->download(r->stream, pixels, r->pixels, (size_t)r->takes * FRAME_BYTES), PV_OK);
    cr_assert_eq(op->synchronize(r->stream), PV_OK);
    op->leave(r->stream);
}

Test(surface, becomes_rgb_on_its_way_to_every_take)
{
    static uint8_t expected[FRAME_BYTES], seen[TAKES * FRAME_BYTES];
    pv_model *model = tested_model();
    pv_rollout *first = open_rollout(model), *r;
    pv_surface s = whole_surface();
    cr_assert_eq(pv_rollout_send_surface(first, &s, NULL), PV_OK, "%s", pv_rollout_message(first));
    cr_assert_eq(pv_rollout_fork_takes(first, TAKES, &r), PV_OK, "%s", pv_rollout_message(r));
    for (int i = 0; i < 12; i++) {
        draw();
        s.format = (pv_surface_format)(i % 2);
        s.range = (pv_range)(i / 2 % 2);
        s.chroma_place = (pv_chroma)(i % 3);
        s.matrix = (pv_matrix)(1 + i % 5);
        s.luma_stride = s.chroma_stride = STRIDE;
        *(i % 3 == 0 ? &s.luma_stride : &s.chroma_stride) = 2 * SIDE;
        convert(&s, expected);
        cr_assert_eq(pv_rollout_send_surface(r, &s, NULL), PV_OK, "%s", pv_rollout_message(r));
        read_pixels(r, seen);
        for (int t = 0; t < TAKES; t++)
            cr_assert_arr_eq(seen + t * FRAME_BYTES, expected, FRAME_BYTES, "surface %d, take %d", i, t);
    }
    pv_rollout_close(r);
    pv_rollout_close(first);
    pv_model_close(model);
}

static void predict(pv_rollout *r, uint8_t rgb[FRAME_BYTES])
{
    pv_frame frame = {.data = rgb, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    cr_assert_eq(pv_rollout_predict(r, NULL), PV_OK, "%s", pv_rollout_message(r));
    cr_assert_eq(pv_rollout_receive(r, &frame), PV_OK, "%s", pv_rollout_message(r));
}

Test(surface, and_its_rgb_have_the_same_future)
{
    static uint8_t rgb[FRAME_BYTES], ahead[2][FRAME_BYTES];
    pv_model *model = tested_model();
    pv_rollout *of_surfaces = open_rollout(model), *of_frames = open_rollout(model);
    pv_surface s = whole_surface();
    for (int i = 0; i < 3; i++) {
        draw();
        s.format = (pv_surface_format)(i % 2);
        convert(&s, rgb);
        const pv_frame frame = {.data = rgb, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
        cr_assert_eq(pv_rollout_send_surface(of_surfaces, &s, NULL), PV_OK);
        cr_assert_eq(pv_rollout_send(of_frames, &frame, NULL), PV_OK);
    }
    predict(of_surfaces, ahead[0]);
    predict(of_frames, ahead[1]);
    cr_assert_arr_eq(ahead[0], ahead[1], FRAME_BYTES);
    cr_assert_eq(pv_rollout_send_surface(of_surfaces, &s, NULL), PV_OK); /* in the place of what would have come */
    predict(of_surfaces, ahead[0]);
    predict(of_frames, ahead[1]);
    cr_assert_arr_neq(ahead[0], ahead[1], FRAME_BYTES);
    pv_rollout_close(of_surfaces);
    pv_rollout_close(of_frames);
    pv_model_close(model);
}

static void refused(pv_rollout *r, const pv_surface *s, const char *says)
{
    cr_assert_eq(pv_rollout_send_surface(r, s, NULL), PV_ERR_ARGUMENT, "%s", says);
    cr_assert(strstr(pv_rollout_message(r), says), "the sentence does not say %s: %s", says, pv_rollout_message(r));
}

Test(surface, is_refused_with_a_sentence)
{
    pv_model *model = tested_model();
    pv_rollout *r = open_rollout(model);
    const pv_surface good = whole_surface();
    enum { BAD = 18 };
    pv_surface bad[BAD];
    for (int i = 0; i < BAD; i++)
        bad[i] = good;
    static const char *const says[BAD] = {
        "struct_size",    "struct_size", "format",      "format",        "matrix",       "matrix",
        "matrix",         "range",       "range",       "chroma_place",  "chroma_place", "luma is NULL",
        "chroma is NULL", "luma_stride", "luma_stride", "chroma_stride", "24 x 32",      "32 x 34"};
    bad[0].struct_size = 0;
    bad[1].struct_size--;
    bad[2].format = (pv_surface_format)2;
    bad[3].format = (pv_surface_format)-1;
    bad[4].matrix = PV_MATRIX_UNKNOWN;
    bad[5].matrix = (pv_matrix)6;
    bad[6].matrix = (pv_matrix)-1;
    bad[7].range = (pv_range)2;
    bad[8].range = (pv_range)-1;
    bad[9].chroma_place = (pv_chroma)3;
    bad[10].chroma_place = (pv_chroma)-1;
    bad[11].luma = NULL;
    bad[12].chroma = NULL;
    bad[13].luma_stride = SIDE - 1;
    bad[14].format = PV_SURFACE_P010;
    bad[14].luma_stride = 2 * SIDE - 1;
    bad[15].chroma_stride = SIDE - 1;
    bad[16].width = 24;
    bad[17].height = 34;
    for (int i = 0; i < BAD; i++)
        refused(r, &bad[i], says[i]);
    refused(r, NULL, "NULL");
    cr_assert_eq(pv_rollout_send_surface(NULL, &good, NULL), PV_ERR_ARGUMENT);
    pv_surface_init(NULL);
    struct {
        pv_surface known;
        char unknown[8];
    } newer = {.known = good, .unknown = "x"};
    newer.known.struct_size = sizeof newer;
    cr_assert_eq(pv_rollout_send_surface(r, &newer.known, NULL), PV_ERR_UNSUPPORTED);
    pv_surface odd = good; /* in a model whose frames may have any side */
    struct pv_yuv_to_rgb yuv;
    struct pv_error error = {.text = ""};
    odd.width--;
    cr_assert_eq(pv_surface_read(&odd, SIDE - 1, SIDE, &yuv, &error), PV_ERR_ARGUMENT);
    cr_assert(strstr(error.text, "even"), "%s", error.text);
    const pv_action action = {NULL, 7};
    cr_assert_eq(pv_rollout_send_surface(r, &good, &action), PV_ERR_ARGUMENT);

    cr_assert_eq(pv_rollout_predict(r, NULL), PV_ERR_ARGUMENT); /* none of those was accepted */
    cr_assert_eq(pv_rollout_send_surface(r, &good, NULL), PV_OK, "%s", pv_rollout_message(r));
    cr_assert_eq(pv_rollout_predict(r, NULL), PV_OK);
    cr_assert_eq(pv_rollout_send_surface(r, &good, NULL), PV_AGAIN);
    pv_rollout_close(r);
    pv_model_close(model);
}
