/* clip.h: the public C API of libprevue-clip: video files in, video files out, as plain RGB frames.
 *
 *     reader: open -> get_info -> { receive } until PV_END -> get_summary -> close
 *     writer: open -> { send } -> finish -> close
 *
 * Rules that hold for every function here, unless its comment says otherwise:
 * - It returns PV_OK (0) or a negative pv_status; the handle's _message function then gives one sentence that names the
 *   file or value, what was expected and what to do.
 * - A handle is used by one thread at a time and works synchronously on that thread (FFmpeg may run decoding and
 * encoding threads of its own below it). Different handles are independent: a reader, an engine and a writer are meant
 * to run on three threads with bounded queues between them.
 * - A params or info struct says its size: params are filled by their _init function, info structs by the caller
 *   (info.struct_size = sizeof info). NULL params mean the defaults. Strings in params are copied by open.
 * - Frames are struct pv_frame of prevue.h: RGB, 8 bits, BT.709 primaries and transfer, full range, square pixels, in
 *   memory of the caller. Nothing keeps a pointer to them after a call.
 * - The library never prints, exits or installs a signal handler. A closed pipe on standard output is reported as
 *   PV_END, without SIGPIPE reaching the program. FFmpeg itself does log to stderr: see
 *   pv_clip_set_ffmpeg_log_level.
 * - Only local files and standard input/output are opened: no network, no playlists, whatever a file asks for.
 */
#ifndef PREVUE_CLIP_H
#define PREVUE_CLIP_H

#include <prevue/prevue.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How luma and chroma make RGB (the matrix of ITU-R BT.601, BT.709, BT.2020 non-constant luminance). */
typedef enum pv_clip_matrix {
    PV_CLIP_MATRIX_AUTO = 0, /* the file's tag; untagged: BT.709 if width >= 1280 or height > 576, else BT.601 */
    PV_CLIP_MATRIX_BT601,
    PV_CLIP_MATRIX_BT709,
    PV_CLIP_MATRIX_BT2020,
    PV_CLIP_MATRIX_RGB /* only in info: the file holds RGB, no matrix applies */
} pv_clip_matrix;

typedef enum pv_clip_range {
    PV_CLIP_RANGE_AUTO = 0, /* the file's tag; untagged: RGB, grey and "yuvj" are full, the rest is limited */
    PV_CLIP_RANGE_LIMITED,  /* 8 bits: luma 16 to 235 */
    PV_CLIP_RANGE_FULL      /* 8 bits: 0 to 255 */
} pv_clip_range;

/* What to do with PQ, HLG and BT.2020 material, which must never be read as if it were BT.709. */
typedef enum pv_clip_hdr {
    PV_CLIP_HDR_TONEMAP = 0, /* bring it to BT.709 (BT.2390 tone curve, 203 cd/m2 = white), with a notice */
    PV_CLIP_HDR_REFUSE       /* open fails with PV_ERR_UNSUPPORTED */
} pv_clip_hdr;

typedef enum pv_clip_deinterlace {
    PV_CLIP_DEINTERLACE_AUTO = 0, /* frames flagged interlaced go through bwdif, with a notice */
    PV_CLIP_DEINTERLACE_OFF
} pv_clip_deinterlace;

/* FFmpeg's log is one per process, so the library leaves it alone. A program that wants a quiet stderr calls this once,
 * before other threads use FFmpeg: FFmpeg then prints only messages at least as serious as level; -1 = nothing. */
PV_API void pv_clip_set_ffmpeg_log_level(int level);

/* ---- reader ---- */

typedef struct pv_clip_reader pv_clip_reader;

