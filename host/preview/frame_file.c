/* frame_file.c: see frame_file.h. */
#include "preview/frame_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pv_frame_file {
    char *path;
    int fd, width, height, takes;
    size_t frame_bytes;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    int64_t steps;
    bool ended;
};

static pv_status cut(struct pv_frame_file *f, int64_t steps, struct pv_error *err)
{
    const off_t wanted = (off_t)((uint64_t)steps * (uint64_t)f->takes * f->frame_bytes);
    struct stat st;
    if (fstat(f->fd, &st) != 0 || st.st_size < wanted)
        return pv_fail(err, PV_ERR_IO, "'%s' is shorter than it was: remove its folder and start again", f->path);
    if (ftruncate(f->fd, wanted) != 0)
        return pv_fail(err, PV_ERR_IO, "cannot cut '%s': %s", f->path, strerror(errno));
    f->steps = steps;
    return PV_OK;
}

pv_status pv_frame_file_open(const char *path, int width, int height, int takes, int64_t steps,
                             struct pv_frame_file **file, struct pv_error *err)
{
    struct pv_frame_file *f = calloc(1, sizeof *f);
    *file = NULL;
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for '%s'", path);
    }
    f->width = width;
    f->height = height;
    f->takes = takes;
    f->frame_bytes = 3 * (size_t)width * (size_t)height;
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    const pv_status status =
        f->fd < 0 ? pv_fail(err, PV_ERR_IO, "cannot create '%s': %s", path, strerror(errno)) : cut(f, steps, err);
    if (status == PV_OK)
        *file = f;
    else
        pv_frame_file_close(f);
    return status;
}

static off_t place_of(const struct pv_frame_file *f, int64_t step, int take)
{
    return (off_t)(((uint64_t)step * (uint64_t)f->takes + (uint64_t)take) * f->frame_bytes);
}

pv_status pv_frame_file_put(struct pv_frame_file *f, int take, const pv_frame *frame, struct pv_error *err)
{
    const off_t place = place_of(f, f->steps, take); /* steps: only this thread changes it */
    for (size_t done = 0; done < f->frame_bytes;) {
        const ssize_t written = pwrite(f->fd, frame->data + done, f->frame_bytes - done, place + (off_t)done);
        if (written < 0 && errno != EINTR)
            return pv_fail(err, PV_ERR_IO, "cannot write '%s': %s", f->path, strerror(errno));
        done += written > 0 ? (size_t)written : 0;
    }
    return PV_OK;
}

void pv_frame_file_publish(struct pv_frame_file *f)
{
    pthread_mutex_lock(&f->lock);
    f->steps++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

void pv_frame_file_end(struct pv_frame_file *f)
{
    pthread_mutex_lock(&f->lock);
    f->ended = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

pv_status pv_frame_file_sync(struct pv_frame_file *f, struct pv_error *err)
{
    return fdatasync(f->fd) == 0
               ? PV_OK
               : pv_fail(err, PV_ERR_IO, "cannot bring '%s' to the disk: %s", f->path, strerror(errno));
}

int64_t pv_frame_file_wait(struct pv_frame_file *f, int64_t step)
{
    pthread_mutex_lock(&f->lock);
    while (f->steps <= step && !f->ended)
        pthread_cond_wait(&f->changed, &f->lock);
    const int64_t steps = f->steps;
    pthread_mutex_unlock(&f->lock);
    return steps;
}

int64_t pv_frame_file_wait_for_end(struct pv_frame_file *f)
{
    return pv_frame_file_wait(f, INT64_MAX);
}

int64_t pv_frame_file_count(struct pv_frame_file *f)
{
    pthread_mutex_lock(&f->lock);
    const int64_t steps = f->steps;
    pthread_mutex_unlock(&f->lock);
    return steps;
}

pv_status pv_frame_file_read(struct pv_frame_file *f, int64_t step, int take, pv_frame *frame, struct pv_error *err)
{
    const off_t place = place_of(f, step, take);
    for (size_t done = 0; done < f->frame_bytes;) {
        const ssize_t got = pread(f->fd, frame->data + done, f->frame_bytes - done, place + (off_t)done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return pv_fail(err, PV_ERR_IO, "cannot read '%s' again: %s", f->path, got ? strerror(errno) : "it is cut");
        done += got > 0 ? (size_t)got : 0;
    }
    frame->index = step;
    return PV_OK;
}

void pv_frame_file_close(struct pv_frame_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f->path);
    free(f);
}
