/* eval_clips.c: prevue eval --clips: footage of anything. Each clip is read to its end and cut into stretches of one
 * shot; the long enough one in which most moves, or else the longest, is observed and predicted. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"
#include "eval/cut.h"
#include "eval/picture.h"
#include "eval/statistics.h"
#include "eval_part.h"
#include "signals.h"

/* A stretch of one shot, being collected. */
struct stretch {
    struct pv_footage footage;
    int frames;
    int64_t first;  /* where in the clip it begins */
    double *change; /* [frames]: of each from the one before it, mean square; the first has 0 */
    double motion;  /* their median, when it is full: a flash or a cut that was not seen does not count */
};

struct collector {
    struct eval *e;
    struct stretch now, best;
    struct pv_cut_picture last;
    pv_clip_scaler *scaler;
    uint8_t *picture; /* at the clip's own size */
    int context, cuts;
    int64_t read; /* frames */
};

static bool is_full(const struct stretch *s)
{
    return s->frames == s->footage.context + s->footage.ahead;
}

/* What was collected is kept if it is the best so far; a new stretch begins. */
static void begin_again(struct collector *c)
{
    const bool full = is_full(&c->now);
    if (full) {
        const struct pv_values changes = {.value = c->now.change, .count = (size_t)c->now.frames};
        c->now.motion = pv_values_quantile(&changes, .5);
    }
    if (full ? !is_full(&c->best) || c->now.motion > c->best.motion
             : !is_full(&c->best) && c->now.frames > c->best.frames) {
        const struct stretch swap = c->best;
        c->best = c->now;
        c->now = swap;
    }
    c->now.frames = 0;
    c->now.first = c->read;
}

static pv_status open_stretch(struct stretch *s, int width, int height, int context, struct pv_error *err)
{
    PV_TRY(pv_footage_open(&s->footage, width, height, context, PV_AHEAD, false, err));
    s->change = calloc((size_t)context + PV_AHEAD, sizeof *s->change);
    return s->change ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for a stretch of a clip");
}

