/* safetensors_fixture.c: building, judging and throwing away of test files. */
#include "model/safetensors_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct file_bytes file_make_n(const char *header, size_t header_bytes, size_t data_bytes)
{
    struct file_bytes file = {.size = 8 + header_bytes + data_bytes};
    file.data = malloc(file.size);
    cr_assert_not_null(file.data);
    for (size_t i = 0; i < 8; i++)
        file.data[i] = (unsigned char)((uint64_t)header_bytes >> 8 * i);
    memcpy(file.data + 8, header, header_bytes);
    for (size_t i = 0; i < data_bytes; i++)
        file.data[8 + header_bytes + i] = (unsigned char)i;
    return file;
}

struct file_bytes file_make(const char *header, size_t data_bytes)
{
    return file_make_n(header, strlen(header), data_bytes);
}

void file_free(struct file_bytes *file)
{
    free(file->data);
    *file = (struct file_bytes){0};
}

struct pv_safetensors *accept_file(const struct file_bytes *file)
{
    struct pv_error err = {""};
    struct pv_safetensors *set = NULL;
    const pv_status status = pv_safetensors_parse(file->data, file->size, "good", PV_ERR_MODEL, &set, &err);
    cr_assert_eq(status, PV_OK, "refused with %d: %s", (int)status, err.text);
    const char *wrong = inconsistency(set, file->data, file->size);
    cr_assert_null(wrong, "%s", wrong);
    return set;
}

void refuse_file(const struct file_bytes *file, const char *rule, const char *const *says)
{
    struct pv_error err = {""};
    struct pv_safetensors *set = (struct pv_safetensors *)&err;
    const pv_status status = pv_safetensors_parse(file->data, file->size, "hostile", PV_ERR_FORMAT, &set, &err);
    cr_expect_eq(status, PV_ERR_FORMAT, "%s: status %d, '%s'", rule, (int)status, err.text);
    cr_expect_null(set, "%s: a set came out", rule);
    cr_expect_not_null(strstr(err.text, "hostile"), "%s: no file in '%s'", rule, err.text);
    for (size_t i = 0; says[i]; i++)
        cr_expect_not_null(strstr(err.text, says[i]), "%s: no '%s' in '%s'", rule, says[i], err.text);
}

const char *inconsistency(const struct pv_safetensors *set, const void *bytes, size_t size)
{
    const uintptr_t start = (uintptr_t)bytes;
    size_t data_bytes = 0;
    for (size_t i = 0; i < pv_safetensors_count(set); i++) {
        const struct pv_tensor_view *view = pv_safetensors_get(set, i);
        const uintptr_t at = (uintptr_t)view->data;
        if (at < start + 8 || at > start + size || view->bytes > start + size - at)
            return "a tensor lies outside the file";
        size_t needed;
        if (view->rank < 0 || view->rank > PV_TENSOR_MAX_RANK ||
            pv_tensor_measure(view->dtype, view->rank, view->shape, &needed) || needed != view->bytes)
            return "a tensor's size does not fit its shape";
        if (strlen(view->name) > PV_TENSOR_MAX_NAME)
            return "a name is too long";
        if (pv_safetensors_find(set, view->name) != view)
            return "a tensor is not found by its name";
        if (i > 0 && strcmp(pv_safetensors_get(set, i - 1)->name, view->name) >= 0)
            return "names are not in order";
        data_bytes += view->bytes;
    }
    uint64_t header = 0;
    for (int i = 7; i >= 0; i--)
        header = header << 8 | ((const unsigned char *)bytes)[i];
    return 8 + header + data_bytes == size ? NULL : "the tensors do not cover the data";
}

uint64_t test_seed(const char *test)
{
    const char *given = getenv("PREVUE_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t clock = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
    const uint64_t seed = given ? strtoull(given, NULL, 0) : clock;
    fprintf(stderr, "%s: PREVUE_TEST_SEED=%" PRIu64 "\n", test, seed);
    return seed;
}

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
