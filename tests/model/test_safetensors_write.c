/* test_safetensors_write.c: what the writer writes, the reader and the reference library read; and the other way. */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "model/safetensors_fixture.h"

/* What the Python package safetensors 0.8.0 writes for
 *
 *     save_file({"codec.weight": tensor([[1, -2.5, 3.25], [inf, 0, 1e-40]]), "codec.bias": tensor([1.5, -0., 65504],
 *     dtype=float16), "dynamics.scale": tensor([3.140625, -1e30], dtype=bfloat16), "steps": tensor([-1, 2**40]),
 *     "mask": tensor([True, False, True]), "empty": zeros((0, 4), dtype=uint8), "scalar": tensor(7, dtype=int32)},
 *     path, metadata={"prevue": '{"schema": 1}\né'}) */
static const char recorded_header[] = "\350\001\0\0\0\0\0\0"
                                      "{\"__metadata__\":{\"prevue\":\"{\\\"schema\\\": 1}\\n\xc3\xa9\"},"
                                      "\"steps\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
                                      "\"codec.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
                                      "\"scalar\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[40,44]},"
                                      "\"dynamics.scale\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[44,48]},"
                                      "\"codec.bias\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[48,54]},"
                                      "\"empty\":{\"dtype\":\"U8\",\"shape\":[0,4],\"data_offsets\":[54,54]},"
                                      "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[54,57]}}  ";
static const unsigned char recorded_data[57] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x80,
    0x3f, 0x00, 0x00, 0x20, 0xc0, 0x00, 0x00, 0x50, 0x40, 0x00, 0x00, 0x80, 0x7f, 0x00, 0x00, 0x00, 0x00, 0xc2, 0x16,
    0x01, 0x00, 0x07, 0x00, 0x00, 0x00, 0x49, 0x40, 0x4a, 0xf1, 0x00, 0x3e, 0x00, 0x80, 0xff, 0x7b, 0x01, 0x00, 0x01};

static struct file_bytes recorded_file(void)
{
    struct file_bytes file = file_make_n(recorded_header + 8, sizeof recorded_header - 9, sizeof recorded_data);
    cr_assert_arr_eq(file.data, recorded_header, 8);
    memcpy(file.data + sizeof recorded_header - 1, recorded_data, sizeof recorded_data);
    return file;
}

static struct file_bytes load(const char *path)
{
    FILE *stream = fopen(path, "rb");
    cr_assert_not_null(stream, "%s is not there", path);
    struct file_bytes file = {malloc(1 << 20), 0};
    cr_assert_not_null(file.data);
    file.size = fread(file.data, 1, 1 << 20, stream);
    fclose(stream);
    return file;
}

static struct pv_tensor_view f32_view(const char *name, const float *values, int64_t count)
{
    return (struct pv_tensor_view){name, PV_DTYPE_F32, 1, {count}, values, (size_t)count * sizeof *values};
}

Test(safetensors_write, reads_what_the_reference_wrote)
{
    struct file_bytes file = recorded_file();
    struct pv_safetensors *set = accept_file(&file);
    cr_expect_eq(pv_safetensors_count(set), 7);
    cr_expect_str_eq(pv_safetensors_metadata(set, "prevue"), "{\"schema\": 1}\n\xc3\xa9");

    float values[6];
    cr_assert_eq(pv_tensor_to_f32(pv_safetensors_find(set, "codec.weight"), values, 6, NULL), PV_OK);
    const float weight[6] = {1, -2.5f, 3.25f, INFINITY, 0, 1e-40f};
    cr_expect_arr_eq(values, weight, sizeof weight);
    cr_assert_eq(pv_tensor_to_f32(pv_safetensors_find(set, "codec.bias"), values, 3, NULL), PV_OK);
    const float bias[3] = {1.5f, -0.0f, 65504};
    cr_expect_arr_eq(values, bias, sizeof bias);
    cr_assert_eq(pv_tensor_to_f32(pv_safetensors_find(set, "dynamics.scale"), values, 2, NULL), PV_OK);
    cr_expect_eq(values[0], 3.140625f);
    cr_expect_float_eq(values[1] / -1e30f, 1, 1.0 / 256); /* bfloat16 keeps 8 bits */

    const struct pv_tensor_view *empty = pv_safetensors_find(set, "empty");
    cr_expect_eq(empty->bytes, 0);
    cr_expect_eq(empty->shape[1], 4);
    cr_expect_eq(pv_safetensors_find(set, "scalar")->rank, 0);
    cr_expect_eq(pv_safetensors_find(set, "mask")->dtype, PV_DTYPE_BOOL);
    pv_safetensors_close(set);
    file_free(&file);
}

