/* Opening a model: what is loaded is what the config describes, nothing more and nothing less. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/scratch_folder.h"
#include "golden.h"
#include "model/safetensors_part.h"

enum { MAX_TENSORS = 128 };

/* A model file's tensors, to be changed and written again. */
struct draft {
    struct pv_safetensors *set;
    struct pv_tensor_view views[MAX_TENSORS];
    size_t count;
};

static struct draft draft_of(const char *model)
{
    struct draft d = {.set = golden_open(model)};
    d.count = pv_safetensors_count(d.set);
    cr_assert(d.count < MAX_TENSORS);
    for (size_t i = 0; i < d.count; i++)
        d.views[i] = *pv_safetensors_get(d.set, i);
    return d;
}

/* As pv_safetensors_write does, but without waiting for the disk. */
static const char *write_draft(const struct draft *d, const struct folder *folder)
{
    const struct pv_metadata metadata = {"prevue", pv_safetensors_metadata(d->set, "prevue")};
    struct pv_error error = {.text = ""};
    struct pv_layout layout;
    cr_assert(pv_layout_make(&layout, d->views, d->count, &metadata, 1, &error) == PV_OK, "%s", error.text);
    size_t size = layout.header_bytes;
    for (size_t i = 0; i < layout.count; i++)
        size += layout.order[i]->bytes;
    char *bytes = malloc(size), *end = bytes;
    cr_assert(bytes);
    memcpy(end, layout.header, layout.header_bytes);
    end += layout.header_bytes;
    for (size_t i = 0; i < layout.count; i++) {
        memcpy(end, layout.order[i]->data, layout.order[i]->bytes);
        end += layout.order[i]->bytes;
    }
    folder_write(folder, "draft.safetensors", bytes, size);
    free(bytes);
    pv_layout_free(&layout);
    return folder_path(folder, "draft.safetensors");
}

static pv_status open_reference(const char *path, pv_model **model)
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = "reference";
    return pv_model_open(path, &params, model);
}

static void expect_failure(const char *path, pv_status expected, const char *named)
{
    pv_model *model;
    const pv_status status = open_reference(path, &model);
    cr_assert(status == expected, "status %d, expected %d: %s", status, expected, pv_model_message(model));
    cr_assert(strstr(pv_model_message(model), named), "the sentence does not name %s: %s", named,
              pv_model_message(model));
    pv_rollout *r;
    cr_assert_eq(pv_rollout_open(model, NULL, &r), PV_ERR_ARGUMENT);
    cr_assert(strstr(pv_rollout_message(r), "model"), "%s", pv_rollout_message(r));
    pv_rollout_close(r);
    pv_model_close(model);
}

static void break_every_tensor(const char *model)
{
    const struct folder folder = folder_open();
    struct draft d = draft_of(model);
    for (size_t i = 0; i < d.count; i++) {
        const struct pv_tensor_view whole = d.views[i];
        char named[PV_TENSOR_MAX_NAME + 16];
        snprintf(named, sizeof named, "'%s'", whole.name);

        d.views[i] = d.views[d.count - 1]; /* missing */
        d.count--;
        expect_failure(write_draft(&d, &folder), PV_ERR_MODEL, named);
        d.count++;

        d.views[i] = whole; /* one row less */
        d.views[i].shape[0] -= 1;
        d.views[i].bytes = whole.bytes / (size_t)whole.shape[0] * (size_t)d.views[i].shape[0];
        expect_failure(write_draft(&d, &folder), PV_ERR_MODEL, named);

        d.views[i] = whole; /* the same number of elements, another rank */
        d.views[i].shape[whole.rank] = 1;
        d.views[i].rank++;
        expect_failure(write_draft(&d, &folder), PV_ERR_MODEL, named);
        d.views[i] = whole;
    }
    pv_safetensors_close(d.set);
    folder_close(&folder);
}

Test(model, a_missing_or_misshapen_tensor_is_named)
{
    break_every_tensor("layer_norm.safetensors"); /* modulation per layer */
    break_every_tensor("space_only.safetensors"); /* shared modulation, an action */
}

Test(model, a_tensor_too_many_is_named)
{
    static const char *const names[] = {"a", "dynamics.block.4.mlp.0.weight", "zzz", "codec.encoder.stem"};
    const struct folder folder = folder_open();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct draft d = draft_of("plain.safetensors");
        d.views[d.count] = d.views[0];
        d.views[d.count++].name = names[i];
        expect_failure(write_draft(&d, &folder), PV_ERR_MODEL, names[i]);
        pv_safetensors_close(d.set);
    }
    folder_close(&folder);
}

