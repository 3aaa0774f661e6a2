/* weights_random.c: weights of a model that has no file, for measuring. A value is a function of seed, tensor and place
 * alone (Philox), so that a model is the same on every machine and backend. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "model/weights.h"

/* FNV-1a (Fowler, Noll, Vo), 32 bits. */
static uint32_t hash(const char *text)
{
    uint32_t state = 2166136261u;
    for (; *text; text++)
        state = (state ^ (uint8_t)*text) * 16777619u;
    return state;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Uniform in [-1, 1), eight numbers of 16 bits a call. */
static void fill_uniform(uint64_t seed, uint32_t tensor, float *values, size_t count)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (size_t i = 0; i < count; i += 8) {
        const uint64_t block = i / 8;
        uint32_t word[4];
        pv_philox((const uint32_t[4]){(uint32_t)block, (uint32_t)(block >> 32), tensor, 0}, key, word);
        for (size_t j = 0; j < 8 && i + j < count; j++)
            values[i + j] = (float)(word[j / 2] >> (j % 2 * 16) & 0xFFFF) * 0x1p-15f - 1;
    }
}

/* A matrix or filter keeps the variance of what goes through it (Glorot & Bengio 2010: 1 / inputs); the last one of the
 * dynamics is quieter, so that a rollout stays near where it began. Norm weights lie around 1, biases around 0. */
void pv_weights_random(uint64_t seed, const char *name, int rank, const int64_t *shape, float *values, size_t count)
{
    const bool norm = ends_with(name, "_norm");
    float scale = 0.1f;
    if (rank > 1) {
        double inputs = 1;
        for (int i = 1; i < rank; i++)
            inputs *= (double)shape[i];
        scale = (float)sqrt(3 / inputs);
        if (strcmp(name, "dynamics.final.weight") == 0)
            scale *= 0.05f;
    }
    fill_uniform(seed, hash(name), values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = values[i] * scale + (norm ? 1.0f : 0.0f);
}
