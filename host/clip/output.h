/* output.h: bytes to a file or to standard output, for FFmpeg's muxers. Our own, so that a failure keeps its errno,
 * files are never overwritten unasked, and a reader that goes away does not kill the program. */
#ifndef PV_CLIP_OUTPUT_H
#define PV_CLIP_OUTPUT_H

#include <libavformat/avio.h>
#include <stdbool.h>

#include "base/error.h"

struct pv_output {
    char *path; /* "standard output" for a pipe */
    int fd;     /* -1 = closed */
    bool is_pipe;
    int error;     /* the first errno, 0 = none */
    int64_t bytes; /* written, counting rewritten ones again */
    AVIOContext *io;
    const pv_callbacks *callbacks;
};

/* Creates the file; an existing one is truncated with overwrite, refused (PV_ERR_IO) without. */
pv_status pv_output_create(struct pv_output *output, const char *path, bool overwrite, const pv_callbacks *callbacks,
                           struct pv_error *err);

pv_status pv_output_stdout(struct pv_output *output, const pv_callbacks *callbacks, struct pv_error *err);

/* The failure that an FFmpeg call on output->io came back with, as a sentence. PV_END: the pipe's reader is gone. */
pv_status pv_output_fail(const struct pv_output *output, int code, struct pv_error *err);

/* Writes all of it, past output->io. */
pv_status pv_output_write(struct pv_output *output, const uint8_t *data, size_t size, struct pv_error *err);

/* Flushes and, for a file, brings it to the disk and closes it. */
pv_status pv_output_finish(struct pv_output *output, struct pv_error *err);

/* Closes what is open, whatever it holds. Zeroed structs are fine. */
void pv_output_release(struct pv_output *output);

#endif