typedef struct pv_clip_reader_params {
    size_t struct_size;
    int fps_num, fps_den; /* frames a second to deliver; 0 (default) = the clip's own rate, measured on its timestamps.
                             Another rate, or a variable one, is resampled by timestamp: nothing is blended */
    double fps_tolerance; /* with fps: a clip whose own rate is off by no more than this part of it (0.05 = 5 %) is
                             delivered at its own rate; default 0 */
    int width, height;    /* size to deliver, pixels; 0 (default) = the clip's own, upright and with square pixels */
    pv_clip_matrix matrix;
    pv_clip_range range;
    pv_clip_hdr hdr;
    pv_clip_deinterlace deinterlace;
    int allow_corrupt; /* 0 (default): in place of a picture that the decoder flagged as damaged, the last good one is
                          delivered (flags REPEATED and CORRUPT); 1: the damaged picture itself (flag CORRUPT) */
    int sequence_fps_num, sequence_fps_den; /* rate of image sequences, which have none; default 24/1 */
    int threads;                            /* decoder threads; 0 (default) = FFmpeg chooses */
    /* Caps on untrusted media; 0 = the default given here. Beyond them open or receive fails with PV_ERR_FORMAT. */
    int64_t max_pixels;      /* width x height, coded and delivered; default 8192 x 8192 */
    int max_streams;         /* default 64 */
    int64_t max_probe_bytes; /* read to find out what the file is; default 8 MiB */
    int max_bad_packets;     /* packets that cannot be decoded; default 256 */
    pv_callbacks callbacks;  /* log and abort */
} pv_clip_reader_params;

/* What the clip is. Measured on the first decoded frame where possible. Strings live as long as the reader. */
typedef struct pv_clip_info {
    size_t struct_size;
    int width, height;                  /* of the frames delivered, pixels */
    int coded_width, coded_height;      /* as stored, before turning and squaring */
    int fps_num, fps_den;               /* of the frames delivered: constant, exact (24000/1001) */
    int source_fps_num, source_fps_den; /* of the clip; for a variable rate, of its most common interval */
    int variable_rate;                  /* 1: its timestamps are not evenly spaced */
    double duration_seconds;            /* as the container claims; 0 = it does not say */
    int64_t frame_count;                /* as the container claims; 0 = it does not say. Wrong in truncated files */
    double start_seconds;               /* timestamp of the first frame */
    const char *container;              /* FFmpeg's short name: "mov,mp4,m4a,3gp,3g2,mj2" */
    const char *codec;                  /* "h264" */
    const char *pixel_format;           /* "yuv420p10le" */
    pv_clip_matrix matrix;              /* in use */
    pv_clip_range range;                /* in use */
    int matrix_guessed, range_guessed;  /* 1: the file had no tag and params did not say */
    const char *primaries, *transfer;   /* tags in FFmpeg's words; "unknown" */
    int hdr;                            /* 1: PQ, HLG or BT.2020: it is converted to BT.709 */
    int rotation;                       /* applied, degrees clockwise: 0, 90, 180, 270 */
    int mirrored;                       /* 1: also mirrored left-right, before turning */
    int sar_num, sar_den;               /* shape of a stored pixel; 1/1 = square */
    int interlaced;                     /* 1: the first frame is flagged interlaced */
    int has_alpha;                      /* 1: pictures are composited over black */
    int has_audio;
    const char *timecode; /* of the first frame, "01:00:00:00" or "01:00:00;00" (drop frame); "" = none */
    int is_sequence;      /* 1: an image sequence */
} pv_clip_info;

enum {
    PV_CLIP_FRAME_CORRUPT = 1, /* the decoder flagged this picture as damaged */
    PV_CLIP_FRAME_REPEATED = 2 /* the same source picture as the frame before */
};

typedef struct pv_clip_frame_info {
    size_t struct_size;
    int64_t time_num; /* timestamp in seconds is time_num / time_den: the first frame's timestamp + index / fps */
    int64_t time_den;
    unsigned flags; /* PV_CLIP_FRAME_... */
} pv_clip_frame_info;

