/* test_safetensors_index.c: sets of shards and folders, good ones and ones that reach for what they must not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/safetensors_fixture.h"

#define INDEX "model.safetensors.index.json"
#define ONE   "model-00001-of-00002.safetensors"
#define TWO   "model-00002-of-00002.safetensors"

/* first: a, c; second: b. */
static void write_shards(const struct folder *folder)
{
    static const float values[3] = {1, 2, 3};
    const struct pv_tensor_view first[2] = {{"a", PV_DTYPE_F32, 1, {1}, &values[0], 4},
                                            {"c", PV_DTYPE_F32, 1, {1}, &values[2], 4}};
    const struct pv_tensor_view second = {"b", PV_DTYPE_F32, 1, {1}, &values[1], 4};
    const struct pv_metadata metadata[2] = {{"format", "pt"}, {"only", "here"}};
    cr_assert_eq(pv_safetensors_write(folder_path(folder, ONE), first, 2, metadata, 2, NULL), PV_OK);
    cr_assert_eq(pv_safetensors_write(folder_path(folder, TWO), &second, 1, metadata, 1, NULL), PV_OK);
}

static void check_shards(const char *path)
{
    struct pv_error err = {""};
    struct pv_safetensors *set;
    cr_assert_eq(pv_safetensors_open(path, PV_ERR_MODEL, &set, &err), PV_OK, "%s", err.text);
    cr_assert_eq(pv_safetensors_count(set), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct pv_tensor_view *view = pv_safetensors_get(set, i);
        float value;
        cr_expect_eq(view->name[0], (char)('a' + i));
        cr_assert_eq(pv_tensor_to_f32(view, &value, 1, NULL), PV_OK);
        cr_expect_eq(value, (float)(i + 1));
    }
    cr_expect_str_eq(pv_safetensors_metadata(set, "format"), "pt");
    cr_expect_str_eq(pv_safetensors_metadata(set, "only"), "here");
    pv_safetensors_close(set);
}

static const char good_index[] =
    "{\"metadata\":{\"total_size\":12},\"weight_map\":{\"a\":\"" ONE "\",\"b\":\"" TWO "\",\"c\":\"" ONE "\"}}";

static void refuse_path(const char *path, pv_status expected, const char *const *says)
{
    struct pv_error err = {""};
    struct pv_safetensors *set = (struct pv_safetensors *)&err;
    const pv_status status = pv_safetensors_open(path, PV_ERR_MODEL, &set, &err);
    cr_expect_eq(status, expected, "status %d, '%s'", (int)status, err.text);
    cr_expect_null(set);
    for (size_t i = 0; says[i]; i++)
        cr_expect_not_null(strstr(err.text, says[i]), "no '%s' in '%s'", says[i], err.text);
}

Test(safetensors_index, opens_shards_by_index_and_by_folder)
{
    struct folder folder = folder_open();
    write_shards(&folder);
    folder_write_text(&folder, INDEX, good_index);
    check_shards(folder_path(&folder, INDEX));
    check_shards(folder.path);
    check_shards(folder_path(&folder, "")); /* with the slash at its end */

    cr_assert_eq(chdir(folder.path), 0); /* tests run in processes of their own */
    check_shards(INDEX);
    check_shards(".");
    folder_close(&folder);
}

Test(safetensors_index, follows_links_to_shards)
{
    struct folder folder = folder_open(), blobs = folder_open();
    write_shards(&blobs);
    cr_assert_eq(symlink(folder_path(&blobs, ONE), folder_path(&folder, ONE)), 0);
    cr_assert_eq(symlink(folder_path(&blobs, TWO), folder_path(&folder, TWO)), 0);
    folder_write_text(&folder, INDEX, good_index);
    check_shards(folder.path);
    folder_close(&folder);
    folder_close(&blobs);
}

