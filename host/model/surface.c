/* surface.c: see surface.h. */
#include "model/surface.h"

#include <string.h>

#include "model/api_params.h"

/* The matrices by the parts of red and blue in luma, from ITU-T H.273, table 4. */
static const struct {
    double kr, kb;
} matrices[] = {
    [PV_MATRIX_BT601] = {0.299, 0.114},     [PV_MATRIX_BT709] = {0.2126, 0.0722}, [PV_MATRIX_BT2020] = {0.2627, 0.0593},
    [PV_MATRIX_SMPTE240M] = {0.212, 0.087}, [PV_MATRIX_FCC] = {0.30, 0.11},
};

void pv_surface_init(pv_surface *surface)
{
    if (surface)
        *surface = (pv_surface){.struct_size = sizeof *surface};
}

static size_t sample_bytes(const struct pv_yuv_to_rgb *yuv)
{
    return yuv->bits == 8 ? 1 : 2;
}

static pv_status check_words(const pv_surface *s, struct pv_error *error)
{
    if (s->format != PV_SURFACE_NV12 && s->format != PV_SURFACE_P010)
        return pv_fail(error, PV_ERR_ARGUMENT,
                       "the surface's format is %d; it must be PV_SURFACE_NV12 or PV_SURFACE_P010", (int)s->format);
    if (s->matrix < PV_MATRIX_BT601 || s->matrix > PV_MATRIX_FCC)
        return pv_fail(
            error, PV_ERR_ARGUMENT,
            "the surface's matrix is %d; it must be one of PV_MATRIX_BT601 to PV_MATRIX_FCC, as the stream's "
            "tag says",
            (int)s->matrix);
    if (s->range != PV_RANGE_LIMITED && s->range != PV_RANGE_FULL)
        return pv_fail(error, PV_ERR_ARGUMENT,
                       "the surface's range is %d; it must be PV_RANGE_LIMITED or PV_RANGE_FULL", (int)s->range);
    if (s->chroma_place != PV_CHROMA_LEFT && s->chroma_place != PV_CHROMA_CENTRE &&
        s->chroma_place != PV_CHROMA_TOP_LEFT)
        return pv_fail(error, PV_ERR_ARGUMENT,
                       "the surface's chroma_place is %d; it must be PV_CHROMA_LEFT, PV_CHROMA_CENTRE or "
                       "PV_CHROMA_TOP_LEFT",
                       (int)s->chroma_place);
    return PV_OK;
}

static pv_status check_plane(const char *name, const void *plane, size_t stride, size_t row, struct pv_error *error)
{
    if (!plane)
        return pv_fail(error, PV_ERR_ARGUMENT, "the surface's %s is NULL", name);
    return stride >= row
               ? PV_OK
               : pv_fail(error, PV_ERR_ARGUMENT, "the surface's %s_stride is %zu bytes; its rows take at least %zu",
                         name, stride, row);
}

pv_status pv_surface_read(const pv_surface *surface, int width, int height, struct pv_yuv_to_rgb *yuv,
                          struct pv_error *error)
{
    pv_surface s;
    if (!surface)
        return pv_fail(error, PV_ERR_ARGUMENT, "surface is NULL");
    pv_surface_init(&s);
    PV_TRY(pv_params_read(&s, sizeof s, sizeof s, surface, "pv_surface", error));
    PV_TRY(check_words(&s, error));
    if (s.width != width || s.height != height)
        return pv_fail(error, PV_ERR_ARGUMENT, "the surface is %d x %d pixels; this rollout's frames are %d x %d",
                       s.width, s.height, width, height);
    if (width % 2 != 0 || height % 2 != 0)
        return pv_fail(error, PV_ERR_ARGUMENT, "%d x %d pixels cannot be a surface: both sides must be even", width,
                       height);
    *yuv = (struct pv_yuv_to_rgb){.luma = s.luma,
                                  .chroma = s.chroma,
                                  .luma_stride = s.luma_stride,
                                  .chroma_stride = s.chroma_stride,
                                  .height = height,
                                  .width = width,
                                  .bits = s.format == PV_SURFACE_NV12 ? 8 : 10,
                                  .full_range = s.range == PV_RANGE_FULL,
                                  .between_x = s.chroma_place == PV_CHROMA_CENTRE,
                                  .between_y = s.chroma_place != PV_CHROMA_TOP_LEFT,
                                  .kr = matrices[s.matrix].kr,
                                  .kb = matrices[s.matrix].kb};
    const size_t row = (size_t)width * sample_bytes(yuv); /* of both: half as many samples of two kinds */
    PV_TRY(check_plane("luma", s.luma, s.luma_stride, row, error));
    return check_plane("chroma", s.chroma, s.chroma_stride, row, error);
}

size_t pv_surface_bytes(const struct pv_yuv_to_rgb *yuv)
{
    return (size_t)yuv->width * sample_bytes(yuv) * ((size_t)yuv->height + (size_t)yuv->height / 2);
}

static void pack(const void *plane, size_t stride, size_t rows, size_t row, uint8_t *to)
{
    for (size_t y = 0; y < rows; y++)
        memcpy(to + y * row, (const uint8_t *)plane + y * stride, row);
}

void pv_surface_pack(struct pv_yuv_to_rgb *yuv, uint8_t *to)
{
    const size_t row = (size_t)yuv->width * sample_bytes(yuv), rows = (size_t)yuv->height;
    pack(yuv->luma, yuv->luma_stride, rows, row, to);
    pack(yuv->chroma, yuv->chroma_stride, rows / 2, row, to + rows * row);
    yuv->luma = yuv->chroma = NULL;
    yuv->luma_stride = yuv->chroma_stride = row;
}

void pv_surface_unpack(struct pv_yuv_to_rgb *yuv, const uint8_t *planes)
{
    yuv->luma = planes;
    yuv->chroma = planes + (size_t)yuv->height * yuv->luma_stride;
}