/* Counted so far; final once receive has returned PV_END. */
typedef struct pv_clip_reader_summary {
    size_t struct_size;
    int64_t decoded;     /* source pictures that came out of the decoder */
    int64_t delivered;   /* frames handed out */
    int64_t dropped;     /* source pictures that resampling left out */
    int64_t repeated;    /* frames handed out with flag REPEATED */
    int64_t corrupt;     /* source pictures flagged damaged */
    int64_t bad_packets; /* packets the decoder refused */
    int64_t expected;    /* source pictures the container promised; 0 = it did not say */
    int truncated;       /* 1: fewer came than promised, a read failed, or an image sequence has a hole */
} pv_clip_reader_summary;

PV_API void pv_clip_reader_params_init(pv_clip_reader_params *params);

/* Opens a clip and decodes its first frame. path: a file; "-" = standard input; an image sequence as a pattern
 * ("shot.%04d.png" or "shot.####.png", any first number) or as a directory that holds one.
 * *reader is set also on failure when there was memory for it, so that the message can be read; close it either way.
 * PV_ERR_IO: cannot be opened; PV_ERR_FORMAT: no video in it, damaged beyond use, or beyond a cap;
 * PV_ERR_UNSUPPORTED: no decoder, or refused HDR. */
PV_API pv_status pv_clip_reader_open(const char *path, const pv_clip_reader_params *params, pv_clip_reader **reader);
PV_API pv_status pv_clip_reader_get_info(const pv_clip_reader *reader, pv_clip_info *info);
/* The next frame, in order, at a constant rate, written straight into frame->data (the caller sets data, stride, width
 * and height = info's); sets frame->index, counting from 0. info may be NULL. PV_END: the clip is over, and stays over.
 * Failures are final and are returned again, except PV_ERR_ARGUMENT, which changes nothing. */
PV_API pv_status pv_clip_reader_receive(pv_clip_reader *reader, pv_frame *frame, pv_clip_frame_info *info);
PV_API pv_status pv_clip_reader_get_summary(const pv_clip_reader *reader, pv_clip_reader_summary *summary);
/* The sentence of the last failure, "" when there was none. Valid until the next call on the handle. */
PV_API const char *pv_clip_reader_message(const pv_clip_reader *reader);
/* NULL is allowed. */
PV_API void pv_clip_reader_close(pv_clip_reader *reader);

/* ---- scaler ---- */

typedef struct pv_clip_scaler pv_clip_scaler;

/* Scales RGB frames of one size to another: area averaging when both sides shrink, bicubic otherwise; equal sizes copy.
 * Aspect ratio is not kept: the caller chooses the sizes. *scaler is NULL on failure. */
PV_API pv_status pv_clip_scaler_open(int from_width, int from_height, int to_width, int to_height,
                                     pv_clip_scaler **scaler);
/* Reads from, writes to->data; both with the sizes given at open. to->index = from->index. */
PV_API pv_status pv_clip_scaler_run(pv_clip_scaler *scaler, const pv_frame *from, pv_frame *to);
PV_API void pv_clip_scaler_close(pv_clip_scaler *scaler);

/* ---- writer ---- */

typedef struct pv_clip_writer pv_clip_writer;

typedef enum pv_clip_preset {
    PV_CLIP_PRESET_REVIEW = 0, /* H.264, crf 18, 4:2:0 (VP9 in .webm): plays anywhere */
    PV_CLIP_PRESET_EDIT,       /* ProRes 422 HQ; DNxHR HQX in .mxf or where FFmpeg has no ProRes: for editing */
    PV_CLIP_PRESET_MASTER,     /* FFV1, RGB: lossless, bit for bit */
    PV_CLIP_PRESET_NONE        /* frames are counted and dropped; path is not used: for benchmarks */
} pv_clip_preset;

/* What goes to standard output when the path is "-". */
typedef enum pv_clip_pipe {
    PV_CLIP_PIPE_Y4M = 0, /* raw, 8-bit 4:2:0, BT.709 limited, whatever the preset */
    PV_CLIP_PIPE_NUT      /* what the preset says, in NUT */
} pv_clip_pipe;

