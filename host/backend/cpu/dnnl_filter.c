/* dnnl_filter.c: oneDNN's engine, and filters in the layouts that its code wants. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/dnnl_part.h"
#include "backend/host_memory.h"

pv_status pv_dnnl_failed(dnnl_status_t status, const char *call, struct pv_error *error)
{
    if (status == dnnl_out_of_memory)
        return pv_fail(error, PV_ERR_MEMORY, "oneDNN: the system refused memory");
    const int name = (int)strcspn(call, "(");
    return pv_fail(error, PV_ERR_INTERNAL, "oneDNN: %.*s failed with status %d", name, call, (int)status);
}

/* ---- engine ---- */

pv_status pv_dnnl_open(struct pv_dnnl **dnnl, struct pv_error *error)
{
    struct pv_dnnl *d = calloc(1, sizeof *d);
    *dnnl = NULL;
    if (!d)
        return pv_fail(error, PV_ERR_MEMORY, "oneDNN: the system refused memory");
    const dnnl_status_t status = dnnl_engine_create(&d->engine, dnnl_cpu, 0);
    if (status != dnnl_success) {
        free(d);
        return pv_dnnl_failed(status, "dnnl_engine_create(", error);
    }
    *dnnl = d;
    return PV_OK;
}

void pv_dnnl_close(struct pv_dnnl *dnnl)
{
    if (dnnl) {
        dnnl_engine_destroy(dnnl->engine);
        free(dnnl);
    }
}

/* ---- filters ---- */

dnnl_status_t pv_dnnl_filter_layout(const struct pv_dnnl_filter *f, bool any, layout *l)
{
    const dnnl_dims_t side = {f->out, f->in, f->height, f->width};
    if (is_matrix(f))
        return layout_make(l, 2, side, any ? dnnl_format_tag_any : dnnl_ab);
    return layout_make(l, 4, side, any ? dnnl_format_tag_any : dnnl_abcd);
}

static void arrangement_free(struct arrangement *a)
{
    if (a) {
        dnnl_memory_destroy(a->memory);
        free(a->bytes);
        free(a);
    }
}

static pv_status arrangement_make(struct pv_dnnl *dnnl, layout_p wanted, struct arrangement **made,
                                  struct pv_error *error)
{
    *made = NULL;
    struct arrangement *a = calloc(1, sizeof *a);
    if (!a)
        return pv_fail(error, PV_ERR_MEMORY, "oneDNN: the system refused memory for a filter");
    pv_status status = pv_host_alloc(NULL, dnnl_memory_desc_get_size(wanted), &a->bytes, error);
    if (status == PV_OK) {
        const dnnl_status_t created = dnnl_memory_create(&a->memory, wanted, dnnl->engine, a->bytes);
        status = created == dnnl_success ? PV_OK : pv_dnnl_failed(created, "dnnl_memory_create(", error);
    }
    if (status != PV_OK) {
        arrangement_free(a);
        return status;
    }
    *made = a;
    return PV_OK;
}

static dnnl_status_t reorder(struct pv_dnnl *dnnl, dnnl_memory_t from, dnnl_memory_t to)
{
    layout_p from_layout, to_layout;
    dnnl_memory_get_memory_desc(from, &from_layout);
    dnnl_memory_get_memory_desc(to, &to_layout);
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_status_t status =
        dnnl_reorder_primitive_desc_create(&description, from_layout, dnnl->engine, to_layout, dnnl->engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&primitive, description);
    if (status == dnnl_success)
        status = dnnl_stream_create(&stream, dnnl->engine, dnnl_stream_default_flags);
    if (status == dnnl_success) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        status = dnnl_primitive_execute(primitive, stream, 2, args);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(stream);
    dnnl_stream_destroy(stream);
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(description);
    return status;
}

