/* fuzz_safetensors.c: any bytes as a safetensors file. A file that is accepted must be consistent, and written again
 * it must be accepted again, with the same tensors and metadata. */
#include "fuzz_file.h"

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(unsigned char *bytes, size_t size, size_t most); /* libFuzzer's own */

/* Data bytes that a file's length word leaves, or none when the word makes no sense. */
static size_t data_bytes(const unsigned char *bytes, size_t size)
{
    uint64_t header = 0;
    for (size_t i = 8; size >= 8 && i-- > 0;)
        header = header << 8 | bytes[i];
    return size >= 8 && header <= size - 8 ? size - 8 - (size_t)header : 0;
}

/* Nearly every mutation makes the length word wrong, and the reader would see no more than that. Seven of eight times
 * the word is mended, so that the data keeps its size and the header is what changed. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t size, size_t most, unsigned seed)
{
    const size_t data = data_bytes(bytes, size);
    size = LLVMFuzzerMutate(bytes, size, most);
    if (seed % 8 != 0 && size >= 8 + data)
        for (size_t i = 0; i < 8; i++)
            bytes[i] = (unsigned char)((uint64_t)(size - 8 - data) >> 8 * i);
    return size;
}

static void check_view(const struct pv_safetensors *set, const struct pv_tensor_view *view, const unsigned char *bytes,
                       size_t size)
{
    const unsigned char *data = view->data;
    size_t needed;
    CHECK(data >= bytes + 8 && data <= bytes + size && view->bytes <= (size_t)(bytes + size - data));
    CHECK(view->rank >= 0 && view->rank <= PV_TENSOR_MAX_RANK);
    CHECK(!pv_tensor_measure(view->dtype, view->rank, view->shape, &needed) && needed == view->bytes);
    CHECK(pv_safetensors_find(set, view->name) == view);

    const size_t elements = pv_tensor_elements(view);
    float *values = malloc((elements + 1) * sizeof *values);
    CHECK(values);
    const pv_status status = pv_tensor_to_f32(view, values, elements, NULL);
    CHECK(status == PV_OK || status == PV_ERR_UNSUPPORTED);
    free(values);
}

static void check_same(const struct pv_safetensors *a, const struct pv_safetensors *b)
{
    CHECK(a->count == b->count && a->metadata_count == b->metadata_count);
    for (size_t i = 0; i < a->count; i++) {
        const struct pv_tensor_view *x = &a->tensors[i], *y = &b->tensors[i];
        CHECK(strcmp(x->name, y->name) == 0 && x->dtype == y->dtype && x->rank == y->rank);
        CHECK(memcmp(x->shape, y->shape, sizeof x->shape) == 0);
        CHECK(x->bytes == y->bytes && memcmp(x->data, y->data, x->bytes) == 0);
    }
    for (size_t i = 0; i < a->metadata_count; i++)
        CHECK(strcmp(a->metadata[i].key, b->metadata[i].key) == 0 &&
              strcmp(a->metadata[i].value, b->metadata[i].value) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct pv_error err = {""};
    struct pv_safetensors *set, *again;
    const pv_status status = pv_safetensors_parse(bytes, size, "input", PV_ERR_MODEL, &set, &err);
    if (status != PV_OK) {
        CHECK(status == PV_ERR_MODEL && !set && err.text[0]);
        return 0;
    }
    for (size_t i = 0; i < pv_safetensors_count(set); i++)
        check_view(set, pv_safetensors_get(set, i), bytes, size);

    size_t again_size;
    unsigned char *again_bytes =
        fuzz_file_of(set->tensors, set->count, set->metadata, set->metadata_count, &again_size);
    CHECK(again_bytes);
    CHECK(pv_safetensors_parse(again_bytes, again_size, "again", PV_ERR_MODEL, &again, &err) == PV_OK);
    check_same(set, again);
    pv_safetensors_close(again);
    free(again_bytes);
    pv_safetensors_close(set);
    return 0;
}