Test(model, values_that_are_not_finite_are_refused)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    const struct folder folder = folder_open();
    struct draft d = draft_of("plain.safetensors");
    const struct pv_tensor_view whole = d.views[7];
    float *copy = malloc(whole.bytes);
    cr_assert(copy);
    d.views[7].data = copy;
    for (size_t i = 0; i < 3; i++) {
        memcpy(copy, whole.data, whole.bytes);
        copy[whole.bytes / sizeof *copy - 1] = bad[i];
        expect_failure(write_draft(&d, &folder), PV_ERR_MODEL, whole.name);
    }
    free(copy);
    pv_safetensors_close(d.set);
    folder_close(&folder);
}

Test(model, another_type_of_number_is_refused)
{
    const struct folder folder = folder_open();
    struct draft d = draft_of("plain.safetensors");
    d.views[3].dtype = PV_DTYPE_I32;
    expect_failure(write_draft(&d, &folder), PV_ERR_UNSUPPORTED, d.views[3].name);
    pv_safetensors_close(d.set);
    folder_close(&folder);
}

Test(model, a_file_cut_short_is_refused)
{
    const struct folder folder = folder_open();
    FILE *file = fopen(golden_path("space_only.safetensors").text, "rb");
    cr_assert(file);
    static unsigned char bytes[1 << 20];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut += 1 + size / 40) {
        folder_write(&folder, "cut.safetensors", bytes, cut);
        expect_failure(folder_path(&folder, "cut.safetensors"), PV_ERR_MODEL, "cut.safetensors");
    }
    folder_close(&folder);
}

Test(model, other_files_say_what_they_are_not)
{
    const struct folder folder = folder_open();
    expect_failure(folder_path(&folder, "nothing.safetensors"), PV_ERR_IO, "nothing.safetensors");
    expect_failure(golden_path("plain.expected.safetensors").text, PV_ERR_MODEL, "prevue");
    expect_failure(golden_path("make_golden.py").text, PV_ERR_MODEL, "make_golden.py");
    folder_close(&folder);
}

/* ---- what open promises ---- */

struct heard {
    char sentence[512];
    pv_log_level level;
    uint64_t done, total, calls, stop_at;
};

static void hear(void *user, pv_log_level level, const char *sentence)
{
    struct heard *heard = user;
    heard->level = level;
    snprintf(heard->sentence, sizeof heard->sentence, "%s", sentence);
}

static void count_progress(void *user, uint64_t done, uint64_t total)
{
    struct heard *heard = user;
    cr_assert(done == heard->done + 1 && done <= total, "progress went from %llu to %llu of %llu",
              (unsigned long long)heard->done, (unsigned long long)done, (unsigned long long)total);
    heard->done = done;
    heard->total = total;
}

static int stop(void *user)
{
    struct heard *heard = user;
    return heard->calls++ == heard->stop_at;
}

static pv_model_params listening(struct heard *heard)
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = "reference";
    params.callbacks = (pv_callbacks){.user = heard, .log = hear, .progress = count_progress, .abort = stop};
    return params;
}

Test(model, opening_reports_progress_and_names_the_licence)
{
    struct heard heard = {.stop_at = UINT64_MAX};
    const pv_model_params params = listening(&heard);
    pv_model *model;
    cr_assert_eq(pv_model_open(golden_path("plain.safetensors").text, &params, &model), PV_OK);
    cr_assert(heard.done == heard.total && heard.total > 40);
    cr_assert_eq(heard.level, PV_LOG_NOTICE);
    cr_assert(strstr(heard.sentence, "Apache-2.0"), "%s", heard.sentence);
    pv_model_close(model);
}

Test(model, opening_can_be_stopped_at_any_tensor)
{
    pv_status status = PV_ERR_ABORTED;
    for (uint64_t at = 0; status == PV_ERR_ABORTED; at++) {
        struct heard heard = {.stop_at = at};
        const pv_model_params params = listening(&heard);
        pv_model *model;
        status = pv_model_open(golden_path("space_only.safetensors").text, &params, &model);
        cr_assert(status == PV_ERR_ABORTED || (status == PV_OK && at > 20), "status %d at %llu", status,
                  (unsigned long long)at);
        pv_model_close(model);
    }
}

