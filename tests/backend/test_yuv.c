/* test_yuv.c: YUV to RGB against FFmpeg. swscale makes NV12 and P010 of a real picture, full of edges and of saturated
 * colours, for every matrix, range and place of chroma; its own way back and the op's must agree.
 *
 * Its way back has two steps, chroma to full size first. In one step swscale takes the nearer of two rows of chroma, or
 * their mean, where linear is 1/4 and 3/4 (yuv2packed1 of FFmpeg 5.1): up to 45 of 255 off at a coloured edge. */
#include <criterion/criterion.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <prevue/clip.h>
#include <stdlib.h>

#include "backend/op.h"

TestSuite(yuv, .timeout = 120);

struct place {
    const char *words;
    bool between_x, between_y;
};

static const struct place places[] = {{"left", false, true}, {"centre", true, true}, {"top-left", false, false}};

struct matrix {
    const char *words;
    int sws;
    double kr, kb;
};

static const struct matrix matrices[] = {{"BT.601", SWS_CS_ITU601, 0.299, 0.114},
                                         {"BT.709", SWS_CS_ITU709, 0.2126, 0.0722},
                                         {"BT.2020", SWS_CS_BT2020, 0.2627, 0.0593},
                                         {"SMPTE 240M", SWS_CS_SMPTE240M, 0.212, 0.087},
                                         {"FCC", SWS_CS_FCC, 0.3, 0.11}};

enum { PLACES = sizeof places / sizeof *places, MATRICES = sizeof matrices / sizeof *matrices };

/* A picture as swscale knows it: RGB, or two planes. */
struct picture {
    enum AVPixelFormat format;
    uint8_t *plane[4];
    int stride[4];
};

static uint8_t *room(size_t bytes)
{
    uint8_t *memory = malloc(bytes);
    cr_assert_not_null(memory);
    return memory;
}

static pv_frame read_picture(const char *path)
{
    pv_clip_reader *reader;
    cr_assert_eq(pv_clip_reader_open(path, NULL, &reader), PV_OK, "%s", pv_clip_reader_message(reader));
    pv_clip_info info = {.struct_size = sizeof info};
    cr_assert_eq(pv_clip_reader_get_info(reader, &info), PV_OK);
    pv_frame frame = {.width = info.width, .height = info.height, .stride = 3 * (size_t)info.width};
    frame.data = room(frame.stride * (size_t)frame.height);
    cr_assert_eq(pv_clip_reader_receive(reader, &frame, NULL), PV_OK, "%s", pv_clip_reader_message(reader));
    pv_clip_reader_close(reader);
    return frame;
}

static bool has_half_chroma(enum AVPixelFormat format)
{
    return format == AV_PIX_FMT_NV12 || format == AV_PIX_FMT_P010LE;
}

static void say_place(struct SwsContext *sws, const char *side, const struct place *place)
{
    char name[24];
    snprintf(name, sizeof name, "%s_h_chr_pos", side);
    av_opt_set_int(sws, name, place->between_x ? 128 : 0, 0);
    snprintf(name, sizeof name, "%s_v_chr_pos", side);
    av_opt_set_int(sws, name, place->between_y ? 128 : 0, 0);
}

/* As host/clip/colour.c says everything to swscale; chroma is scaled bilinearly. */
static void convert(const struct picture *from, const struct picture *to, int width, int height,
                    const struct matrix *matrix, bool full, const struct place *place)
{
    const bool from_full = from->format == AV_PIX_FMT_RGB24 || full, to_full = to->format == AV_PIX_FMT_RGB24 || full;
    struct SwsContext *sws = sws_alloc_context();
    cr_assert_not_null(sws);
    av_opt_set_int(sws, "srcw", width, 0);
    av_opt_set_int(sws, "srch", height, 0);
    av_opt_set_int(sws, "src_format", from->format, 0);
    av_opt_set_int(sws, "src_range", from_full, 0);
    av_opt_set_int(sws, "dstw", width, 0);
    av_opt_set_int(sws, "dsth", height, 0);
    av_opt_set_int(sws, "dst_format", to->format, 0);
    av_opt_set_int(sws, "dst_range", to_full, 0);
    av_opt_set_int(sws, "sws_flags", SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, 0);
    if (has_half_chroma(from->format))
        say_place(sws, "src", place);
    if (has_half_chroma(to->format))
        say_place(sws, "dst", place);
    const int *const coefficients = sws_getCoefficients(matrix->sws);
    sws_setColorspaceDetails(sws, coefficients, from_full, coefficients, to_full, 0, 1 << 16, 1 << 16);
    cr_assert_geq(sws_init_context(sws, NULL, NULL), 0);
    sws_setColorspaceDetails(sws, coefficients, from_full, coefficients, to_full, 0, 1 << 16, 1 << 16);
    cr_assert_eq(sws_scale(sws, (const uint8_t *const *)from->plane, from->stride, 0, height, to->plane, to->stride),
                 height);
    sws_freeContext(sws);
}

struct distance {
    int most;
    double mean;
};

static struct distance distance(const uint8_t *a, const uint8_t *b, int count)
{
    struct distance d = {0};
    for (int i = 0; i < count; i++) {
        const int apart = abs(a[i] - b[i]);
        d.mean += (double)apart / count;
        d.most = apart > d.most ? apart : d.most;
    }
    return d;
}

struct engine {
    struct pv_backend *backend;
    const struct pv_op_table *op;
    struct pv_stream *stream;
    struct pv_error error;
    char *luma, *chroma; /* the backend's */
    uint8_t *rgb;
};

