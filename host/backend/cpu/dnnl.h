/* dnnl.h: the two things prevue asks of oneDNN: matrix products and convolutions, channels last, float.
 *
 * oneDNN chooses how a filter should lie in memory for a shape, and compiles code for the shape. Both are kept: layouts
 * with the filter, compiled shapes with the stream. */
#ifndef PV_BACKEND_CPU_DNNL_H
#define PV_BACKEND_CPU_DNNL_H

#include "backend/op.h"

struct pv_dnnl;        /* one a backend */
struct pv_dnnl_stream; /* one a stream: what has been compiled so far, and oneDNN's scratch memory */
struct pv_dnnl_filter; /* a matrix or filter. Any thread may use it: new layouts are made under its lock */

pv_status pv_dnnl_open(struct pv_dnnl **dnnl, struct pv_error *error);
void pv_dnnl_close(struct pv_dnnl *dnnl);

pv_status pv_dnnl_stream_open(struct pv_dnnl *dnnl, struct pv_dnnl_stream **stream, struct pv_error *error);
void pv_dnnl_stream_close(struct pv_dnnl_stream *stream);

/* value: [out][in] when height is 0, else [out][in][height][width]; copied. */
pv_status pv_dnnl_filter_make(struct pv_dnnl *dnnl, const float *value, int out, int in, int height, int width,
                              struct pv_dnnl_filter **filter, struct pv_error *error);
void pv_dnnl_filter_free(struct pv_dnnl_filter *filter);
/* The values as they were given. */
pv_status pv_dnnl_filter_read(struct pv_dnnl *dnnl, struct pv_dnnl_filter *filter, float *value,
                              struct pv_error *error);

/* One product to compute. Linear: dst = src filter^T + bias. Convolution:
 * dst = activation(conv(src) + bias [+ dst]). */
struct pv_dnnl_call {
    struct pv_dnnl_filter *filter;
    float *dst;
    const float *src;
    const float *bias;             /* [out] */
    bool accumulate;               /* dst holds something to add to; convolution only */
    enum pv_activation activation; /* convolution only */
    int batch, height, width;      /* of src; linear: batch rows, height and width 1 */
    int out_height, out_width;
    int stride, pad_top, pad_left;
};

/* To be called between the backend's enter and leave: compiled code is for the backend's number of threads. */
pv_status pv_dnnl_run(struct pv_dnnl_stream *stream, const struct pv_dnnl_call *call, struct pv_error *error);

#endif
