/* prevue.h: the public C API of libprevue, an engine for video world models.
 *
 * A model (read-only weights) makes rollouts; a rollout is fed observed frames, predicts the frames that follow
 * and hands them out. The rhythm is that of a decoder:
 *
 *     pv_model_open -> pv_rollout_open -> send ... send -> { predict -> receive } ... -> close
 *
 * A backend that works on a device works ahead: predict asks it for a frame and returns, receive waits for the frame
 * that it hands out. Who predicts as long as frames are taken, and receives one when PV_AGAIN says that no more is,
 * keeps a device busy; who receives each frame before the next has it soonest. The frames are the same.
 *
 * Rules that hold for every function here, unless its comment says otherwise:
 * - It returns PV_OK (0) or a negative pv_status. On failure pv_model_message / pv_rollout_message give one
 *   sentence that names the value, tensor or file, what was expected and what to do.
 * - A handle is used by one thread at a time. Different handles are independent; rollouts of one model may run on
 *   different threads at once.
 * - After a failure the handle is still valid: its state is what it was before the call, unless stated. A device may
 *   fail after the call that asked: PV_ERR_DEVICE then comes from a later one, and only message and close are of use.
 * - A params struct is filled by its _init function first; struct_size is how old and new binaries understand
 *   each other. Passing NULL for params means the defaults.
 * - The library never prints, exits or installs a signal handler.
 */
#ifndef PREVUE_PREVUE_H
#define PREVUE_PREVUE_H

#include <stddef.h>
#include <stdint.h>

#include <prevue/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pv_status {
    PV_OK = 0,
    PV_AGAIN = -1,           /* nothing ready: send or predict first */
    PV_END = -2,             /* nothing left, and nothing will come */
    PV_ERR_ARGUMENT = -3,    /* a value passed in is out of its range */
    PV_ERR_MEMORY = -4,      /* the system refused memory */
    PV_ERR_IO = -5,          /* a file cannot be opened, read or written */
    PV_ERR_FORMAT = -6,      /* a clip or state file was read and is not valid */
    PV_ERR_MODEL = -7,       /* a model file was read and is not valid */
    PV_ERR_UNSUPPORTED = -8, /* valid, but this build cannot do it */
    PV_ERR_DEVICE = -9,      /* a device is missing or failed */
    PV_ERR_ABORTED = -10,    /* the abort callback asked to stop */
    PV_ERR_INTERNAL = -11    /* a mistake in prevue: please report it */
} pv_status;

typedef enum pv_log_level { PV_LOG_ERROR = 0, PV_LOG_WARNING, PV_LOG_NOTICE, PV_LOG_DEBUG } pv_log_level;

/* Called on the thread that called into the library, during that call only. Any member may be NULL. */
typedef struct pv_callbacks {
    void *user;
    /* One sentence, no newline, valid during the call. */
    void (*log)(void *user, pv_log_level level, const char *sentence);
    /* Work done of total, in steps of the running call (tensors loaded, sampling steps; of a device: asked for). */
    void (*progress)(void *user, uint64_t done, uint64_t total);
    /* Non-zero stops the running call with PV_ERR_ABORTED. Asked at least once a sampling step. */
    int (*abort)(void *user);
} pv_callbacks;

/* ---- versions ---- */

/* "0.1.0": the release. Static. */
PV_API const char *pv_version(void);
/* Raised when a binary built against an older header stops working; equals the SONAME. */
PV_API unsigned pv_abi_version(void);
/* The status in words, for example "out of memory". Static; never NULL. */
PV_API const char *pv_status_text(pv_status status);

/* ---- devices ---- */

typedef struct pv_device_info {
    size_t struct_size;
    char name[256];   /* "NVIDIA H200"; "" when nothing was found */
    char reason[768]; /* why it cannot be used: a sentence; "" = it can */
    int compute_major, compute_minor;
    uint64_t memory_bytes;
    char bus_id[32]; /* "0000:3b:00.0": its place on the PCI bus, as other tools name it; "" = unknown */
} pv_device_info;

/* What the backend "cuda" finds on this machine: index 0 is the first device; it uses the first that it can. PV_END:
 * there are no more. PV_ERR_UNSUPPORTED: the backend is not installed. PV_ERR_DEVICE: there is no driver, or no device.
 * After these two, reason says why. info->struct_size must be set by the caller. */
PV_API pv_status pv_device_get_info(const char *backend, int index, pv_device_info *info);

/* ---- model ---- */

typedef struct pv_model pv_model;

typedef struct pv_model_params {
    size_t struct_size;
    /* "auto" (default): "cuda" where it can be used, else "cpu", and the log says why. "cuda" has activations and
     * weights in bf16; "cuda-f32" in float, for checking; "reference" is plain C: slow, for checking the others. */
    const char *backend;
    int threads; /* CPU threads for one pass, 1 to 1024; 0 (default) = all this process may use */
    pv_callbacks callbacks;
} pv_model_params;