pv_status pv_dnnl_filter_make(struct pv_dnnl *dnnl, const float *value, int out, int in, int height, int width,
                              struct pv_dnnl_filter **filter, struct pv_error *error)
{
    *filter = NULL;
    struct pv_dnnl_filter *f = calloc(1, sizeof *f);
    if (!f)
        return pv_fail(error, PV_ERR_MEMORY, "oneDNN: the system refused memory for a filter");
    *f = (struct pv_dnnl_filter){.out = out, .in = in, .height = height, .width = width, .plain_unused = true};
    pthread_mutex_init(&f->lock, NULL);

    layout plain;
    const dnnl_status_t made = pv_dnnl_filter_layout(f, false, &plain);
    pv_status status = made == dnnl_success ? PV_OK : pv_dnnl_failed(made, "dnnl_memory_desc(", error);
    if (status == PV_OK) {
        status = arrangement_make(dnnl, borrow(&plain), &f->first, error);
        layout_drop(&plain);
    }
    if (status != PV_OK) {
        pv_dnnl_filter_free(f);
        return status;
    }
    const size_t taps = is_matrix(f) ? 1 : (size_t)height * (size_t)width;
    memcpy(f->first->bytes, value, (size_t)out * (size_t)in * taps * sizeof(float));
    *filter = f;
    return PV_OK;
}

void pv_dnnl_filter_free(struct pv_dnnl_filter *filter)
{
    if (!filter)
        return;
    while (filter->first) {
        struct arrangement *next = filter->first->next;
        arrangement_free(filter->first);
        filter->first = next;
    }
    pthread_mutex_destroy(&filter->lock);
    free(filter);
}

static struct arrangement *arrangement_find(const struct pv_dnnl_filter *f, layout_p wanted)
{
    for (struct arrangement *a = f->first; a; a = a->next) {
        layout_p has;
        dnnl_memory_get_memory_desc(a->memory, &has);
        if (dnnl_memory_desc_equal(has, wanted))
            return a;
    }
    return NULL;
}

/* The filter's values as wanted, kept with the filter unless the caller keeps them. The lock is held. */
static pv_status arrangement_get(struct pv_dnnl *dnnl, struct pv_dnnl_filter *f, layout_p wanted, dnnl_memory_t *memory,
                                 struct pv_error *error)
{
    struct arrangement *a = arrangement_find(f, wanted);
    if (!a) {
        PV_TRY(arrangement_make(dnnl, wanted, &a, error));
        const dnnl_status_t status = reorder(dnnl, f->first->memory, a->memory);
        if (status != dnnl_success) {
            arrangement_free(a);
            return pv_dnnl_failed(status, "dnnl_reorder(", error);
        }
        if (f->plain_unused) { /* the first layout that oneDNN likes takes the place of the given one */
            arrangement_free(f->first);
            f->first = NULL;
        }
        a->next = f->first;
        f->first = a;
    }
    f->plain_unused = false;
    *memory = a->memory;
    return PV_OK;
}

pv_status pv_dnnl_filter_memory(struct pv_dnnl *dnnl, struct pv_dnnl_filter *f, layout_p wanted, dnnl_memory_t *memory,
                                struct pv_error *error)
{
    pthread_mutex_lock(&f->lock);
    const pv_status status = arrangement_get(dnnl, f, wanted, memory, error);
    pthread_mutex_unlock(&f->lock);
    return status;
}

pv_status pv_dnnl_filter_read(struct pv_dnnl *dnnl, struct pv_dnnl_filter *filter, float *value, struct pv_error *error)
{
    layout plain;
    DNNL_TRY(pv_dnnl_filter_layout(filter, false, &plain), error);
    dnnl_memory_t to = NULL;
    dnnl_status_t status = dnnl_memory_create(&to, borrow(&plain), dnnl->engine, value);
    layout_drop(&plain);
    if (status == dnnl_success) {
        pthread_mutex_lock(&filter->lock);
        status = reorder(dnnl, filter->first->memory, to);
        pthread_mutex_unlock(&filter->lock);
    }
    dnnl_memory_destroy(to);
    return status == dnnl_success ? PV_OK : pv_dnnl_failed(status, "dnnl_reorder(", error);
}
