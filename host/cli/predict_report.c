/* predict_report.c: the JSON object of `prevue predict --json`. */
#include <sys/resource.h>

#include "json.h"
#include "predict.h"

static json_t *stage_to_json(const struct pv_stage_time *time)
{
    return json_pack("{s:o, s:o}", "busy_ms", pv_json_rounded((double)(time->wall_ns - time->stalled_ns) / 1e6),
                     "stalled_ms", pv_json_rounded((double)time->stalled_ns / 1e6));
}

static json_t *timings_to_json(const struct pv_predict_report *r)
{
    const struct pv_pipeline_result *result = r->result;
    const struct pv_durations *times = &result->frame_times;
    json_t *first =
        result->first_frame_ns ? pv_json_rounded((double)(result->first_frame_ns - r->start_ns) / 1e6) : json_null();
    return json_pack("{s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o}", "first_frame_ms", first, "frame_ms", "p10",
                     pv_json_rounded(pv_durations_quantile(times, 0.1)), "median",
                     pv_json_rounded(pv_durations_quantile(times, 0.5)), "p90",
                     pv_json_rounded(pv_durations_quantile(times, 0.9)), "reader", stage_to_json(&result->reader),
                     "engine", stage_to_json(&result->engine), "writer", stage_to_json(&result->writer), "total_ms",
                     pv_json_rounded((double)(pv_now_ns() - r->start_ns) / 1e6));
}

static json_t *input_to_json(const struct pv_predict_report *r)
{
    const struct pv_pipeline_result *result = r->result;
    const pv_clip_info *clip = r->clip;
    return json_pack("{s:o, s:i, s:i, s:o, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "path",
                     pv_json_text(r->input), "width", clip->width, "height", clip->height, "fps",
                     pv_json_rate(clip->source_fps_num, clip->source_fps_den), "variable_rate", clip->variable_rate,
                     "codec", clip->codec, "frames", (json_int_t)result->clip.decoded, "dropped",
                     (json_int_t)result->clip.dropped, "repeated", (json_int_t)result->clip.repeated, "corrupt",
                     (json_int_t)result->clip.corrupt, "context", (json_int_t)result->context, "corrupt_skipped",
                     (json_int_t)result->skipped, "truncated", result->clip.truncated);
}

static json_t *output_to_json(const struct pv_predict_report *r)
{
    const pv_clip_writer_summary *out = &r->result->output;
    const bool complete = out->path && *out->path;
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:i, s:i, s:o, s:s, s:I, s:b}", "path", pv_json_text(complete ? out->path : r->output),
        "partial", !complete && out->partial_path && *out->partial_path ? pv_json_text(out->partial_path) : json_null(),
        "frames", (json_int_t)out->frames, "predicted", (json_int_t)r->result->predicted, "width", out->width, "height",
        out->height, "fps", pv_json_rate(r->clip->fps_num, r->clip->fps_den), "encoder",
        out->encoder ? out->encoder : "", "bytes", (json_int_t)out->bytes, "joined", r->joined);
}

static json_t *model_to_json(const struct pv_predict_report *r)
{
    char fingerprint[20];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)r->model->fingerprint);
    return json_pack("{s:o, s:o, s:s, s:s, s:i, s:i, s:i}", "path", pv_json_text(r->model_path), "name",
                     pv_json_text(r->model->name), "fingerprint", fingerprint, "backend", r->model->backend, "threads",
                     r->model->threads, "width", r->working.width, "height", r->working.height);
}

json_t *pv_predict_report_to_json(const struct pv_predict_report *r, json_t *notices)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:i, s:s, s:s, s:o, s:I, s:O, s:i}", "prevue", pv_version(), "input",
                     input_to_json(r), "output", output_to_json(r), "model", model_to_json(r), "seed",
                     (json_int_t)r->seed, "steps", r->steps, "mode", r->mean ? "mean" : "sample", "detail",
                     r->keep_detail ? "keep" : "none", "timings", timings_to_json(r), "peak_memory_bytes", (json_int_t)usage.ru_maxrss * 1024, "notices", notices,
                     "exit", r->exit_code);
}
