/* weights.h: tensors of a model file -> weights prepared by the backend. Each name is taken exactly once: a tensor that
 * is missing, left over, of another shape or not finite is an error that names it. */
#ifndef PV_MODEL_WEIGHTS_H
#define PV_MODEL_WEIGHTS_H

#include "backend/op.h"
#include "model/safetensors.h"

enum { PV_WEIGHT_NAME = 96 }; /* bytes, with the NUL; the longest is codec.encoder.stage.7.block.15.conv.2.weight */

/* All that was prepared for a model, owned here; the structs of codec and dynamics point into it. */
struct pv_weights {
    struct pv_backend *backend;
    struct pv_weight **prepared;
    size_t prepared_count;
    void **memory; /* the backend's */
    size_t memory_count;
};

void pv_weights_free(struct pv_weights *weights);

struct pv_weight_reader {
    const struct pv_safetensors *set; /* NULL = weights are random, made from seed */
    uint64_t seed;
    const char *file; /* for sentences */
    struct pv_weights *weights;
    struct pv_stream *stream;
    const struct pv_callbacks *callbacks;
    struct pv_error *error;
    bool *taken; /* [tensors of set] */
    size_t taken_count;
    uint64_t parameters; /* numbers in the tensors taken */
    struct pv_host_floats {
        float *values;
        size_t capacity;
    } weight, bias; /* grown as needed */
};

/* The members before taken are the caller's to set. weights must be empty. */
pv_status pv_weight_reader_open(struct pv_weight_reader *reader);
/* PV_ERR_MODEL when the file holds a tensor that nobody took. */
pv_status pv_weight_reader_finish(const struct pv_weight_reader *reader);
void pv_weight_reader_close(struct pv_weight_reader *reader);

/* prefix.weight [out][in] and, when it has one, prefix.bias [out]. */
pv_status pv_weight_linear(struct pv_weight_reader *reader, const char *prefix, int out, int in, bool bias,
                           const struct pv_weight **weight);
/* prefix.weight [out][in][3][3] and prefix.bias [out]. */
pv_status pv_weight_conv(struct pv_weight_reader *reader, const char *prefix, int out, int in,
                         const struct pv_weight **weight);
/* name [count], as floats in the backend's memory. */
pv_status pv_weight_floats(struct pv_weight_reader *reader, const char *name, int count, const float **values);
/* name [count], as activations. */
pv_status pv_weight_activations(struct pv_weight_reader *reader, const char *name, int count, const void **values);
/* Numbers that are not a tensor of the file but its config's, as floats in the backend's memory. */
pv_status pv_weight_constants(struct pv_weight_reader *reader, const double *host_values, int count,
                              const float **values);

/* A name made of parts: pv_weight_name("dynamics.block.%d.mlp.%d", i, j).text */
struct pv_weight_name {
    char text[PV_WEIGHT_NAME];
};
struct pv_weight_name pv_weight_name(const char *format, ...) PV_PRINTF(1, 2);

/* weights_random.c: count values for the tensor `name` of that rank and shape, functions of seed, name and place. */
void pv_weights_random(uint64_t seed, const char *name, int rank, const int64_t *shape, float *values, size_t count);

/* A number made of a text and a seed, for models without a file. */
uint64_t pv_text_fingerprint(const char *text, uint64_t seed);
/* A number made of all names, types, shapes and contents. Reads the whole file. */
uint64_t pv_weights_fingerprint(const struct pv_safetensors *set);

#endif
