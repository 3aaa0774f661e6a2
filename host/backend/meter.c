/* meter.c: a table whose every entry counts, then calls the backend's own. */
#include "backend/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An op that is over before 20 answers of the device could be heard is repeated 16 times and divided. */
enum { ANSWERS = 20, REPEATS = 16 };

static struct pv_metered_stream *self(struct pv_stream *s)
{
    return (struct pv_metered_stream *)s;
}

static const struct pv_op_table *inner_op(const struct pv_metered_stream *m)
{
    return m->inner->backend->op;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static pv_status synchronize(struct pv_metered_stream *m)
{
    return inner_op(m)->synchronize(m->inner);
}

/* ---- one call ---- */

/* NULL when there is no memory. */
static struct pv_meter_op *find_row(struct pv_metered_stream *m, const char *op, const char *words)
{
    for (size_t i = 0; i < m->op_count; i++) {
        struct pv_meter_op *row = &m->ops[i];
        if ((int)row->part == m->part && strcmp(row->op, op) == 0 && strcmp(row->shape, words) == 0)
            return row;
    }
    if (m->op_count == m->op_room) {
        const size_t room = m->op_room ? 2 * m->op_room : 64;
        struct pv_meter_op *larger = realloc(m->ops, room * sizeof *larger);
        if (!larger)
            return NULL;
        m->ops = larger;
        m->op_room = room;
    }
    struct pv_meter_op *row = &m->ops[m->op_count++];
    *row = (struct pv_meter_op){.part = (pv_frame_part)m->part, .op = op};
    snprintf(row->shape, sizeof row->shape, "%s", words);
    return row;
}

static void count(struct pv_meter_sum *sum, const struct pv_cost *cost, uint64_t ns)
{
    sum->calls++;
    sum->operations += cost->operations;
    sum->bytes += cost->bytes;
    sum->ns += ns;
}

static pv_status begin(struct pv_metered_stream *m)
{
    m->runs = 0;
    if (!m->each)
        return PV_OK;
    PV_TRY(synchronize(m));
    m->start_ns = now_ns();
    return PV_OK;
}

/* After a run of the op: shall it run once more? */
static pv_status look(struct pv_metered_stream *m, bool *again)
{
    *again = false;
    if (!m->each)
        return PV_OK;
    m->runs++;
    if (m->runs == 1) {
        PV_TRY(synchronize(m));
        *again = now_ns() - m->start_ns < ANSWERS * m->answer_ns;
        if (*again)
            m->start_ns = now_ns();
        return PV_OK;
    }
    *again = m->runs <= REPEATS;
    return *again ? PV_OK : synchronize(m);
}

static pv_status end(struct pv_metered_stream *m, const char *op, const struct pv_cost *cost)
{
    uint64_t ns = m->each ? now_ns() - m->start_ns : 0;
    if (m->runs > 1)
        ns /= REPEATS;
    if (m->part == PV_METER_IDLE)
        return PV_OK;
    struct pv_meter_op *row = find_row(m, op, cost->shape);
    if (!row)
        return pv_fail(m->stream.error, PV_ERR_MEMORY, "no memory to count ops");
    count(&row->sum, cost, ns);
    count(&m->parts[m->part], cost, ns);
    return PV_OK;
}

/* ---- the table ---- */

/* name: a member of the table; cost: of this call; what stands in brackets is how the backend's own is called. */
#define RUN(s, name, cost, ...)                                                                                        \
    do {                                                                                                               \
        struct pv_metered_stream *m = self(s);                                                                         \
        const struct pv_cost cost_ = cost;                                                                             \
        bool again;                                                                                                    \
        PV_TRY(begin(m));                                                                                              \
        do {                                                                                                           \
            PV_TRY(inner_op(m)->name(m->inner, __VA_ARGS__));                                                          \
            PV_TRY(look(m, &again));                                                                                   \
        } while (again);                                                                                               \
        return end(m, #name, &cost_);                                                                                  \
    } while (0)

#define METERED(name)                                                                                                  \
    static pv_status metered_##name(struct pv_stream *s, const struct pv_##name *p)                                    \
    {                                                                                                                  \
        RUN(s, name, pv_cost_##name(s, p), p);                                                                         \
    }

METERED(unshuffle)
METERED(shuffle)
METERED(yuv_to_rgb)
METERED(conv)
METERED(linear)
METERED(norm_modulate)
METERED(add)
METERED(qkv)
METERED(attention)
METERED(patch)
METERED(unpatch)
METERED(latent_out)
METERED(latent_in)
METERED(combine)
METERED(noise)
METERED(level_embedding)

static pv_status metered_upload(struct pv_stream *s, void *dst, const void *host_src, size_t bytes)
{
    RUN(s, upload, pv_cost_memory(bytes, 2), dst, host_src, bytes);
}

static pv_status metered_download(struct pv_stream *s, void *host_dst, const void *src, size_t bytes)
{
    RUN(s, download, pv_cost_memory(bytes, 2), host_dst, src, bytes);
}

static pv_status metered_copy(struct pv_stream *s, void *dst, const void *src, size_t bytes)
{
    RUN(s, copy, pv_cost_memory(bytes, 2), dst, src, bytes);
}

static pv_status metered_zero(struct pv_stream *s, void *dst, size_t bytes)
{
    RUN(s, zero, pv_cost_memory(bytes, 1), dst, bytes);
}

static pv_status metered_upload_activations(struct pv_stream *s, void *dst, const float *host_src, size_t count)
{
    RUN(s, upload_activations, pv_cost_conversion(s, count), dst, host_src, count);
}

static pv_status metered_download_activations(struct pv_stream *s, float *host_dst, const void *src, size_t count)
{
    RUN(s, download_activations, pv_cost_conversion(s, count), host_dst, src, count);
}

static void metered_enter(struct pv_stream *s)
{
    inner_op(self(s))->enter(self(s)->inner);
}

static void metered_leave(struct pv_stream *s)
{
    inner_op(self(s))->leave(self(s)->inner);
}

static pv_status metered_synchronize(struct pv_stream *s)
{
    return synchronize(self(s));
}

/* Ops that are counted are never recorded, but what was recorded before may have to go. */
static void metered_record_forget(struct pv_stream *s)
{
    if (inner_op(self(s))->record_forget)
        inner_op(self(s))->record_forget(self(s)->inner);
}

/* Backends, memory and weights are reached through the model, never through a stream: the rest stays NULL. */
static const struct pv_op_table table = {
    .name = "meter",
    .enter = metered_enter,
    .leave = metered_leave,
    .synchronize = metered_synchronize,
    .record_forget = metered_record_forget,
    .upload = metered_upload,
    .download = metered_download,
    .copy = metered_copy,
    .zero = metered_zero,
    .upload_activations = metered_upload_activations,
    .download_activations = metered_download_activations,
    .unshuffle = metered_unshuffle,
    .shuffle = metered_shuffle,
    .yuv_to_rgb = metered_yuv_to_rgb,
    .conv = metered_conv,
    .linear = metered_linear,
    .norm_modulate = metered_norm_modulate,
    .add = metered_add,
    .qkv = metered_qkv,
    .attention = metered_attention,
    .patch = metered_patch,
    .unpatch = metered_unpatch,
    .latent_out = metered_latent_out,
    .latent_in = metered_latent_in,
    .combine = metered_combine,
    .noise = metered_noise,
    .level_embedding = metered_level_embedding,
};

/* ---- open, close, parts ---- */

static pv_status measure_answer(struct pv_metered_stream *m)
{
    m->answer_ns = UINT64_MAX;
    for (int i = 0; i < 10; i++) {
        const uint64_t start = now_ns();
        PV_TRY(synchronize(m));
        const uint64_t ns = now_ns() - start;
        m->answer_ns = ns < m->answer_ns ? ns : m->answer_ns;
    }
    return PV_OK;
}

pv_status pv_meter_open(struct pv_stream *inner, bool each, struct pv_metered_stream **metered)
{
    *metered = NULL;
    struct pv_metered_stream *m = calloc(1, sizeof *m);
    if (!m)
        return pv_fail(inner->error, PV_ERR_MEMORY, "no memory for a meter");
    m->backend = *inner->backend;
    m->backend.op = &table;
    m->stream = (struct pv_stream){.backend = &m->backend, .error = inner->error};
    m->inner = inner;
    m->each = each;
    m->part = PV_METER_IDLE;
    const pv_status status = measure_answer(m);
    if (status != PV_OK) {
        pv_meter_close(m);
        return status;
    }
    *metered = m;
    return PV_OK;
}

void pv_meter_close(struct pv_metered_stream *metered)
{
    if (metered)
        free(metered->ops);
    free(metered);
}

pv_status pv_meter_part(struct pv_metered_stream *m, int part)
{
    if (!m->each) {
        PV_TRY(synchronize(m));
        const uint64_t now = now_ns();
        if (m->part != PV_METER_IDLE)
            m->parts[m->part].ns += now - m->start_ns;
        m->start_ns = now;
    }
    m->part = part;
    return PV_OK;
}
