/* output.c: see output.h. */
#include "clip/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/mem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clip/ffmpeg_shim.h"
#include "clip/report.h"

enum { BUFFER_BYTES = 1 << 16 };

/* write(2) for pipes: SIGPIPE is held back on this thread and taken off again, since a library must neither let it kill
 * the program nor install a handler. */
static ssize_t write_without_sigpipe(int fd, const uint8_t *data, size_t size)
{
    sigset_t pipe_signal, pending, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t written = write(fd, data, size);
    const int error = errno;
    if (written < 0 && error == EPIPE && !was_pending) {
        const struct timespec at_once = {0};
        sigtimedwait(&pipe_signal, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return written;
}

/* All of data, or a negative AVERROR. */
static int write_all(struct pv_output *o, const uint8_t *data, size_t size)
{
    while (size > 0) {
        if (o->error)
            return AVERROR(o->error);
        const ssize_t written = o->is_pipe ? write_without_sigpipe(o->fd, data, size) : write(o->fd, data, size);
        if (written >= 0) {
            data += written;
            size -= (size_t)written;
            o->bytes += written;
        } else if (errno == EINTR) {
            if (pv_aborted(o->callbacks))
                return AVERROR_EXIT;
        } else if (errno == EAGAIN) { /* standard output may be non-blocking */
            poll(&(struct pollfd){.fd = o->fd, .events = POLLOUT}, 1, 1000);
            if (pv_aborted(o->callbacks))
                return AVERROR_EXIT;
        } else
            o->error = errno;
    }
    return 0;
}

static int write_packet(void *opaque, pv_shim_write_byte *data, int size)
{
    const int code = write_all(opaque, data, (size_t)size);
    return code < 0 ? code : size;
}

static int64_t seek_packet(void *opaque, int64_t offset, int whence)
{
    const struct pv_output *o = opaque;
    if (whence & AVSEEK_SIZE) {
        struct stat st;
        return fstat(o->fd, &st) == 0 ? (int64_t)st.st_size : AVERROR(errno);
    }
    const off_t position = lseek(o->fd, (off_t)offset, whence & ~AVSEEK_FORCE);
    return position < 0 ? AVERROR(errno) : (int64_t)position;
}

static pv_status open_io(struct pv_output *o, struct pv_error *err)
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    o->io = buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 1, o, NULL, write_packet, o->is_pipe ? NULL : seek_packet)
                   : NULL;
    if (!o->io) {
        av_free(buffer);
        return pv_fail(err, PV_ERR_MEMORY, "no memory to write '%s'", o->path);
    }
    if (o->is_pipe)
        o->io->seekable = 0;
    return PV_OK;
}

pv_status pv_output_create(struct pv_output *o, const char *path, bool overwrite, const pv_callbacks *callbacks,
                           struct pv_error *err)
{
    *o = (struct pv_output){.path = strdup(path), .fd = -1, .callbacks = callbacks};
    if (!o->path)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to write '%s'", path);
    o->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0666);
    if (o->fd < 0 && errno == EEXIST)
        return pv_fail(err, PV_ERR_IO, "'%s' exists already: move it away, or allow overwriting (-y)", path);
    if (o->fd < 0)
        return pv_fail(err, PV_ERR_IO, "cannot create '%s': %s", path, strerror(errno));
    return open_io(o, err);
}

pv_status pv_output_stdout(struct pv_output *o, const pv_callbacks *callbacks, struct pv_error *err)
{
    *o = (struct pv_output){.path = strdup("standard output"), .fd = -1, .is_pipe = true, .callbacks = callbacks};
    if (!o->path)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to write to standard output");
    o->fd = STDOUT_FILENO;
    return open_io(o, err);
}

pv_status pv_output_fail(const struct pv_output *o, int code, struct pv_error *err)
{
    if (code == AVERROR_EXIT)
        return pv_fail(err, PV_ERR_ABORTED, "writing '%s' was stopped on request", o->path);
    if (o->is_pipe && o->error == EPIPE)
        return pv_fail(err, PV_END, "the reader of standard output has gone away");
    if (o->error == ENOSPC || o->error == EDQUOT || o->error == EFBIG)
        return pv_fail(err, PV_ERR_IO, "cannot write '%s' any further than %lld bytes: %s; make room and run again",
                       o->path, (long long)o->bytes, strerror(o->error));
    if (o->error)
        return pv_fail(err, PV_ERR_IO, "cannot write '%s': %s", o->path, strerror(o->error));
    return pv_fail(err, pv_av_status(code), "cannot write '%s': %s", o->path, pv_av_words(code).text);
}

pv_status pv_output_write(struct pv_output *o, const uint8_t *data, size_t size, struct pv_error *err)
{
    const int code = write_all(o, data, size);
    return code < 0 ? pv_output_fail(o, code, err) : PV_OK;
}

pv_status pv_output_finish(struct pv_output *o, struct pv_error *err)
{
    avio_flush(o->io);
    if (o->io->error < 0)
        return pv_output_fail(o, o->io->error, err);
    if (o->is_pipe)
        return PV_OK;
    const bool synced = fsync(o->fd) == 0 || errno == EINVAL || errno == ENOTSUP; /* not a thing that can be synced */
    if (!synced)
        o->error = errno;
    if (close(o->fd) != 0 && !o->error)
        o->error = errno;
    o->fd = -1;
    return o->error ? pv_output_fail(o, AVERROR(o->error), err) : PV_OK;
}

void pv_output_release(struct pv_output *o)
{
    if (o->io) {
        av_freep(&o->io->buffer);
        avio_context_free(&o->io);
    }
    if (o->path && o->fd >= 0 && !o->is_pipe)
        close(o->fd);
    free(o->path);
    *o = (struct pv_output){.fd = -1};
}