Test(model, info_says_what_the_file_says)
{
    pv_model *model = golden_model("grouped.safetensors", "reference", 1);
    pv_model_info info = {.struct_size = sizeof info};
    cr_assert_eq(pv_model_get_info(model, &info), PV_OK);
    cr_assert_str_eq(info.family, "native");
    cr_assert_str_eq(info.name, "grouped");
    cr_assert_str_eq(info.backend, "reference");
    cr_assert(info.width == 48 && info.height == 32 && info.size_multiple == 8);
    cr_assert(info.latent_width == 12 && info.latent_height == 8 && info.latent_channels == 4);
    cr_assert(info.window == 5 && info.action_size == 2 && info.steps == 4 && info.fps_num == 24 && info.fps_den == 1);
    cr_assert_eq(info.weight_bytes, 2 * info.parameters); /* BF16 */
    cr_assert(info.parameters > 10000 && info.fingerprint != 0);

    /* A caller with a newer header: what this version does not know is zero. */
    struct {
        pv_model_info known;
        uint64_t unknown;
    } newer = {.known = {.struct_size = sizeof newer}, .unknown = 5};
    cr_assert_eq(pv_model_get_info(model, &newer.known), PV_OK);
    cr_assert(newer.known.width == 48 && newer.unknown == 0 && newer.known.struct_size == sizeof newer);
    info.struct_size = 8;
    cr_assert_eq(pv_model_get_info(model, &info), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_model_get_info(model, NULL), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_model_get_info(NULL, &info), PV_ERR_ARGUMENT);
    pv_model_close(model);
}

static uint64_t fingerprint_of(const char *path)
{
    pv_model *model;
    cr_assert(open_reference(path, &model) == PV_OK, "%s", pv_model_message(model));
    const uint64_t fingerprint = model->fingerprint;
    pv_model_close(model);
    return fingerprint;
}

Test(model, fingerprint_is_of_the_weights_and_nothing_else)
{
    const struct folder folder = folder_open();
    struct draft d = draft_of("plain.safetensors");
    const uint64_t before = fingerprint_of(golden_path("plain.safetensors").text);
    const char *path = write_draft(&d, &folder); /* other order, other header */
    cr_assert_eq(fingerprint_of(path), before);
    for (size_t i = 0; i < d.count; i++) {
        const struct pv_tensor_view whole = d.views[i];
        float *copy = malloc(whole.bytes);
        cr_assert(copy);
        memcpy(copy, whole.data, whole.bytes);
        const size_t last = whole.bytes / sizeof *copy - 1;
        copy[last] = nextafterf(copy[last], 10); /* one bit of the last number */
        d.views[i].data = copy;
        cr_assert_neq(fingerprint_of(write_draft(&d, &folder)), before, "a bit of %s", whole.name);
        d.views[i] = whole;
        free(copy);
    }
    pv_safetensors_close(d.set);
    folder_close(&folder);
}

Test(model, mistakes_in_the_call_are_refused_in_a_sentence)
{
    const char *path = golden_path("space_only.safetensors").text;
    char kept[512];
    snprintf(kept, sizeof kept, "%s", path);
    pv_model_params params;
    pv_model *model;
    cr_assert_eq(pv_model_open(kept, NULL, NULL), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_model_open(NULL, NULL, &model), PV_ERR_ARGUMENT);
    cr_assert(strstr(pv_model_message(model), "path"));
    pv_model_close(model);
    for (int i = 0; i < 5; i++) {
        static const char *const named[] = {"threads", "threads", "nosuch", "struct_size", "struct_size"};
        pv_model_params_init(&params);
        if (i < 2)
            params.threads = i ? 1025 : -1;
        else if (i == 2)
            params.backend = "nosuch";
        else
            params.struct_size = i == 3 ? 0 : sizeof params - 1;
        cr_assert_eq(pv_model_open(kept, &params, &model), PV_ERR_ARGUMENT);
        cr_assert(strstr(pv_model_message(model), named[i]), "%s", pv_model_message(model));
        pv_model_close(model);
    }
    pv_model_close(NULL);
    cr_assert_str_eq(pv_model_message(NULL), "");
    cr_assert_str_eq(pv_version(), "0.1.0");
    cr_assert_eq(pv_abi_version(), 0);
}

Test(model, params_of_a_newer_header_are_understood_while_the_rest_is_zero)
{
    struct {
        pv_model_params known;
        uint64_t unknown;
    } newer = {.unknown = 0};
    pv_model *model;
    pv_model_params_init(&newer.known);
    newer.known.struct_size = sizeof newer;
    newer.known.backend = "reference";
    cr_assert_eq(pv_model_open(golden_path("space_only.safetensors").text, &newer.known, &model), PV_OK);
    pv_model_close(model);
    newer.unknown = 1;
    cr_assert_eq(pv_model_open(golden_path("space_only.safetensors").text, &newer.known, &model), PV_ERR_UNSUPPORTED);
    cr_assert(strstr(pv_model_message(model), "pv_model_params"));
    pv_model_close(model);
}
