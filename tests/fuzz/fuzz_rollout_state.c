/* fuzz_rollout_state.c: any text as the settings of a saved rollout, whose tensors are as they should be. A state that
 * is accepted must go on. A fingerprint of sixteen @ stands for that of the model. */
#include <prevue/prevue.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz_file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { SENT = 3, SIDE = 32, FINGERPRINT = 16, PATH_BYTES = 64 };

static const char key[] = "prevue_rollout", sixteen[] = "@@@@@@@@@@@@@@@@";
static pv_model *model;
static struct pv_safetensors *saved;
static char fingerprint[FINGERPRINT];

/* A file without a name, and the path that opens it. */
static FILE *nameless_file(char path[PATH_BYTES])
{
    FILE *file = tmpfile();
    CHECK(file);
    snprintf(path, PATH_BYTES, "/proc/self/fd/%d", fileno(file));
    return file;
}

static pv_frame frame_of(uint8_t pixels[SIDE * SIDE * 3])
{
    return (pv_frame){.data = pixels, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
}

/* Three frames sent, one predicted that is still to be received. */
static void save_one(const char *path)
{
    static uint8_t pixels[SIDE * SIDE * 3];
    pv_rollout *rollout;
    pv_frame frame = frame_of(pixels);
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.detail = PV_DETAIL_KEEP;
    CHECK(pv_rollout_open(model, &params, &rollout) == PV_OK);
    for (int i = 0; i < SENT; i++)
        CHECK(pv_rollout_send(rollout, &frame, NULL) == PV_OK);
    CHECK(pv_rollout_predict(rollout, NULL) == PV_OK);
    CHECK(pv_rollout_save(rollout, path) == PV_OK);
    pv_rollout_close(rollout);
}

/* The saved state with other settings; false when no file can hold them. */
static bool write_state(FILE *file, const char *settings)
{
    size_t size;
    const struct pv_metadata metadata = {.key = key, .value = settings};
    unsigned char *bytes = fuzz_file_of(saved->tensors, saved->count, &metadata, 1, &size);
    if (!bytes) /* not UTF-8 */
        return false;
    CHECK(fwrite(bytes, 1, size, file) == size && fflush(file) == 0);
    free(bytes);
    return true;
}

static void go_on(pv_rollout *rollout)
{
    static uint8_t pixels[SIDE * SIDE * 3];
    pv_frame frame = frame_of(pixels);
    pv_status status = pv_rollout_receive(rollout, &frame);
    CHECK(status == PV_OK || status == PV_AGAIN);
    CHECK(pv_rollout_receive(rollout, &frame) == PV_AGAIN);
    status = pv_rollout_predict(rollout, NULL);
    if (status == PV_OK)
        CHECK(pv_rollout_receive(rollout, &frame) == PV_OK);
    else /* the last frame that can be counted */
        CHECK(status == PV_ERR_ARGUMENT && strstr(pv_rollout_message(rollout), "4294967295"));
}

/* Whether a state of these settings was accepted. */
static bool load(const char *settings)
{
    char path[PATH_BYTES];
    FILE *file = nameless_file(path);
    pv_rollout *rollout = NULL;
    pv_status status = PV_ERR_FORMAT;
    if (write_state(file, settings)) {
        status = pv_rollout_load(model, path, NULL, &rollout);
        CHECK(status == PV_OK || (status == PV_ERR_FORMAT && pv_rollout_message(rollout)[0]));
    }
    if (status == PV_OK)
        go_on(rollout);
    pv_rollout_close(rollout);
    fclose(file);
    return status == PV_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = "reference";
    CHECK(pv_model_open(PV_GOLDEN_DIR "/plain.safetensors", &params, &model) == PV_OK);
    const char *root = getenv("TMPDIR");
    char folder[256], path[sizeof folder + 8];
    snprintf(folder, sizeof folder, "%s/prevue-fuzz-XXXXXX", root ? root : "/tmp");
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    save_one(path);
    CHECK(pv_safetensors_open(path, PV_ERR_FORMAT, &saved, NULL) == PV_OK);
    unlink(path); /* it stays mapped */
    rmdir(folder);
    const char *settings = pv_safetensors_metadata(saved, key);
    const char *found = settings ? strstr(settings, "\"fingerprint\": \"") : NULL;
    CHECK(found && load(settings));
    memcpy(fingerprint, found + strlen("\"fingerprint\": \""), FINGERPRINT);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    char *settings = malloc(size + 1);
    CHECK(settings);
    memcpy(settings, bytes, size);
    settings[size] = '\0';
    char *place = strstr(settings, sixteen);
    if (place)
        memcpy(place, fingerprint, FINGERPRINT);
    load(settings);
    free(settings);
    return 0;
}
