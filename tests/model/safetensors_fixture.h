/* safetensors_fixture.h: files made on the spot, valid and hostile. */
#ifndef PV_TESTS_SAFETENSORS_FIXTURE_H
#define PV_TESTS_SAFETENSORS_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/scratch_folder.h"
#include "model/safetensors.h"

/* Bytes of a file, in a heap block of exactly their size, so that a read past the end is a sanitizer's report. */
struct file_bytes {
    unsigned char *data;
    size_t size;
};

/* The header's true length, the header, and data_bytes bytes counting 0, 1, 2 ... */
struct file_bytes file_make(const char *header, size_t data_bytes);
struct file_bytes file_make_n(const char *header, size_t header_bytes, size_t data_bytes);
void file_free(struct file_bytes *file);

/* The parser accepts the file. The caller closes the set, then frees the file. */
struct pv_safetensors *accept_file(const struct file_bytes *file);
/* The parser refuses the file with the status it was told, in a sentence that holds every one of says (ended by NULL)
 * and the name "hostile". rule says which row of a table failed. */
void refuse_file(const struct file_bytes *file, const char *rule, const char *const *says);

/* What every accepted set must be, whatever bytes it came from: views inside the bytes, sizes that fit shapes, names
 * sorted and found. NULL when all holds, else what does not. */
const char *inconsistency(const struct pv_safetensors *set, const void *bytes, size_t size);

/* From PREVUE_TEST_SEED when that is set, else from the clock; printed either way. */
uint64_t test_seed(const char *test);
/* splitmix64: enough for picking bytes to break. */
uint64_t next_random(uint64_t *state);

#endif
