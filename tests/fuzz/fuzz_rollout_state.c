/* fuzz_rollout_state.c: any text as the settings of a saved rollout, whose tensors are as they should be. A state that
 * is accepted must go on. A fingerprint of sixteen @ stands for that of the model. */
#include <jansson.h>
#include <prevue/prevue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

enum { SENT = 3, SIDE = 32, FINGERPRINT = 16, PATH_BYTES = 64 };

static const char metadata[] = "__metadata__", key[] = "prevue_rollout", sixteen[] = "@@@@@@@@@@@@@@@@";
static pv_model *model;
static json_t *header;         /* of a state that was saved */
static unsigned char *tensors; /* all that follows it */
static size_t tensor_bytes;
static char fingerprint[FINGERPRINT + 1];

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

static void read_back(const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char length[8];
    size_t header_bytes = 0;
    CHECK(file && fread(length, 1, sizeof length, file) == sizeof length);
    for (int i = 7; i >= 0; i--)
        header_bytes = header_bytes << 8 | length[i];
    char *text = malloc(header_bytes);
    CHECK(text && fread(text, 1, header_bytes, file) == header_bytes);
    header = json_loadb(text, header_bytes, 0, NULL);
    free(text);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    tensor_bytes = (size_t)ftell(file) - sizeof length - header_bytes;
    tensors = malloc(tensor_bytes);
    CHECK(tensors && fseek(file, (long)(sizeof length + header_bytes), SEEK_SET) == 0);
    CHECK(fread(tensors, 1, tensor_bytes, file) == tensor_bytes);
    fclose(file);
    const char *settings = json_string_value(json_object_get(json_object_get(header, metadata), key));
    const char *found = settings ? strstr(settings, "\"fingerprint\": \"") : NULL;
    CHECK(found);
    memcpy(fingerprint, found + strlen("\"fingerprint\": \""), FINGERPRINT);
}

/* The saved state with other settings. */
static void write_state(FILE *file, json_t *settings)
{
    json_object_set_new(json_object_get(header, metadata), key, settings);
    char *text = json_dumps(header, JSON_COMPACT);
    CHECK(text);
    const size_t size = strlen(text);
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(size >> 8 * i);
    CHECK(fwrite(length, 1, sizeof length, file) == sizeof length && fwrite(text, 1, size, file) == size);
    CHECK(fwrite(tensors, 1, tensor_bytes, file) == tensor_bytes && fflush(file) == 0);
    free(text);
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

static pv_status load(json_t *settings)
{
    char path[PATH_BYTES];
    FILE *file = nameless_file(path);
    write_state(file, settings);
    pv_rollout *rollout = NULL;
    const pv_status status = pv_rollout_load(model, path, NULL, &rollout);
    CHECK(status == PV_OK || (status == PV_ERR_FORMAT && pv_rollout_message(rollout)[0]));
    if (status == PV_OK)
        go_on(rollout);
    pv_rollout_close(rollout);
    fclose(file);
    return status;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = "reference";
    CHECK(pv_model_open(PV_GOLDEN_DIR "/plain.safetensors", &params, &model) == PV_OK);
    char folder[] = "/tmp/prevue-fuzz-XXXXXX", path[sizeof folder + 8];
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    save_one(path);
    read_back(path);
    unlink(path);
    rmdir(folder);
    CHECK(load(json_incref(json_object_get(json_object_get(header, metadata), key))) == PV_OK);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    CHECK(text);
    memcpy(text, bytes, size);
    text[size] = '\0';
    char *place = strstr(text, sixteen);
    if (place)
        memcpy(place, fingerprint, FINGERPRINT);
    json_t *settings = json_stringn(text, size);
    free(text);
    if (settings) /* UTF-8, that is: fuzz-safetensors is about the rest */
        load(settings);
    return 0;
}
