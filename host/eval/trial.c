/* trial.c: see trial.h. */
#include "eval/trial.h"

#include <math.h>
#include <stdlib.h>

#include "eval/picture.h"
#include "eval/track.h"

static const double contact_jump = 0.06; /* units a frame: a fall of 1.4 units a second, stopped */

pv_status pv_trial_open(struct pv_trial *trial, const struct pv_footage *footage, enum pv_predictor who,
                        struct pv_scores *scores, struct pv_error *err)
{
    *trial = (struct pv_trial){.footage = footage, .scores = scores, .who = who};
    trial->track = calloc((size_t)footage->ahead * (size_t)(footage->objects + 1), sizeof *trial->track);
    trial->change = malloc((size_t)footage->width * (size_t)footage->height);
    return trial->track && trial->change ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory to measure a prediction");
}

void pv_trial_close(struct pv_trial *trial)
{
    free(trial->track);
    free(trial->change);
    *trial = (struct pv_trial){0};
}

struct pv_sighting *pv_trial_sightings(const struct pv_trial *trial, int t)
{
    return trial->track + (size_t)(t - 1) * (size_t)trial->footage->objects;
}

static void add(struct pv_trial *trial, enum pv_metric metric, int column, double value)
{
    pv_score_add(trial->scores, metric, trial->who, column, value);
}

/* ---- pictures ---- */

static void measure_picture(struct pv_trial *trial, int t, int column, const uint8_t *rgb)
{
    const struct pv_footage *f = trial->footage;
    const uint8_t *truth = pv_footage_frame(f, t);
    const size_t pixels = (size_t)f->width * (size_t)f->height;
    add(trial, PV_METRIC_PSNR, column, pv_psnr(pv_picture_error(rgb, truth, NULL, pixels)));
    add(trial, PV_METRIC_SSIM, column, pv_picture_ssim(rgb, truth, f->width, f->height));
    if (f->cover) {
        const uint8_t *cover = f->cover + (size_t)(f->context - 1 + t) * pixels;
        add(trial, PV_METRIC_FOREGROUND, column, pv_psnr(pv_picture_error(rgb, truth, cover, pixels)));
    }
    pv_picture_change(pv_footage_frame(f, 0), truth, trial->change, pixels);
    add(trial, PV_METRIC_MOTION, column, pv_picture_error(rgb, truth, trial->change, pixels));
}

/* The liquid counts as a body, too. */
static void measure_liquid(struct pv_trial *trial, int t, int column, const uint8_t *rgb)
{
    const struct pv_footage *f = trial->footage;
    const struct pv_pour_frame *now = &f->pour->frames[f->context - 1 + t], *seen = now - t;
    const struct pv_pour_view mine = pv_pour_look(f->pour, now->angle, rgb, f->width, f->height);
    const struct pv_pour_view true_one = pv_pour_look(f->pour, now->angle, pv_footage_frame(f, t), f->width, f->height);
    const struct pv_pour_view all = pv_pour_look(f->pour, seen->angle, pv_footage_frame(f, 0), f->width, f->height);
    add(trial, PV_METRIC_FILL, column, 100 * fabs(mine.level - now->level));
    add(trial, PV_METRIC_POURED, column, all.area > 0 ? 100 * fabs(1 - mine.in_cup / all.area - now->poured) : NAN);
    if (trial->who == PV_PREDICTOR_TRUTH || true_one.area < PV_OBJECT_SEEN)
        return;
    add(trial, PV_METRIC_AREA, column, 100 * fabs(mine.area / true_one.area - 1));
    add(trial, PV_METRIC_LOST, column, mine.area < PV_LOST_BELOW * true_one.area ? 100 : 0);
}

void pv_trial_frame(struct pv_trial *trial, int t, const uint8_t *rgb)
{
    const struct pv_footage *f = trial->footage;
    const int column = pv_column(t);
    if (f->objects > 0)
        pv_objects_find(rgb, f->width, f->height, f->looks, f->objects, pv_trial_sightings(trial, t));
    if (column >= 0 && trial->who != PV_PREDICTOR_TRUTH)
        measure_picture(trial, t, column, rgb);
    if (column >= 0 && f->pour)
        measure_liquid(trial, t, column, rgb);
}

/* ---- tracks ---- */

struct pv_sighting pv_trial_seen(const struct pv_trial *trial, int t, int object)
{
    for (; t >= 1; t--)
        if (!isnan(pv_trial_sightings(trial, t)[object].x))
            return pv_trial_sightings(trial, t)[object];
    return pv_footage_sightings(trial->footage, 0)[object];
}

double pv_trial_distance(const struct pv_trial *trial, int t, int object)
{
    const struct pv_place *place = pv_footage_places(trial->footage, t) + object;
    if (place->visible < PV_IN_VIEW)
        return NAN;
    const struct pv_sighting seen = pv_trial_seen(trial, t, object);
    return hypot(seen.x - place->x, seen.y - place->y);
}

/* The others have none, or the one that the seam makes. */
static bool has_contacts(enum pv_predictor who)
{
    return who == PV_PREDICTOR_MODEL || who == PV_PREDICTOR_CODEC || who == PV_PREDICTOR_TRUTH;
}

static bool has_pictures(enum pv_predictor who)
{
    return who != PV_PREDICTOR_LINEAR && who != PV_PREDICTOR_QUADRATIC;
}

