/* container.h: opening media files that nobody vouches for.
 *
 * Only files and standard input are opened; the container must be on a list of real containers (no playlists, which
 * name other files), nothing inside it may open a second file, and probing and streams are capped. */
#ifndef PV_CLIP_CONTAINER_H
#define PV_CLIP_CONTAINER_H

#include <libavformat/avformat.h>

#include "base/error.h"

struct pv_container_limits {
    int max_streams;
    int64_t max_probe_bytes;
};

struct pv_container {
    AVFormatContext *format;
    AVIOContext *io; /* NULL for image sequences */
    const pv_callbacks *callbacks;
};

/* path: a file, or "-" for standard input. callbacks must outlive the container; abort interrupts reading. container is
 * overwritten; release it also after a failure. */
pv_status pv_container_open(struct pv_container *container, const char *path, const struct pv_container_limits *limits,
                            const pv_callbacks *callbacks, struct pv_error *err);

/* pattern: as pv_sequence_pattern makes it; path: the caller's, for sentences. */
pv_status pv_container_open_pictures(struct pv_container *container, const char *path, const char *pattern, int first,
                                     AVRational fps, const struct pv_container_limits *limits,
                                     const pv_callbacks *callbacks, struct pv_error *err);

/* Streams are counted when a file is opened; those of a transport stream are found later, by probing, so count again
 * then. FFmpeg's own cap is kept out of the way: where it strikes, some demuxers say that memory ran out and others
 * drop the rest in silence, differently from release to release. */
pv_status pv_container_count_streams(const struct pv_container *container, const char *path, int most,
                                     struct pv_error *err);

void pv_container_release(struct pv_container *container);

#endif
