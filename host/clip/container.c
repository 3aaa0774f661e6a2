/* container.c: see container.h. */
#include "clip/container.h"

#include <errno.h>
#include <libavutil/avstring.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "clip/report.h"

static const char protocols[] = "file,pipe";

/* Containers and single pictures that hold their data themselves. */
static const char containers[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,nut,avi,mpegts,mpeg,mpegvideo,mxf,flv,ogg,asf,yuv4mpegpipe,ivf,h264,hevc,"
    "vvc,obu,av1,m4v,mjpeg,dv,vc1,gif,apng,wtv,gxf,rm,dirac,"
    "png_pipe,jpeg_pipe,exr_pipe,tiff_pipe,bmp_pipe,webp_pipe,dpx_pipe,jpegxl_pipe,j2k_pipe";

static int on_interrupt(void *opaque)
{
    return pv_aborted(opaque);
}

static int refuse_nested_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                              AVDictionary **options)
{
    (void)format, (void)io, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static pv_status fail_open(const char *path, int code, struct pv_error *err)
{
    if (code == AVERROR_INVALIDDATA || code == AVERROR_EOF)
        return pv_fail(err, PV_ERR_FORMAT,
                       "'%s' is not a video file that can be read, or it was cut off before its index was written",
                       path);
    return pv_fail(err, pv_av_status(code), "cannot open '%s': %s", path, pv_av_words(code).text);
}

/* So that too many can be counted. */
static int one_more(int streams)
{
    return streams < INT_MAX ? streams + 1 : INT_MAX;
}

static pv_status new_format(struct pv_container *c, const char *path, const struct pv_container_limits *limits,
                            const pv_callbacks *callbacks, struct pv_error *err)
{
    *c = (struct pv_container){.format = avformat_alloc_context(), .callbacks = callbacks};
    if (!c->format)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to open '%s'", path);
    c->format->interrupt_callback = (AVIOInterruptCB){.callback = on_interrupt, .opaque = (void *)callbacks};
    c->format->probesize = limits->max_probe_bytes;
    if (c->format->max_streams <= limits->max_streams)
        c->format->max_streams = one_more(limits->max_streams);
    c->format->protocol_whitelist = av_strdup(protocols);
    return c->format->protocol_whitelist ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory to open '%s'", path);
}

pv_status pv_container_count_streams(const struct pv_container *c, const char *path, int most, struct pv_error *err)
{
    if (c->format->nb_streams <= (unsigned)most)
        return PV_OK;
    return pv_fail(err, PV_ERR_FORMAT, "'%s' holds more than the limit of %d streams", path, most);
}

static int open_io(struct pv_container *c, const char *url)
{
    AVDictionary *options = NULL;
    int code = av_dict_set(&options, "protocol_whitelist", protocols, 0);
    if (code >= 0)
        code = avio_open2(&c->io, url, AVIO_FLAG_READ, &c->format->interrupt_callback, &options);
    av_dict_free(&options);
    return code;
}

pv_status pv_container_open(struct pv_container *c, const char *path, const struct pv_container_limits *limits,
                            const pv_callbacks *callbacks, struct pv_error *err)
{
    PV_TRY(new_format(c, path, limits, callbacks, err));
    struct stat st;
    const bool is_stdin = strcmp(path, "-") == 0;
    if (!is_stdin && stat(path, &st) != 0)
        return pv_fail(err, PV_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    char *url = is_stdin ? av_strdup("pipe:0") : av_asprintf("file:%s", path);
    if (!url)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to open '%s'", path);

    const AVInputFormat *input = NULL;
    int code = open_io(c, url);
    if (code >= 0)
        code = av_probe_input_buffer2(c->io, &input, url, NULL, 0, (unsigned)limits->max_probe_bytes);
    if (code >= 0 && !av_match_list(input->name, containers, ',')) {
        av_free(url);
        return pv_fail(err, PV_ERR_UNSUPPORTED, "'%s' is of the kind '%s', which is not read: give a video file", path,
                       input->name);
    }
    if (code >= 0) {
        c->format->pb = c->io;
        c->format->io_open = refuse_nested_open;
        code = avformat_open_input(&c->format, url, input, NULL); /* frees the context on failure, not io */
    }
    av_free(url);
    if (code < 0)
        return fail_open(path, code, err);
    PV_TRY(pv_container_count_streams(c, path, limits->max_streams, err));
    c->format->max_streams = one_more(limits->max_streams); /* for those that come later, to be counted again */
    return PV_OK;
}

pv_status pv_container_open_pictures(struct pv_container *c, const char *path, const char *pattern, int first,
                                     AVRational fps, const struct pv_container_limits *limits,
                                     const pv_callbacks *callbacks, struct pv_error *err)
{
    PV_TRY(new_format(c, path, limits, callbacks, err));
    const AVInputFormat *input = av_find_input_format("image2");
    if (!input)
        return pv_fail(err, PV_ERR_UNSUPPORTED, "this FFmpeg cannot read image sequences (it has no 'image2')");
    char *url = av_asprintf("file:%s", pattern);
    char *rate = av_asprintf("%d/%d", fps.num, fps.den);
    AVDictionary *options = NULL;
    int code = url && rate ? 0 : AVERROR(ENOMEM);
    if (code >= 0)
        code = av_dict_set(&options, "framerate", rate, 0);
    if (code >= 0)
        code = av_dict_set(&options, "pattern_type", "sequence", 0);
    if (code >= 0)
        code = av_dict_set_int(&options, "start_number", first, 0);
    if (code >= 0)
        code = avformat_open_input(&c->format, url, input, &options);
    av_dict_free(&options);
    av_free(rate);
    av_free(url);
    return code < 0 ? fail_open(path, code, err) : PV_OK;
}

void pv_container_release(struct pv_container *c)
{
    avformat_close_input(&c->format);
    if (c->io)
        avio_closep(&c->io);
}