static void done(const struct engine *e, pv_status status)
{
    cr_assert_eq(status, PV_OK, "%s: %s", e->op->name, e->error.text);
}

static void *taken(struct engine *e, size_t bytes)
{
    void *memory = NULL;
    done(e, e->op->alloc(e->backend, bytes, &memory, &e->error));
    return memory;
}

static void open_engine(struct engine *e, size_t pixels)
{
    const char *wanted = getenv("PV_TEST_BACKEND");
    *e = (struct engine){0};
    cr_assert_eq(pv_backend_open(wanted ? wanted : "cpu", 2, &e->backend, &e->error), PV_OK, "%s", e->error.text);
    e->op = e->backend->op;
    done(e, e->op->stream_open(e->backend, &e->error, &e->stream));
    e->luma = taken(e, 2 * pixels);
    e->chroma = taken(e, pixels);
    e->rgb = taken(e, 3 * pixels);
}

static void close_engine(struct engine *e)
{
    e->op->free(e->backend, e->luma);
    e->op->free(e->backend, e->chroma);
    e->op->free(e->backend, e->rgb);
    e->op->stream_close(e->stream);
    pv_backend_close(e->backend);
}

static void run_op(struct engine *e, const struct picture *yuv, int width, int height, const struct matrix *matrix,
                   bool full, const struct place *place, uint8_t *rgb)
{
    const size_t luma_bytes = (size_t)yuv->stride[0] * (size_t)height;
    e->op->enter(e->stream);
    done(e, e->op->upload(e->stream, e->luma, yuv->plane[0], luma_bytes));
    done(e, e->op->upload(e->stream, e->chroma, yuv->plane[1], luma_bytes / 2));
    done(e, e->op->yuv_to_rgb(e->stream, &(struct pv_yuv_to_rgb){.dst = e->rgb,
                                                                 .luma = e->luma,
                                                                 .chroma = e->chroma,
                                                                 .luma_stride = (size_t)yuv->stride[0],
                                                                 .chroma_stride = (size_t)yuv->stride[1],
                                                                 .height = height,
                                                                 .width = width,
                                                                 .bits = yuv->format == AV_PIX_FMT_NV12 ? 8 : 10,
                                                                 .full_range = full,
                                                                 .between_x = place->between_x,
                                                                 .between_y = place->between_y,
                                                                 .kr = matrix->kr,
                                                                 .kb = matrix->kb}));
    done(e, e->op->download(e->stream, rgb, e->rgb, (size_t)width * 3 * (size_t)height));
    done(e, e->op->synchronize(e->stream));
    e->op->leave(e->stream);
}

/* Measured with FFmpeg 5.1: 1 at most, and less than 0.01 in the mean. Of P010 in full range the mean is 0.65: white is
 * 1023 in H.273, and 4 x 255 in swscale. */
Test(yuv, is_swscales_within_two)
{
    const pv_frame seen = read_picture(PV_PICTURE);
    const int width = seen.width, height = seen.height, count = 3 * width * height;
    const struct picture rgb = {AV_PIX_FMT_RGB24, {seen.data}, {3 * width}};
    const struct picture back = {AV_PIX_FMT_RGB24, {room((size_t)count)}, {3 * width}};
    const struct picture whole = {
        AV_PIX_FMT_YUV444P16LE,
        {room(2 * (size_t)count / 3), room(2 * (size_t)count / 3), room(2 * (size_t)count / 3)},
        {2 * width, 2 * width, 2 * width}};
    uint8_t *const ours = room((size_t)count);
    struct engine e;
    open_engine(&e, (size_t)width * (size_t)height);
    for (int wide = 0; wide < 2; wide++) {
        const int row = wide ? 2 * width : width;
        const size_t bytes = (size_t)row * (size_t)height;
        const struct picture yuv = {
            wide ? AV_PIX_FMT_P010LE : AV_PIX_FMT_NV12, {room(bytes), room(bytes / 2)}, {row, row}};
        for (int i = 0; i < 2 * MATRICES * PLACES; i++) {
            const struct matrix *const matrix = &matrices[i % MATRICES];
            const struct place *const place = &places[i / MATRICES % PLACES];
            const bool full = i / MATRICES / PLACES;
            convert(&rgb, &yuv, width, height, matrix, full, place);
            convert(&yuv, &whole, width, height, matrix, full, place);
            convert(&whole, &back, width, height, matrix, full, place);
            run_op(&e, &yuv, width, height, matrix, full, place, ours);
            const struct distance d = distance(ours, back.plane[0], count);
            const struct distance lost = distance(ours, seen.data, count);
            const char *const depth = wide ? "P010" : "NV12", *const range = full ? "full" : "limited";
            cr_expect_leq(d.most, 2, "%s, %s, %s range, chroma %s: a value is %d of 255 off", depth, matrix->words,
                          range, place->words, d.most);
            cr_expect_leq(d.mean, wide && full ? 0.75 : 0.02, "%s, %s, %s range, chroma %s: %g of 255 off in the mean",
                          depth, matrix->words, range, place->words, d.mean);
            cr_expect_leq(lost.mean, 2, "%s, %s, %s range, chroma %s: %g of 255 of the picture are lost", depth,
                          matrix->words, range, place->words, lost.mean);
        }
        free(yuv.plane[0]);
        free(yuv.plane[1]);
    }
    close_engine(&e);
    free(ours);
    for (int i = 0; i < 3; i++)
        free(whole.plane[i]);
    free(back.plane[0]);
    free(seen.data);
}