typedef enum pv_clip_audio {
    PV_CLIP_AUDIO_NONE = 0,
    PV_CLIP_AUDIO_COPY /* the source's first audio stream, untouched, up to the seam; no sound after it. Encoded anew,
                          with a notice, only where the file cannot hold it */
} pv_clip_audio;

typedef struct pv_clip_writer_params {
    size_t struct_size;
    int width, height;    /* of the clip written, pixels; frames of other sizes are scaled to it. Required. 4:2:0
                             needs even sides, 4:2:2 an even width: an odd one is padded by repeating its last
                             pixels, with a notice */
    int fps_num, fps_den; /* constant rate. Required */
    pv_clip_preset preset;
    pv_clip_pipe pipe;
    int overwrite;    /* 0 (default): existing files, also the .partial one of an interrupted run, are refused */
    int keep_partial; /* what close does with an unfinished file that has frames: 0 (default) removes, 1 keeps it */
    int threads;      /* encoder threads; 0 (default) = FFmpeg chooses */
    int first_number; /* of an image sequence; default 1001 */
    pv_clip_audio audio;
    const char *audio_source;   /* clip to copy audio from, a file; used with PV_CLIP_AUDIO_COPY */
    double audio_start_seconds; /* the source timestamp that meets the first frame written: info.start_seconds */
    const char *timecode;       /* of the first frame written; NULL or "" = none */
    const char *comment;        /* metadata of the file; NULL = none */
    pv_callbacks callbacks;     /* log and abort */
    const char *input;          /* the clip that is read meanwhile, as its reader was given it: never written over, also
                                   where overwrite is 1 or names differ; NULL = none */
} pv_clip_writer_params;

typedef struct pv_clip_writer_summary {
    size_t struct_size;
    int64_t frames;           /* sent */
    int64_t bytes;            /* written so far; after finish, of the final file or pictures */
    int width, height;        /* of the clip, padding included */
    const char *encoder;      /* FFmpeg's name: "libx264"; "none" */
    const char *path;         /* the final name; "" before finish has succeeded and for standard output */
    const char *partial_path; /* where the frames are until then; "" for standard output and image sequences */
} pv_clip_writer_summary;

PV_API void pv_clip_writer_params_init(pv_clip_writer_params *params);

/* Opens a clip for writing; nothing appears under the final name before finish. path, by its end:
 *   .mp4 .m4v   review               written as NAME.partial.mp4 in fragments, one a frame, so that what was written
 *   .mov        review, edit         survives a crash; finish rewrites it with the index in front (fast start)
 *   .mkv .nut   review, edit, master   (NUT knows no negative times: H.264 in it starts a few frames after 0)
 *   .webm       review (VP9)
 *   .mxf        edit (DNxHR HQX)
 *   .y4m        review (raw)           it cannot name its matrix: readers must be told it is BT.709 (--in-matrix)
 *   .png .exr   an image sequence, "shot.%04d.png" or "shot.####.exr", or a directory with a slash at its end
 *               ("frames/" = frames/%04d.png), any preset; exr: half floats, linear light (sRGB curve inverted). Each
 *               picture is written under a temporary name, then renamed: finished frames stand at once
 *   -           standard output, see pv_clip_pipe
 * *writer is set also on failure when there was memory for it. PV_ERR_UNSUPPORTED: the preset cannot be put in that
 * file, or FFmpeg has no such encoder; PV_ERR_IO: exists, is the input, or cannot be created. */
PV_API pv_status pv_clip_writer_open(const char *path, const pv_clip_writer_params *params, pv_clip_writer **writer);
/* The next frame; its place in time is its order (frame->index is not used). The frame is read before the call returns.
 * PV_END: the reader of standard output has gone away: stop, without error. Failures of the file (disk full:
 * PV_ERR_IO) are final and are returned again. */
PV_API pv_status pv_clip_writer_send(pv_clip_writer *writer, const pv_frame *frame);
/* The frames sent so far are the source part of a joined clip: audio is copied up to here. Without this call it is
 * copied to the end of the clip. */
