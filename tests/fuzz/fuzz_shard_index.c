/* fuzz_shard_index.c: any bytes as the index of a sharded checkpoint. No shard that is accepted may leave the folder.
 */
#include <string.h>

#include "fuzz.h"
#include "model/safetensors_part.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct pv_error err = {""};
    const struct pv_source source = {.file = "input", .invalid = PV_ERR_MODEL, .err = &err};
    struct pv_shard_index index;
    const pv_status status = pv_shard_index_parse(&source, (const char *)bytes, size, &index);
    if (status != PV_OK) {
        CHECK(status == PV_ERR_MODEL && err.text[0]);
        return 0;
    }
    for (size_t i = 0; i < index.count; i++) {
        const char *shard = index.placements[i].shard;
        CHECK(shard[0] != '\0' && shard[0] != '.' && !strchr(shard, '/') && !strchr(shard, '\\'));
        CHECK(i == 0 || strcmp(index.placements[i - 1].shard, shard) <= 0);
    }
    pv_shard_index_free(&index);
    return 0;
}