/* All strings live as long as the model. */
typedef struct pv_model_info {
    size_t struct_size;
    const char *family; /* "native" */
    const char *name;   /* "nano" */
    const char *licence;
    const char *trained_on;
    const char *backend; /* the backend in use: "cpu", "cuda" ... */
    int threads;
    int width, height;                                /* the frame size it was trained at, pixels */
    int size_multiple;                                /* other sizes work when both sides divide by this */
    int fps_num, fps_den;                             /* frames a second, a fraction */
    int latent_width, latent_height, latent_channels; /* at width x height */
    int window;                                       /* frames of history a prediction can see, itself included */
    int action_size;                                  /* floats in an action; 0 = the model takes none */
    int steps;                                        /* default sampling steps */
    uint64_t parameters;                              /* count, codec and dynamics together */
    uint64_t weight_bytes;                            /* in the file */
    uint64_t fingerprint; /* of names, shapes and contents; a saved rollout only loads into the same weights */
} pv_model_info;

PV_API void pv_model_params_init(pv_model_params *params);
/* Opens a safetensors file, or a directory or .index.json of shards. *model is set also on failure when there was
 * memory for it, so that pv_model_message can be read; close it either way. */
PV_API pv_status pv_model_open(const char *path, const pv_model_params *params, pv_model **model);
/* info->struct_size must be set by the caller. */
PV_API pv_status pv_model_get_info(const pv_model *model, pv_model_info *info);
/* The sentence of the last failure, "" when there was none. Valid until the next call on the handle. */
PV_API const char *pv_model_message(const pv_model *model);
/* All its rollouts must be closed before. NULL is allowed. */
PV_API void pv_model_close(pv_model *model);

/* ---- rollout ---- */

typedef struct pv_rollout pv_rollout;

typedef enum pv_mode {
    PV_MODE_SAMPLE = 0, /* one possible future a take */
    PV_MODE_MEAN = 1    /* one step from noise: the conditional mean, for trajectories */
} pv_mode;

typedef enum pv_detail {
    PV_DETAIL_NONE = 0, /* predicted frames are what the codec decodes */
    PV_DETAIL_KEEP = 1  /* where nothing has changed since the last observed frame, plus what the codec lost of that */
} pv_detail;

typedef struct pv_rollout_params {
    size_t struct_size;
    int width, height; /* 0 (default) = the model's size; both sides divide by info.size_multiple */
    int steps;         /* sampling steps, 1 to 64; 0 (default) = the model's; mean mode always takes 1 */
    pv_mode mode;
    uint64_t seed; /* a frame's noise depends on (seed, take, frame index) alone */
    uint32_t take;
    pv_callbacks callbacks;
    pv_detail detail; /* of the frames that receive gives; prediction itself goes on in latents either way */
} pv_rollout_params;

/* A picture in memory of the caller: RGB, 8 bits, rows of width * 3 bytes, stride bytes apart (stride may be
 * larger; never negative). For send, data is read; for receive, it is written. */
typedef struct pv_frame {
    uint8_t *data;
    size_t stride;
    int width, height;
    int64_t index; /* receive: 0 for the first frame predicted after open, counting on through forks and loads */
    int take;      /* receive: which of the rollout's takes it belongs to, 0 when there is one */
} pv_frame;

/* A picture as hardware decoders leave it, YUV 4:2:0 in memory of the caller: a plane of luma, and one of half its
 * width and height with U and V side by side. All that describes it is in the decoder's output; nothing is guessed. */
typedef enum pv_surface_format {
    PV_SURFACE_NV12 = 0, /* samples of 8 bits */
    PV_SURFACE_P010 = 1  /* 10 bits, in the upper ones of 16, in this machine's order of bytes */
} pv_surface_format;

/* How luma and chroma make RGB: matrix coefficients of ITU-T H.273. */
typedef enum pv_matrix {
    PV_MATRIX_UNKNOWN = 0, /* refused: of an untagged stream the program must say what it takes it for */
    PV_MATRIX_BT601 = 1,   /* also SMPTE 170M, BT.470 BG */
    PV_MATRIX_BT709 = 2,
    PV_MATRIX_BT2020 = 3, /* non-constant luminance */
    PV_MATRIX_SMPTE240M = 4,
    PV_MATRIX_FCC = 5
} pv_matrix;

typedef enum pv_range {
    PV_RANGE_LIMITED = 0, /* 8 bits: luma 16 to 235, chroma 16 to 240 */
    PV_RANGE_FULL = 1     /* 8 bits: 0 to 255 */
} pv_range;

/* Where the first sample of chroma lies among the first two pixels across and down. */
typedef enum pv_chroma {
    PV_CHROMA_LEFT = 0,    /* on the first across, midway down: MPEG-2, H.264 and H.265 when nothing is said */
    PV_CHROMA_CENTRE = 1,  /* midway both ways: MPEG-1, JPEG */
    PV_CHROMA_TOP_LEFT = 2 /* on the first both ways: BT.2020 */
} pv_chroma;