Test(safetensors_write, writes_the_bytes_the_reference_writes)
{
    struct file_bytes recorded = recorded_file();
    struct pv_safetensors *set = accept_file(&recorded);
    const struct pv_metadata metadata = {"prevue", pv_safetensors_metadata(set, "prevue")};
    struct pv_tensor_view views[7];
    struct folder folder = folder_open();
    const char *path = folder_path(&folder, "out.safetensors");
    for (size_t turn = 0; turn < 7; turn++) { /* the order they are passed in is no matter */
        for (size_t i = 0; i < 7; i++)
            views[i] = *pv_safetensors_get(set, (i + turn) % 7);
        struct pv_error err = {""};
        cr_assert_eq(pv_safetensors_write(path, views, 7, &metadata, 1, &err), PV_OK, "%s", err.text);
        struct file_bytes written = load(path);
        cr_assert_eq(written.size, recorded.size);
        cr_expect_arr_eq(written.data, recorded.data, recorded.size);
        file_free(&written);
    }
    cr_expect_eq(folder_count(&folder), 1);
    folder_close(&folder);
    pv_safetensors_close(set);
    file_free(&recorded);
}

Test(safetensors_write, round_trips_random_tensors)
{
    uint64_t random = test_seed("round_trips_random_tensors");
    struct folder folder = folder_open();
    const char *path = folder_path(&folder, "random.safetensors");
    for (int round = 0; round < 20; round++) {
        enum { MOST = 40, BYTES = 4096 };
        static unsigned char data[MOST][BYTES];
        static char names[MOST][16];
        struct pv_tensor_view views[MOST];
        const size_t count = next_random(&random) % (MOST + 1);
        for (size_t i = 0; i < count; i++) {
            snprintf(names[i], sizeof names[i], "%c.%zu", (int)('a' + next_random(&random) % 26), i);
            for (size_t k = 0; k < BYTES; k++)
                data[i][k] = (unsigned char)next_random(&random);
            views[i] = (struct pv_tensor_view){.name = names[i],
                                               .dtype = (enum pv_dtype)(next_random(&random) % PV_DTYPE_COUNT),
                                               .rank = (int)(next_random(&random) % 4),
                                               .data = data[i]};
            for (int d = 0; d < views[i].rank; d++)
                views[i].shape[d] = (int64_t)(next_random(&random) % 8);
            while (pv_tensor_measure(views[i].dtype, views[i].rank, views[i].shape, &views[i].bytes))
                views[i].dtype = PV_DTYPE_F64; /* part of a byte: not storable */
        }
        const struct pv_metadata metadata[] = {{"z", "last"}, {"a", "first \" \\ \x01 \xf0\x9f\x8e\xac"}};
        struct pv_error err = {""};
        cr_assert_eq(pv_safetensors_write(path, views, count, metadata, 2, &err), PV_OK, "%s", err.text);

        struct pv_safetensors *set;
        cr_assert_eq(pv_safetensors_open(path, PV_ERR_MODEL, &set, &err), PV_OK, "%s", err.text);
        cr_assert_eq(pv_safetensors_count(set), count);
        cr_expect_str_eq(pv_safetensors_metadata(set, "a"), metadata[1].value);
        cr_expect_str_eq(pv_safetensors_metadata(set, "z"), "last");
        for (size_t i = 0; i < count; i++) {
            const struct pv_tensor_view *read = pv_safetensors_find(set, names[i]);
            cr_assert_not_null(read, "%s", names[i]);
            cr_expect_eq(read->dtype, views[i].dtype);
            cr_expect_eq(read->rank, views[i].rank);
            cr_expect_arr_eq(read->shape, views[i].shape, sizeof read->shape);
            cr_assert_eq(read->bytes, views[i].bytes);
            cr_expect(memcmp(read->data, views[i].data, read->bytes) == 0, "%s differs", names[i]);
            cr_expect(views[i].dtype != PV_DTYPE_F32 || (uintptr_t)read->data % 4 == 0, "%s is unaligned", names[i]);
        }
        pv_safetensors_close(set);
    }
    folder_close(&folder);
}

Test(safetensors_write, replaces_a_file_without_touching_open_ones)
{
    struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state.safetensors");
    const float old = 1, new = 2;
    const struct pv_tensor_view before = f32_view("x", &old, 1), after = f32_view("x", &new, 1);
    struct pv_safetensors *set;
    cr_assert_eq(pv_safetensors_write(path, &before, 1, NULL, 0, NULL), PV_OK);
    cr_assert_eq(pv_safetensors_open(path, PV_ERR_FORMAT, &set, NULL), PV_OK);
    cr_assert_eq(pv_safetensors_write(path, &after, 1, NULL, 0, NULL), PV_OK);
    float value;
    cr_assert_eq(pv_tensor_to_f32(pv_safetensors_find(set, "x"), &value, 1, NULL), PV_OK);
    cr_expect_eq(value, 1);
    pv_safetensors_close(set);
    cr_assert_eq(pv_safetensors_read(path, PV_ERR_FORMAT, &set, NULL), PV_OK);
    cr_assert_eq(pv_tensor_to_f32(pv_safetensors_find(set, "x"), &value, 1, NULL), PV_OK);
    cr_expect_eq(value, 2);
    pv_safetensors_close(set);
    folder_close(&folder);
}