Test(safetensors_index, refuses_hostile_indexes)
{
    static const struct {
        const char *index, *says[3];
    } rows[] = {
        {"", {"byte 0"}},
        {"[]", {"byte 0", "weight_map"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\"}", {"byte 54"}},
        {"{}", {"weight_map is missing"}},
        {"{\"weight_map\":[]}", {"weight_map is not an object"}},
        {"{\"weight_map\":{}}", {"weight_map is empty"}},
        {"{\"weight_map\":{\"a\":1}}", {"tensor 'a'", "not a string"}},
        {"{\"weight_map\":{\"a\":\"\"}}", {"tensor 'a'", "''"}},
        {"{\"weight_map\":{\"a\":\"../x.safetensors\"}}", {"tensor 'a'", "'../x.safetensors'", "same folder"}},
        {"{\"weight_map\":{\"a\":\"/etc/x.safetensors\"}}", {"tensor 'a'", "'/etc/x.safetensors'", "same folder"}},
        {"{\"weight_map\":{\"a\":\"sub/x.safetensors\"}}", {"tensor 'a'", "'sub/x.safetensors'", "same folder"}},
        {"{\"weight_map\":{\"a\":\"..\\\\x.safetensors\"}}", {"tensor 'a'", "same folder"}},
        {"{\"weight_map\":{\"a\":\"..\"}}", {"tensor 'a'", "'..'", "same folder"}},
        {"{\"weight_map\":{\"a\":\".x.safetensors\"}}", {"tensor 'a'", "same folder"}},
        {"{\"weight_map\":{\"a\":\"x\\n.safetensors\"}}", {"tensor 'a'", "'x\\x0a.safetensors'", "control"}},
        {"{\"weight_map\":{\"a\":\"x.bin\"}}", {"tensor 'a'", "'x.bin'", "end in .safetensors"}},
        {"{\"weight_map\":{\"a\":\".safetensors\"}}", {"tensor 'a'"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\\u0000\"}}", {"byte", "u0000"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\",\"a\":\"" TWO "\"}}", {"duplicate", "\"a\""}},
        {"{\"weight_map\":{\"a\":\"" ONE "\"},\"weight_map\":{}}", {"duplicate", "weight_map"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\",\"b\":\"" TWO "\"}}", {"'" ONE "' has tensor 'c'"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\",\"c\":\"" ONE "\",\"d\":\"" ONE "\"}}", {"tensor 'd' in '" ONE "'"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\",\"b\":\"" ONE "\",\"c\":\"" ONE "\"}}", {"tensor 'b' in '" ONE "'"}},
        {"{\"weight_map\":{\"a\":\"" ONE "\",\"b\":\"" TWO "\",\"c\":\"" TWO "\"}}", {"'" ONE "' has tensor 'c'"}},
        {"{\"weight_map\":{\"b\":\"" TWO "\",\"c\":\"" TWO "\"}}", {"tensor 'c' in '" TWO "'"}},
    };
    struct folder folder = folder_open();
    write_shards(&folder);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        folder_write_text(&folder, INDEX, rows[i].index);
        const char *says[] = {INDEX, rows[i].says[0], rows[i].says[1], rows[i].says[2], NULL};
        refuse_path(folder_path(&folder, INDEX), PV_ERR_MODEL, says);
    }
    folder_close(&folder);
}

Test(safetensors_index, refuses_missing_and_broken_shards)
{
    struct folder folder = folder_open();
    write_shards(&folder);
    folder_write_text(&folder, INDEX, good_index);

    folder_write_text(&folder, TWO, "too short");
    refuse_path(folder.path, PV_ERR_MODEL, (const char *[]){TWO, "is not valid", NULL});
    cr_assert_eq(unlink(folder_path(&folder, TWO)), 0);
    refuse_path(folder.path, PV_ERR_IO, (const char *[]){TWO, "cannot open", NULL});
    cr_assert_eq(mkfifo(folder_path(&folder, TWO), 0666), 0);
    refuse_path(folder.path, PV_ERR_IO, (const char *[]){TWO, "a pipe", NULL});
    folder_close(&folder);
}

Test(safetensors_index, refuses_a_tensor_in_two_shards_and_metadata_that_disagrees)
{
    struct folder folder = folder_open();
    write_shards(&folder);
    folder_write_text(&folder, INDEX, good_index);
    static const float values[2];
    const struct pv_tensor_view both[2] = {{"a", PV_DTYPE_F32, 1, {1}, values, 4},
                                           {"b", PV_DTYPE_F32, 1, {1}, values, 4}};
    cr_assert_eq(pv_safetensors_write(folder_path(&folder, TWO), both, 2, NULL, 0, NULL), PV_OK);
    refuse_path(folder.path, PV_ERR_MODEL, (const char *[]){"'" TWO "' has tensor 'a'", NULL});

    const struct pv_metadata other = {"format", "np"};
    cr_assert_eq(pv_safetensors_write(folder_path(&folder, TWO), &both[1], 1, &other, 1, NULL), PV_OK);
    refuse_path(folder.path, PV_ERR_MODEL, (const char *[]){"disagree", "'format'", NULL});
    folder_close(&folder);
}

Test(safetensors_index, chooses_the_one_file_of_a_folder)
{
    struct folder folder = folder_open();
    refuse_path(folder.path, PV_ERR_MODEL, (const char *[]){folder.path, "no .safetensors", NULL});

    struct file_bytes file = file_make("{}", 0);
    folder_write(&folder, "model.safetensors", file.data, file.size);
    folder_write(&folder, ".hidden.safetensors", file.data, file.size);
    folder_write_text(&folder, "config.json", "{}");
    struct pv_safetensors *set;
    struct pv_error err = {""};
    cr_expect_eq(pv_safetensors_open(folder.path, PV_ERR_MODEL, &set, &err), PV_OK, "%s", err.text);
    pv_safetensors_close(set);

    folder_write(&folder, "other.safetensors", file.data, file.size);
    refuse_path(folder.path, PV_ERR_MODEL,
                (const char *[]){"holds both", "'model.safetensors'", "'other.safetensors'", NULL});
    folder_write_text(&folder, "a.safetensors.index.json", "{}");
    folder_write_text(&folder, "b.safetensors.index.json", "{}");
    refuse_path(folder.path, PV_ERR_MODEL, (const char *[]){"holds both", "'a.safetensors.index.json'", NULL});
    refuse_path(folder_path(&folder, "absent"), PV_ERR_IO, (const char *[]){"absent", "cannot open", NULL});
    file_free(&file);
    folder_close(&folder);
}
