/* lettering.c: words on frames. One drawtext filter a label, in a chain; what each is to write travels with the frame
 * as metadata, so that words change from frame to frame without touching the filters, and no word needs escaping. */
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>
#include <limits.h>
#include <prevue/clip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clip/ffmpeg_shim.h"
#include "clip/report.h"

enum { MOST_LABELS = 32, KEY_BYTES = 16 };

struct pv_clip_lettering {
    int width, height, count;
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
    AVFrame *in, *out;
};

const char *pv_clip_font_find(void)
{
    static const char *const places[] = {
        "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",        /* Debian, Ubuntu: fonts-dejavu-core */
        "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf", /* Fedora */
        "/usr/share/fonts/TTF/DejaVuSansMono.ttf",                    /* Arch */
        "/usr/share/fonts/dejavu/DejaVuSansMono.ttf",                 /* Alpine */
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

static void key_of(int label, char key[KEY_BYTES])
{
    snprintf(key, KEY_BYTES, "words%d", label);
}

/* Options go in one by one, not as a string: a font's path may hold anything. */
static int make_drawtext(AVFilterGraph *graph, const char *font, const pv_clip_label *label, int number,
                         AVFilterContext **filter)
{
    static const char *const x_of[] = {"%d", "%d-text_w/2", "%d-text_w"};
    char x[48], y[48], size[16], border[16], colour[16], key[KEY_BYTES], text[KEY_BYTES + 16];
    const AVFilter *drawtext = avfilter_get_by_name("drawtext");
    *filter = drawtext ? avfilter_graph_alloc_filter(graph, drawtext, NULL) : NULL;
    if (!*filter)
        return drawtext ? AVERROR(ENOMEM) : AVERROR_FILTER_NOT_FOUND;
    key_of(number, key);
    snprintf(x, sizeof x, x_of[label->align], label->x);
    snprintf(y, sizeof y, "%d-ascent", label->baseline); /* y is the top of the highest letter: words would jump */
    snprintf(size, sizeof size, "%d", label->size);
    snprintf(border, sizeof border, "%d", label->size / 12 + 1);
    snprintf(colour, sizeof colour, "0x%06x", (unsigned)(label->rgb & 0xffffff));
    snprintf(text, sizeof text, "%%{metadata:%s}", key);
    const char *const options[][2] = {
        {"fontfile", font},
        {"text", text},
        {"x", x},
        {"y", y},
        {"fontsize", size},
        {"borderw", border},
        {"fontcolor", colour},
        {"bordercolor", "black"},
        {"expansion", "normal"},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof options / sizeof options[0] && code >= 0; i++)
        code = av_opt_set((*filter)->priv, options[i][0], options[i][1], 0);
    return code < 0 ? code : avfilter_init_str(*filter, NULL);
}

static int make_graph(pv_clip_lettering *l, const char *font, const pv_clip_label *labels)
{
    const AVFilter *buffer = avfilter_get_by_name("buffer"), *sink = avfilter_get_by_name("buffersink");
    l->graph = avfilter_graph_alloc();
    l->in = av_frame_alloc();
    l->out = av_frame_alloc();
    if (!l->graph || !l->in || !l->out)
        return AVERROR(ENOMEM);
    if (!buffer || !sink)
        return AVERROR_FILTER_NOT_FOUND;
    l->graph->nb_threads = 1;
    l->in->colorspace = AVCOL_SPC_RGB;
    l->in->color_range = AVCOL_RANGE_JPEG;
    char colour[64], args[240];
    pv_shim_buffer_colour(l->in, colour, sizeof colour);
    snprintf(args, sizeof args, "video_size=%dx%d:pix_fmt=%d:time_base=1/1:pixel_aspect=1/1%s", l->width, l->height,
             (int)AV_PIX_FMT_RGB24, colour);
    int code = avfilter_graph_create_filter(&l->source, buffer, "in", args, NULL, l->graph);
    AVFilterContext *last = l->source;
    for (int i = 0; i < l->count && code >= 0; i++) {
        AVFilterContext *next = NULL;
        code = make_drawtext(l->graph, font, &labels[i], i, &next);
        if (code >= 0)
            code = avfilter_link(last, 0, next, 0);
        last = next;
    }
    if (code >= 0)
        code = avfilter_graph_create_filter(&l->sink, sink, "out", NULL, NULL, l->graph);
    if (code >= 0)
        code = avfilter_link(last, 0, l->sink, 0);
    return code < 0 ? code : avfilter_graph_config(l->graph, NULL);
}

static pv_status check_labels(int width, int height, const pv_clip_label *labels, int count, struct pv_error *err)
{
    if (width < 1 || height < 1 || width > INT_MAX / 3 || count < 1 || count > MOST_LABELS)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d labels on a frame of %dx%d: between 1 and %d are drawn", count, width,
                       height, (int)MOST_LABELS);
    for (int i = 0; i < count; i++)
        if (labels[i].size < 4 || labels[i].size > 1024 || labels[i].align > PV_CLIP_ALIGN_RIGHT)
            return pv_fail(err, PV_ERR_ARGUMENT, "letters of %d pixels cannot be drawn: 4 to 1024", labels[i].size);
    return PV_OK;
}

static pv_status open_all(pv_clip_lettering *l, const char *font, const pv_clip_label *labels, struct pv_error *err)
{
    const char *found = font ? font : pv_clip_font_find();
    if (!found)
        return pv_fail(err, PV_ERR_UNSUPPORTED,
                       "there is no font to write on frames with: install DejaVu Sans Mono (Debian, Ubuntu: "
                       "fonts-dejavu-core)");
    if (access(found, R_OK) != 0)
        return pv_fail(err, PV_ERR_UNSUPPORTED, "there is no font file '%s' to write on frames with", found);
    const int code = make_graph(l, found, labels);
    if (code == AVERROR_FILTER_NOT_FOUND)
        return pv_fail(err, PV_ERR_UNSUPPORTED,
                       "this FFmpeg cannot write on frames: it was built without the filter drawtext");
    if (code < 0)
        return pv_fail(err, code == AVERROR(ENOMEM) ? PV_ERR_MEMORY : PV_ERR_UNSUPPORTED,
                       "cannot write on frames with the font '%s' (FFmpeg's drawtext): %s", found,
                       pv_av_words(code).text);
    return PV_OK;
}

pv_status pv_clip_lettering_open(int width, int height, const char *font, const pv_clip_label *labels, int count,
                                 pv_clip_lettering **lettering, char message[PV_CLIP_MESSAGE_SIZE])
{
    struct pv_error err = {""};
    pv_clip_lettering *l = *lettering = NULL;
    pv_status status = check_labels(width, height, labels, count, &err);
    if (status == PV_OK && !(l = calloc(1, sizeof *l)))
        status = pv_fail(&err, PV_ERR_MEMORY, "no memory to write on frames");
    if (status == PV_OK) {
        *l = (pv_clip_lettering){.width = width, .height = height, .count = count};
        status = open_all(l, font, labels, &err);
    }
    snprintf(message, PV_CLIP_MESSAGE_SIZE, "%s", err.text);
    if (status == PV_OK)
        *lettering = l;
    else
        pv_clip_lettering_close(l);
    return status;
}

static void leave_alone(void *opaque, uint8_t *data)
{
    (void)opaque;
    (void)data;
}

/* The caller's pixels as an AVFrame that may be written to. */
static int wrap(pv_clip_lettering *l, pv_frame *frame, const char *const words[])
{
    AVFrame *f = l->in;
    f->width = l->width;
    f->height = l->height;
    f->format = AV_PIX_FMT_RGB24;
    f->colorspace = AVCOL_SPC_RGB;
    f->color_range = AVCOL_RANGE_JPEG;
    f->pts = 0;
    f->data[0] = frame->data;
    f->linesize[0] = (int)frame->stride;
    f->buf[0] = av_buffer_create(frame->data, frame->stride * (size_t)(l->height - 1) + 3 * (size_t)l->width,
                                 leave_alone, NULL, 0);
    int code = f->buf[0] ? 0 : AVERROR(ENOMEM);
    for (int i = 0; i < l->count && code >= 0; i++) {
        char key[KEY_BYTES];
        key_of(i, key);
        if (words[i] && words[i][0])
            code = av_dict_set(&f->metadata, key, words[i], 0);
    }
    return code;
}

pv_status pv_clip_lettering_draw(pv_clip_lettering *l, pv_frame *frame, const char *const words[])
{
    if (!frame->data || frame->width != l->width || frame->height != l->height ||
        frame->stride < 3 * (size_t)l->width || frame->stride > INT_MAX)
        return PV_ERR_ARGUMENT;
    int code = wrap(l, frame, words);
    if (code >= 0)
        code = av_buffersrc_add_frame(l->source, l->in);
    if (code >= 0)
        code = av_buffersink_get_frame(l->sink, l->out);
    if (code >= 0 && l->out->data[0] != frame->data) /* a filter preferred memory of its own */
        for (int y = 0; y < l->height; y++)
            memcpy(frame->data + (size_t)y * frame->stride, l->out->data[0] + (ptrdiff_t)y * l->out->linesize[0],
                   3 * (size_t)l->width);
    av_frame_unref(l->in);
    av_frame_unref(l->out);
    return code < 0 ? pv_av_status(code) : PV_OK;
}

void pv_clip_lettering_close(pv_clip_lettering *l)
{
    if (!l)
        return;
    avfilter_graph_free(&l->graph);
    av_frame_free(&l->in);
    av_frame_free(&l->out);
    free(l);
}