Test(safetensors_write, leaves_nothing_behind_when_it_fails)
{
    struct folder folder = folder_open();
    const float one = 1;
    const struct pv_tensor_view view = f32_view("x", &one, 1);
    struct pv_error err;

    const char *taken = folder_path(&folder, "taken");
    cr_assert_eq(mkdir(taken, 0777), 0);
    cr_expect_eq(pv_safetensors_write(taken, &view, 1, NULL, 0, &err), PV_ERR_IO);
    cr_expect_not_null(strstr(err.text, "taken"), "%s", err.text);
    cr_expect_eq(folder_count(&folder), 1);

    cr_expect_eq(pv_safetensors_write(folder_path(&folder, "absent/x.safetensors"), &view, 1, NULL, 0, &err),
                 PV_ERR_IO);
    cr_expect_not_null(strstr(err.text, "absent/x.safetensors"), "%s", err.text);
    cr_expect_eq(folder_count(&folder), 1);
    folder_close(&folder);
}

Test(safetensors_write, keeps_the_old_file_when_the_disk_takes_no_more)
{
    enum { FLOATS = 1000 };
    struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state.safetensors");
    static const float values[FLOATS] = {5};
    const struct pv_tensor_view small = f32_view("x", values, 1), large = f32_view("x", values, FLOATS);
    cr_assert_eq(pv_safetensors_write(path, &small, 1, NULL, 0, NULL), PV_OK);

    /* A limit on this process's files stands for a full disk: write takes a part, then nothing. */
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1024, RLIM_INFINITY}), 0);
    struct pv_error err = {""};
    cr_expect_eq(pv_safetensors_write(path, &large, 1, NULL, 0, &err), PV_ERR_IO);
    cr_expect_not_null(strstr(err.text, "state.safetensors"), "%s", err.text);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);

    cr_expect_eq(folder_count(&folder), 1);
    struct pv_safetensors *set;
    cr_assert_eq(pv_safetensors_open(path, PV_ERR_FORMAT, &set, NULL), PV_OK);
    cr_expect_eq(pv_safetensors_find(set, "x")->bytes, 4);
    pv_safetensors_close(set);
    folder_close(&folder);
}

Test(safetensors_write, refuses_what_the_format_does_not_allow)
{
    static const float values[4];
    char name[PV_TENSOR_MAX_NAME + 2];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct pv_tensor_view good = f32_view("good", values, 4);
    struct pv_tensor_view bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    static const char *const says[8] = {"513 bytes", "not UTF-8",     "__metadata__", "99 is no dtype",
                                        "rank is 9", "negative size", "16 bytes",     "'good' is there twice"};
    bad[0].name = name;
    bad[1].name = "\xff";
    bad[2].name = "__metadata__";
    bad[3].dtype = (enum pv_dtype)99;
    bad[4].rank = 9;
    bad[5].shape[0] = -4;
    bad[6].bytes = 15;

    struct folder folder = folder_open();
    const char *path = folder_path(&folder, "never.safetensors");
    for (size_t i = 0; i < 8; i++) {
        const struct pv_tensor_view pair[2] = {good, bad[i]};
        struct pv_error err = {""};
        cr_expect_eq(pv_safetensors_write(path, pair, 2, NULL, 0, &err), PV_ERR_ARGUMENT, "row %zu", i);
        cr_expect_not_null(strstr(err.text, says[i]), "row %zu: %s", i, err.text);
    }

    const struct pv_metadata twice[2] = {{"k", "1"}, {"k", "2"}}, broken = {"k", "\xc3"};
    struct pv_error err;
    cr_expect_eq(pv_safetensors_write(path, &good, 1, twice, 2, &err), PV_ERR_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "'k' is there twice"), "%s", err.text);
    cr_expect_eq(pv_safetensors_write(path, &good, 1, &broken, 1, &err), PV_ERR_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "'k'"), "%s", err.text);

    const size_t most = (size_t)16 << 20;
    char *large = malloc(most + 1);
    cr_assert_not_null(large);
    memset(large, 'v', most);
    large[most] = '\0';
    cr_expect_eq(pv_safetensors_write(path, &good, 1, &(struct pv_metadata){"k", large}, 1, &err), PV_ERR_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "16777216"), "%s", err.text);
    free(large);
    cr_expect_eq(folder_count(&folder), 0);
    folder_close(&folder);
}