static void measure_bodies(struct pv_trial *trial, int t, int column)
{
    const struct pv_footage *f = trial->footage;
    for (int i = 0; i < f->objects; i++) {
        const struct pv_place *place = pv_footage_places(f, t) + i;
        const struct pv_sighting seen = pv_trial_seen(trial, t, i);
        add(trial, PV_METRIC_CENTRE, column, pv_trial_distance(trial, t, i));
        if (place->visible >= PV_IN_VIEW) /* of a forecast without spread it is the error */
            add(trial, PV_METRIC_CRPS, column, (fabs(seen.x - place->x) + fabs(seen.y - place->y)) / 2);
        const double true_area = pv_footage_sightings(f, t)[i].area, area = pv_trial_sightings(trial, t)[i].area;
        if (!has_pictures(trial->who) || trial->who == PV_PREDICTOR_TRUTH || true_area < PV_OBJECT_SEEN)
            continue;
        add(trial, PV_METRIC_AREA, column, 100 * fabs(area / true_area - 1));
        add(trial, PV_METRIC_LOST, column, area < PV_LOST_BELOW * true_area ? 100 : 0);
    }
}

/* Has the stack fallen by frame t, and to which side? A body sank by more than half its height; the side is where those
 * that did went. x, y: where body i is in frame t; start: in the first observed frame. */
struct fall {
    bool fell;
    double right;
};

static void fall_add(const struct pv_footage *f, struct fall *fall, int i, double x, double y)
{
    const struct pv_place *start = pv_footage_places(f, 1 - f->context) + i;
    if (y - start->y > f->half_height[i]) {
        fall->fell = true;
        fall->right += x - start->x;
    }
}

static void measure_fall(struct pv_trial *trial, int t, int column)
{
    const struct pv_footage *f = trial->footage;
    struct fall truth = {0}, mine = {0};
    for (int i = 0; i < f->boxes && i < f->objects; i++) {
        const struct pv_place *place = pv_footage_places(f, t) + i;
        const struct pv_sighting seen = pv_trial_seen(trial, t, i);
        fall_add(f, &truth, i, place->x, place->y);
        fall_add(f, &mine, i, seen.x, seen.y);
    }
    add(trial, truth.fell ? PV_METRIC_FELL : PV_METRIC_STOOD, column, truth.fell == mine.fell ? 100 : 0);
    if (truth.fell)
        add(trial, PV_METRIC_DIRECTION, column,
            mine.fell && (truth.right > 0) == (mine.right > 0) && truth.right != 0 ? 100 : 0);
}

/* joined: room for the observed frames and then the track of one body. Frames from the last observed one to its first
 * contact, -1 if there is none. */
static int find_contact(const struct pv_trial *trial, int object, struct pv_sighting *joined)
{
    const struct pv_footage *f = trial->footage;
    for (int t = 1 - f->context; t <= 0; t++)
        joined[t + f->context - 1] = pv_footage_sightings(f, t)[object];
    for (int t = 1; t <= f->ahead; t++)
        joined[t + f->context - 1] = pv_trial_sightings(trial, t)[object];
    const struct pv_path path = {joined, 1, f->context + f->ahead};
    const int found = pv_path_contact(&path, f->context, f->context, contact_jump * f->pixels_per_unit);
    return found < 0 ? -1 : found - (f->context - 1);
}

static void measure_contact(struct pv_trial *trial, int object, int found)
{
    const int came = trial->footage->contact[object];
    if (trial->footage->gravity_turns) {
        add(trial, PV_METRIC_BOUNCE, PV_COLUMN_WHOLE, found < 0 ? 100 : 100.0 * abs(found - came) / came);
        return;
    }
    add(trial, PV_METRIC_MISSED, PV_COLUMN_WHOLE, found < 0 ? 100 : 0);
    if (found >= 0)
        add(trial, PV_METRIC_CONTACT, PV_COLUMN_WHOLE, abs(found - came));
}

void pv_trial_contacts(struct pv_trial *trial)
{
    const struct pv_footage *f = trial->footage;
    struct pv_sighting *joined = calloc((size_t)(f->context + f->ahead), sizeof *joined);
    for (int i = 0; joined && i < f->objects; i++)
        if (f->contact[i] > 0)
            measure_contact(trial, i, find_contact(trial, i, joined));
    trial->scores->no_memory |= !joined;
    free(joined);
}

static void measure_law(struct pv_trial *trial)
{
    const struct pv_footage *f = trial->footage;
    for (int i = 0; i < f->objects; i++) {
        const struct pv_law_score score = pv_law_score(f, trial->track, i);
        add(trial, PV_METRIC_VELOCITY, PV_COLUMN_WHOLE, score.velocity);
        add(trial, PV_METRIC_VELOCITIES, PV_COLUMN_WHOLE, score.velocities);
        add(trial, PV_METRIC_POSITION, PV_COLUMN_WHOLE, score.position);
    }
}

void pv_trial_end(struct pv_trial *trial)
{
    const struct pv_footage *f = trial->footage;
    if (f->objects == 0)
        return;
    for (int column = 0; column < PV_HORIZONS && pv_horizons[column] <= f->ahead; column++) {
        measure_bodies(trial, pv_horizons[column], column);
        if (f->boxes > 0)
            measure_fall(trial, pv_horizons[column], column);
    }
    if (f->law)
        measure_law(trial);
    else if (has_contacts(trial->who))
        pv_trial_contacts(trial);
}