static pv_status open_collector(struct collector *c, struct eval *e)
{
    const struct pv_inputs *in = &e->inputs;
    *c = (struct collector){.e = e, .context = e->report.context};
    const int width = in->working.width, height = in->working.height;
    PV_TRY(open_stretch(&c->now, width, height, c->context, &e->err));
    PV_TRY(open_stretch(&c->best, width, height, c->context, &e->err));
    c->picture = malloc((size_t)in->clip.width * (size_t)in->clip.height * 3);
    if (!c->picture || pv_clip_scaler_open(in->clip.width, in->clip.height, width, height, &c->scaler) != PV_OK)
        return pv_fail(&e->err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", in->clip.width, in->clip.height);
    return PV_OK;
}

static void close_collector(struct collector *c)
{
    pv_footage_close(&c->now.footage);
    pv_footage_close(&c->best.footage);
    free(c->now.change);
    free(c->best.change);
    pv_clip_scaler_close(c->scaler);
    free(c->picture);
}

static pv_status collect_frame(struct collector *c)
{
    const struct pv_inputs *in = &c->e->inputs;
    pv_frame from = {
        .data = c->picture, .stride = (size_t)in->clip.width * 3, .width = in->clip.width, .height = in->clip.height};
    PV_TRY(pv_clip_reader_receive(in->reader, &from, NULL));
    struct pv_cut_picture look;
    pv_cut_look(c->picture, in->clip.width, in->clip.height, &look);
    const bool cut = c->read > 0 && pv_cut_between(&c->last, &look);
    c->cuts += cut;
    if (cut || is_full(&c->now))
        begin_again(c);
    c->last = look;
    c->read++;
    struct stretch *s = &c->now;
    const struct pv_footage *f = &s->footage;
    const size_t bytes = pv_footage_frame_bytes(f);
    uint8_t *rgb = f->rgb + (size_t)s->frames * bytes;
    pv_frame to = {.data = rgb, .stride = (size_t)f->width * 3, .width = f->width, .height = f->height};
    PV_TRY(pv_clip_scaler_run(c->scaler, &from, &to));
    s->change[s->frames] = s->frames > 0 ? pv_picture_error(rgb - bytes, rgb, NULL, bytes / 3) : 0;
    s->frames++;
    return PV_OK;
}

static pv_status collect(struct collector *c)
{
    pv_status status = PV_OK;
    while (status == PV_OK && pv_signals_count() == 0)
        status = collect_frame(c);
    if (pv_signals_count() > 0)
        return PV_ERR_ABORTED;
    if (status != PV_OK && status != PV_END) /* the damaged rest of a clip: what came before it is used */
        pv_terminal_say(c->e->terminal, PV_LOG_WARNING, "%s", pv_clip_reader_message(c->e->inputs.reader));
    begin_again(c); /* the last stretch may be the best */
    return PV_OK;
}

static pv_status measure(struct collector *c, const char *name)
{
    struct eval *e = c->e;
    struct pv_footage *f = &c->best.footage;
    struct pv_eval_group *group = &e->report.groups[e->report.group_count];
    f->ahead = c->best.frames - f->context;
    if (f->ahead < 1) {
        pv_terminal_say(e->terminal, PV_LOG_WARNING, "%s has no stretch of %d frames without a cut: left out", name,
                        f->context + 1);
        return PV_OK;
    }
    snprintf(group->name, sizeof group->name, "%.64s from %.1f s, %dx%d", name,
             (double)c->best.first * e->inputs.clip.fps_den / e->inputs.clip.fps_num, f->width, f->height);
    e->report.group_count++;
    e->frames_total = e->frames_done + pv_eval_frames(&e->params, f->ahead);
    PV_TRY(pv_predict_footage(&e->params, f, &group->scores, &e->err));
    group->clips = 1;
    if (c->cuts > 0)
        pv_terminal_say(e->terminal, PV_LOG_NOTICE, "%s: %d %s skipped", name, c->cuts, c->cuts == 1 ? "cut" : "cuts");
    const struct pv_shown shown = {.name = name,
                                   .group = e->report.group_count - 1,
                                   .fps_num = e->inputs.clip.fps_num,
                                   .fps_den = e->inputs.clip.fps_den,
                                   .on_sheet = true,
                                   .on_page = true};
    return pv_gallery_add(e->gallery, f, &shown, &e->err);
}

/* PV_ERR_FORMAT: the clip cannot be read, which has been said. */
static pv_status run_clip(struct eval *e, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct pv_quoted name = pv_quote(slash ? slash + 1 : path, strlen(slash ? slash + 1 : path));
    name.text[strlen(name.text) - 1] = '\0'; /* made safe, but without the quotes */
    const pv_callbacks callbacks = {.user = e->terminal, .log = pv_terminal_log, .abort = pv_signals_abort};
    struct collector c = {0};
    pv_status status = PV_ERR_FORMAT;
    const pv_model_info *model = &e->inputs.model_info;
    if (pv_inputs_open_clip(&e->inputs, &e->v->input, path, model->fps_num, model->fps_den, &callbacks) ==
        PV_EXIT_DONE) {
        status = open_collector(&c, e);
        if (status == PV_OK)
            status = collect(&c);
        if (status == PV_OK)
            status = measure(&c, name.text + 1);
        close_collector(&c);
    }
    pv_clip_reader_close(e->inputs.reader);
    e->inputs.reader = NULL;
    return status;
}

/* A folder of clips may hold other things too. */
static int is_clip(const struct dirent *entry)
{
    static const char *const endings[] = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mxf",  ".nut", ".y4m",
                                          ".ts",  ".mts", ".mpg", ".wmv", ".flv",  ".ogv", ".mpeg", ".gif"};
    const char *end = strrchr(entry->d_name, '.');
    for (size_t i = 0; end && end != entry->d_name && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(end, endings[i]) == 0)
            return 1;
    return 0;
}

