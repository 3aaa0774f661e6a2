/* fingerprint.c: one number for a set of weights, so that a saved rollout knows whether it meets the same ones again.
 * Not a defence against somebody who wants two files to collide. */
#include <string.h>

#include "model/weights.h"

enum { LANES = 4 }; /* independent chains: one alone waits for its multiplication */

static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio, odd */
    return state ^ (state >> 32);                 /* a product carries upwards only */
}

static uint64_t mix_bytes(uint64_t state, const void *data, size_t size)
{
    const unsigned char *p = data;
    uint64_t lane[LANES], word[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = mix(state, (uint64_t)i);
    for (; size >= sizeof word; p += sizeof word, size -= sizeof word) {
        memcpy(word, p, sizeof word);
        for (int i = 0; i < LANES; i++)
            lane[i] = mix(lane[i], word[i]);
    }
    for (int i = 0; i < LANES; i++)
        state = mix(state, lane[i]);
    for (; size > 0; p++, size--)
        state = mix(state, *p);
    return state;
}

uint64_t pv_text_fingerprint(const char *text, uint64_t seed)
{
    return mix_bytes(mix(0, seed), text, strlen(text) + 1);
}

uint64_t pv_weights_fingerprint(const struct pv_safetensors *set)
{
    uint64_t state = mix(0, pv_safetensors_count(set));
    for (size_t i = 0; i < pv_safetensors_count(set); i++) {
        const struct pv_tensor_view *view = pv_safetensors_get(set, i);
        state = mix_bytes(state, view->name, strlen(view->name) + 1);
        state = mix(state, (uint64_t)view->dtype);
        state = mix(state, (uint64_t)view->rank);
        for (int side = 0; side < view->rank; side++)
            state = mix(state, (uint64_t)view->shape[side]);
        state = mix_bytes(state, view->data, view->bytes);
    }
    return state;
}