typedef struct pv_surface {
    size_t struct_size;
    pv_surface_format format;
    pv_matrix matrix; /* required */
    pv_range range;
    pv_chroma chroma_place;
    const void *luma, *chroma;         /* rows of `width` samples each */
    size_t luma_stride, chroma_stride; /* bytes from row to row, at least those of a row */
    int width, height;                 /* pixels; both even */
} pv_surface;

/* The control vector of one frame: info.action_size floats. For native models: gravity x, gravity y (world units a
 * second squared, y up, so falling is negative), known (1, or 0 = infer it from the clip). NULL = unknown. */
typedef struct pv_action {
    const float *values;
    int count;
} pv_action;

PV_API void pv_rollout_params_init(pv_rollout_params *params);
/* *rollout is set also on failure when there was memory for it (see pv_model_open). */
PV_API pv_status pv_rollout_open(pv_model *model, const pv_rollout_params *params, pv_rollout **rollout);
/* An observed frame joins the context. The frame is read before the call returns. PV_AGAIN while a predicted frame
 * waits to be received; after that an observation takes the place of what would have come next. All that the rollout
 * was asked for is done when it returns. */
PV_API pv_status pv_rollout_send(pv_rollout *rollout, const pv_frame *frame, const pv_action *action);
PV_API void pv_surface_init(pv_surface *surface);
/* The same of a surface of the rollout's size. Its planes go to the device as they are and become RGB there, chroma
 * interpolated linearly, the same bytes on every backend. Values are taken as they are: PQ, HLG and wide gamuts are not
 * brought to BT.709. */
PV_API pv_status pv_rollout_send_surface(pv_rollout *rollout, const pv_surface *surface, const pv_action *action);
/* Advances by one frame. On a device the frame is asked for, and one more is taken while a frame waits to be received;
 * on other backends it is there when the call returns. PV_AGAIN when no more is taken: receive first. PV_ERR_ARGUMENT
 * before the first send. After PV_ERR_ABORTED the rollout is where it was, with the frames that wait: predict can be
 * called again, with the same result. */
PV_API pv_status pv_rollout_predict(pv_rollout *rollout, const pv_action *action);
/* Copies the oldest predicted frame that waits into frame->data (the caller sets data, stride, width, height = the
 * rollout's) and sets frame->index; on a device once that frame is finished, whatever was asked for after it. PV_AGAIN
 * when none waits. */
PV_API pv_status pv_rollout_receive(pv_rollout *rollout, pv_frame *frame);
/* The codec's own picture of the newest frame of the context: of an observed frame, what encoding and decoding keep of
 * it (the best that any prediction can look like); of a predicted one, what receive gave, of several takes the first's.
 * Writes frame as receive does, except index and take, and changes nothing that comes after. PV_AGAIN while a predicted
 * frame waits to be received, PV_ERR_ARGUMENT before the first frame. */
PV_API pv_status pv_rollout_reconstruct(pv_rollout *rollout, pv_frame *frame);
/* A copy that continues on its own, bit for bit as the original would, with the frames that wait. It shares only the
 * model. Uses both handles; what the original was asked for is done when it returns. *copy is set also on failure when
 * there was memory for it. */
PV_API pv_status pv_rollout_fork(const pv_rollout *rollout, pv_rollout **copy);
/* A copy that runs `takes` futures side by side: those that forks with set_take(seed, take), (seed + 1, take) ... would
 * predict one by one, equal up to rounding, in one pass over the weights a step. predict advances all of them, receive
 * then gives `takes` frames, future after future; an observed frame joins them all. takes: 1 to 1024. PV_AGAIN while a
 * predicted frame waits in the original, which must have a single take. *copy is set as for fork. */
PV_API pv_status pv_rollout_fork_takes(const pv_rollout *rollout, int takes, pv_rollout **copy);
/* Changes the noise of the frames still to come: forks become takes. Of several takes it is the seed of the first,
 * those of the others follow. */
PV_API pv_status pv_rollout_set_take(pv_rollout *rollout, uint64_t seed, uint32_t take);
/* The whole state in one file, frames that wait included: written under a temporary name, then renamed. */
PV_API pv_status pv_rollout_save(pv_rollout *rollout, const char *path);
/* Continues a saved rollout with the same weights; callbacks come from params (may be NULL), the rest from the
 * file. *rollout is set also on failure when there was memory for it. */
PV_API pv_status pv_rollout_load(pv_model *model, const char *path, const pv_rollout_params *params,
                                 pv_rollout **rollout);
PV_API const char *pv_rollout_message(const pv_rollout *rollout);
PV_API void pv_rollout_close(pv_rollout *rollout);

#ifdef __cplusplus
}
#endif

#endif