PV_API pv_status pv_clip_writer_mark_seam(pv_clip_writer *writer);
/* Drains the encoder, completes the file, brings it to the disk (fsync) and gives it its final name. No frame can be
 * sent afterwards. PV_ERR_ARGUMENT when no frame was sent. */
PV_API pv_status pv_clip_writer_finish(pv_clip_writer *writer);
PV_API pv_status pv_clip_writer_get_summary(const pv_clip_writer *writer, pv_clip_writer_summary *summary);
PV_API const char *pv_clip_writer_message(const pv_clip_writer *writer);
/* Without finish before it, the unfinished file is removed or kept as params.keep_partial says; finished pictures of
 * an image sequence stay. NULL is allowed. */
PV_API void pv_clip_writer_close(pv_clip_writer *writer);

/* ---- one picture ---- */

enum { PV_CLIP_MESSAGE_SIZE = 1024 };

/* Writes a frame as a PNG file: under NAME.partial.png first, then renamed. overwrite as in pv_clip_writer_params.
 * message: the sentence of a failure; "" when there was none. Any thread. */
PV_API pv_status pv_clip_picture_save(const char *path, const pv_frame *frame, int overwrite,
                                      char message[PV_CLIP_MESSAGE_SIZE]);

/* ---- lettering: lines of words on frames, drawn by FFmpeg's filter drawtext ---- */

typedef struct pv_clip_lettering pv_clip_lettering;

typedef enum pv_clip_align { PV_CLIP_ALIGN_LEFT = 0, PV_CLIP_ALIGN_CENTRE, PV_CLIP_ALIGN_RIGHT } pv_clip_align;

/* Where a line of words stands and how it looks. It has a black outline, so that it reads on light and dark. */
typedef struct pv_clip_label {
    int x, baseline; /* pixels; x is the left end, the middle or the right end, as align says */
    pv_clip_align align;
    int size;     /* height of the letters' em square, pixels, 4 to 1024 */
    uint32_t rgb; /* 0xRRGGBB */
} pv_clip_label;

/* The first font that is found of those that FFmpeg is known to draw well with (DejaVu Sans Mono: every character is
 * 0.602 of its size wide), or NULL. Static. */
PV_API const char *pv_clip_font_find(void);

/* For frames of one size. font: a file that FreeType reads; NULL = pv_clip_font_find(). labels: 1 to 32, copied.
 * *lettering is NULL on failure; message as for pv_clip_picture_save. PV_ERR_UNSUPPORTED: no font, or an FFmpeg without
 * drawtext. */
PV_API pv_status pv_clip_lettering_open(int width, int height, const char *font, const pv_clip_label *labels, int count,
                                        pv_clip_lettering **lettering, char message[PV_CLIP_MESSAGE_SIZE]);
/* Draws words[i], UTF-8, one line, at label i of the frame; NULL and "" leave its place as it is. */
PV_API pv_status pv_clip_lettering_draw(pv_clip_lettering *lettering, pv_frame *frame, const char *const words[]);
/* NULL is allowed. */
PV_API void pv_clip_lettering_close(pv_clip_lettering *lettering);

/* ---- timecode ---- */

/* timecode + frames at fps -> out, "hh:mm:ss:ff", or "hh:mm:ss;ff" when timecode is drop frame (SMPTE ST 12-1); wraps
 * at 24 hours. PV_ERR_ARGUMENT, and out = "", when timecode is not one at that rate. */
enum { PV_CLIP_TIMECODE_SIZE = 24 };
PV_API pv_status pv_clip_timecode_add(const char *timecode, int fps_num, int fps_den, int64_t frames,
                                      char out[PV_CLIP_TIMECODE_SIZE]);
/* How many frames after 00:00:00:00 timecode is: the numbers that drop frame leaves out are not counted. Errors as
 * above; *frames = 0 then. */
PV_API pv_status pv_clip_timecode_frames(const char *timecode, int fps_num, int fps_den, int64_t *frames);

#ifdef __cplusplus
}
#endif

#endif
