/* test_safetensors_mutation.c: thousands of damaged files. None may crash the reader; each that it accepts must be
 * consistent, and readable as floats. A sanitizer build turns a read out of bounds into a failure. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors_fixture.h"

enum { ROUNDS = 6000, MOST_BYTES = 4096 };

static const char seed_header[] = "{\"__metadata__\":{\"prevue\":\"{}\",\"format\":\"pt\"},"
                                  "\"codec.w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                                  "\"codec.b\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[24,30]},"
                                  "\"dynamics.s\":{\"dtype\":\"BF16\",\"shape\":[1,1,2],\"data_offsets\":[30,34]},"
                                  "\"empty\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[34,34]}}   ";
enum { SEED_DATA = 34 };

/* What a header is made of, and what tends to break parsers. */
static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     "0",
                                     "8",
                                     "-1",
                                     "1e9",
                                     "\\",
                                     "\\u0000",
                                     "\\ud800",
                                     "\"a\"",
                                     "\"dtype\"",
                                     "F64",
                                     "U8",
                                     "null",
                                     "[0,8]",
                                     "\x80",
                                     "\xff",
                                     "\"shape\"",
                                     "{}",
                                     "__metadata__",
                                     " ",
                                     "9223372036854775807",
                                     "4611686018427387904",
                                     "\"data_offsets\":[0,0]"};

static size_t splice(unsigned char *bytes, size_t size, size_t at, size_t cut, const void *insert, size_t length)
{
    if (cut > size - at)
        cut = size - at;
    if (size - cut + length > MOST_BYTES)
        return size;
    memmove(bytes + at + length, bytes + at + cut, size - at - cut);
    memcpy(bytes + at, insert, length);
    return size - cut + length;
}

static size_t mutate(unsigned char *bytes, size_t size, uint64_t *random)
{
    const size_t at = size ? next_random(random) % size : 0;
    const char *piece = pieces[next_random(random) % (sizeof pieces / sizeof pieces[0])];
    switch (next_random(random) % 6) {
    case 0:
        if (size)
            bytes[at] ^= (unsigned char)(1u << next_random(random) % 8);
        return size;
    case 1:
        if (size)
            bytes[at] = (unsigned char)next_random(random);
        return size;
    case 2: return splice(bytes, size, at, next_random(random) % 16, "", 0);
    case 3: return splice(bytes, size, at, 0, piece, strlen(piece));
    case 4: return splice(bytes, size, at, strlen(piece), piece, strlen(piece));
    default: { /* a stretch of the file once more, elsewhere */
        unsigned char copy[64];
        const size_t from = size ? next_random(random) % size : 0;
        size_t length = next_random(random) % sizeof copy;
        if (length > size - from)
            length = size - from;
        memcpy(copy, bytes + from, length);
        return splice(bytes, size, at, 0, copy, length);
    }
    }
}

/* Most mutations change the header's length; without its true length the reader would stop at that. */
static void mend_length(unsigned char *bytes, size_t size)
{
    if (size < 8 + SEED_DATA)
        return;
    const size_t header = size - 8 - SEED_DATA;
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)header >> 8 * i);
}

static void read_as_floats(const struct pv_safetensors *set)
{
    for (size_t i = 0; i < pv_safetensors_count(set); i++) {
        const struct pv_tensor_view *view = pv_safetensors_get(set, i);
        const size_t elements = pv_tensor_elements(view);
        if (elements > MOST_BYTES)
            continue; /* no bytes can hold so many: an F4 at most two a byte */
        float *values = malloc((elements + 1) * sizeof *values);
        cr_assert_not_null(values);
        const pv_status status = pv_tensor_to_f32(view, values, elements, NULL);
        cr_assert(status == PV_OK || status == PV_ERR_UNSUPPORTED);
        free(values);
    }
}

Test(safetensors_mutation, damaged_files_never_crash_the_reader)
{
    const uint64_t seed = test_seed("damaged_files_never_crash_the_reader");
    uint64_t random = seed;
    size_t accepted = 0, refused = 0;
    unsigned char bytes[MOST_BYTES];
    for (int round = 0; round < ROUNDS; round++) {
        struct file_bytes file = file_make(seed_header, SEED_DATA);
        size_t size = file.size;
        memcpy(bytes, file.data, size);
        file_free(&file);
        for (uint64_t n = next_random(&random) % 4 + 1; n > 0; n--)
            size = mutate(bytes, size, &random);
        if (next_random(&random) % 8 != 0)
            mend_length(bytes, size);

        file = (struct file_bytes){malloc(size ? size : 1), size};
        cr_assert_not_null(file.data);
        memcpy(file.data, bytes, size);
        struct pv_safetensors *set;
        struct pv_error err = {""};
        const pv_status status = pv_safetensors_parse(file.data, size, "mutant", PV_ERR_MODEL, &set, &err);
        if (status == PV_OK) {
            const char *wrong = inconsistency(set, file.data, size);
            cr_assert_null(wrong, "seed %" PRIu64 ", round %d: %s", seed, round, wrong);
            read_as_floats(set);
            pv_safetensors_close(set);
            accepted++;
        } else {
            cr_assert_eq(status, PV_ERR_MODEL, "seed %" PRIu64 ", round %d: %d", seed, round, (int)status);
            cr_assert(err.text[0] != '\0', "seed %" PRIu64 ", round %d: no sentence", seed, round);
            for (const char *c = err.text; *c; c++)
                cr_assert(*c >= ' ' && *c < 0x7f, "seed %" PRIu64 ", round %d: unprintable", seed, round);
            refused++;
        }
        file_free(&file);
    }
    /* Both happen often, or the mutations test nothing. */
    cr_assert(accepted > ROUNDS / 100 && refused > ROUNDS / 4, "%zu accepted, %zu refused", accepted, refused);
}