/* The files of a folder in the order of their names, or the one file. Sets *count; NULL and a sentence on failure. */
static char **list_clips(const char *path, int *count, struct pv_error *err)
{
    struct stat about;
    struct dirent **entries = NULL;
    if (stat(path, &about) != 0) {
        pv_fail(err, PV_ERR_IO, "'%s' cannot be read: %s", pv_path_tail(path), strerror(errno));
        return NULL;
    }
    const bool folder = S_ISDIR(about.st_mode);
    const int found = folder ? scandir(path, &entries, is_clip, alphasort) : 1;
    char **list = found > 0 ? calloc((size_t)found, sizeof *list) : NULL;
    *count = 0;
    for (int i = 0; i < found; i++) {
        const char *file = folder ? entries[i]->d_name : "";
        const size_t room = strlen(path) + strlen(file) + 2;
        char *full = list ? malloc(room) : NULL;
        if (full) {
            snprintf(full, room, folder ? "%s/%s" : "%s%s", path, file);
            if (stat(full, &about) == 0 && S_ISREG(about.st_mode))
                list[(*count)++] = full;
            else
                free(full);
        }
        if (folder)
            free(entries[i]);
    }
    free(entries);
    if (*count == 0) {
        free(list);
        pv_fail(err, PV_ERR_IO, "there is no clip in '%s'", pv_path_tail(path));
        return NULL;
    }
    return list;
}

/* Every value of every clip, as one more block. */
static pv_status add_total(struct eval *e)
{
    struct pv_eval_group *total = &e->report.groups[e->report.group_count];
    snprintf(total->name, sizeof total->name, "all clips");
    for (int i = 0; i < e->report.group_count; i++) {
        total->clips += e->report.groups[i].clips;
        pv_scores_add(&total->scores, &e->report.groups[i].scores);
    }
    if (total->clips > 1)
        e->report.group_count++;
    else
        pv_scores_free(&total->scores);
    return total->scores.no_memory ? pv_fail(&e->err, PV_ERR_MEMORY, "no memory to sum up the clips") : PV_OK;
}

int pv_eval_run_clips(struct eval *e)
{
    int count, unread = 0;
    char **clips = list_clips(e->v->clips, &count, &e->err);
    if (!clips)
        return pv_eval_fail(e, PV_ERR_IO, PV_EXIT_INPUT);
    free(e->report.groups);
    e->report.groups = calloc((size_t)count + 1, sizeof *e->report.groups);
    e->report.context = e->v->context ? (int)e->v->context : PV_CONTEXT_FRAMES;
    pv_status status = e->report.groups ? PV_OK : PV_ERR_MEMORY;
    for (int i = 0; i < count && status == PV_OK; i++)
        status = pv_eval_check_outputs(e, clips[i]);
    for (int i = 0; i < count && status == PV_OK; i++) {
        status = run_clip(e, clips[i]);
        unread += status == PV_ERR_FORMAT;
        status = status == PV_ERR_FORMAT ? PV_OK : status;
    }
    if (status == PV_OK)
        status = add_total(e);
    for (int i = 0; i < count; i++)
        free(clips[i]);
    free(clips);
    e->report.interrupted = status == PV_ERR_ABORTED;
    if (status != PV_OK && status != PV_ERR_ABORTED)
        return pv_eval_fail(e, status, PV_EXIT_FAILED);
    if (unread == count)
        return PV_EXIT_INPUT;
    if (e->report.group_count == 0 && !e->report.interrupted) {
        pv_terminal_say(e->terminal, PV_LOG_ERROR, "no clip is long enough to predict: %d frames are observed",
                        e->report.context);
        return PV_EXIT_INPUT;
    }
    return unread > 0 ? PV_EXIT_PARTIAL : PV_EXIT_DONE;
}
