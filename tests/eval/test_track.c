/* What paths say: contacts at the frame they were made at, scores of the physical-law protocol worked out by hand. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "eval/track.h"

enum { FRAMES = 40, FREE = 12 };

static struct pv_sighting path[FRAMES];

/* A ball that falls under gravity g (pixels a frame squared) and bounces once, between frames, at time `contact`. */
static void fall(double contact, double g, double wobble)
{
    const double start = 10, speed = g * contact, floor = start + g * contact * contact / 2;
    for (int t = 0; t < FRAMES; t++) {
        const double after = t - contact;
        path[t].y = t < contact ? start + g * t * t / 2 : floor - 0.7 * speed * after + g * after * after / 2;
        path[t].x = 20 + 0.8 * t + wobble * sin(2.4 * t);
        path[t].y += wobble * cos(1.9 * t);
    }
}

static int contact_of(int count)
{
    const struct pv_path p = {path, 1, count};
    return pv_path_contact(&p, FREE, FREE, 0.77);
}

Test(eval_track, a_bounce_is_found_in_its_frame)
{
    static const double contacts[] = {16.05, 17.3, 18.5, 20.7, 22.95};
    for (size_t i = 0; i < sizeof contacts / sizeof contacts[0]; i++) {
        fall(contacts[i], 0.2, 0);
        cr_expect_eq(contact_of(FRAMES), (int)ceil(contacts[i]), "at %.2f: frame %d", contacts[i], contact_of(FRAMES));
    }
}

Test(eval_track, wobbling_is_no_contact_and_hides_none)
{
    fall(20.4, 0.2, 0.2);
    cr_expect_leq(abs(contact_of(FRAMES) - 21), 1, "frame %d", contact_of(FRAMES));
    fall(1000, 0.2, 0.2); /* it never lands */
    cr_expect_eq(contact_of(FRAMES), -1, "frame %d", contact_of(FRAMES));
}

Test(eval_track, a_body_that_vanishes_has_no_contact_there)
{
    fall(1000, 0.2, 0);
    for (int t = 22; t < FRAMES; t++)
        path[t].x = path[t].y = NAN;
    cr_expect_eq(contact_of(FRAMES), -1);
    cr_expect_eq(contact_of(5), -1, "a path that is too short");
}

/* ---- law ---- */

enum { CONTEXT = 3, AHEAD = 6 };

static struct pv_place places[CONTEXT + AHEAD];
static struct pv_sighting track[AHEAD], observed[CONTEXT + AHEAD];

/* A ball of 10 pixels radius in a picture of 128, 12.8 pixels a unit, .1 s a frame: 3 pixels a frame are 2.34375 units
 * a second. */
static struct pv_footage law_footage(double start)
{
    for (int i = 0; i < CONTEXT + AHEAD; i++)
        places[i] = (struct pv_place){start + 3 * i, 50, 1};
    for (int i = 0; i < CONTEXT + AHEAD; i++)
        observed[i] = (struct pv_sighting){300, places[i].x, places[i].y};
    struct pv_footage f = {.width = 128, .height = 128, .context = CONTEXT, .ahead = AHEAD, .objects = 1};
    f.places = places;
    f.truth = observed;
    f.half_height[0] = 10;
    f.pixels_per_unit = 12.8;
    f.frame_seconds = 0.1;
    return f;
}

static const struct pv_place *place_at(int t)
{
    return &places[CONTEXT - 1 + t];
}

/* Predicted 3.2 pixels a frame instead of 3, from .2 pixels ahead on: .2 / 12.8 / .1 = .15625 units a second off, in
 * both parses; .7 pixels off in the mean, .0546875 units. */
Test(eval_law, too_fast_a_ball_by_hand)
{
    const struct pv_footage f = law_footage(30);
    for (int t = 1; t <= AHEAD; t++)
        track[t - 1] = (struct pv_sighting){300, place_at(t)->x + 0.2 * t, 50};
    const struct pv_law_score score = pv_law_score(&f, track, 0);
    cr_expect_float_eq(score.velocity, 0.15625, 1e-9, "%f", score.velocity);
    cr_expect_float_eq(score.velocities, 0.15625, 1e-9, "%f", score.velocities);
    cr_expect_float_eq(score.position, 0.0546875, 1e-9, "%f", score.position);
}

/* A ball that wobbles by a pixel across its path, but ends where it began: the mean velocity is right, the others are
 * not: two of five steps are 1 pixel up, two 1 down, one is 0 -> 4 / 5 / 12.8 / .1. */
Test(eval_law, the_parses_differ_on_a_wobble)
{
    const struct pv_footage f = law_footage(30);
    static const double wobble[AHEAD] = {0, 1, 0, 1, 0, 0};
    for (int t = 1; t <= AHEAD; t++)
        track[t - 1] = (struct pv_sighting){300, place_at(t)->x, 50 + wobble[t - 1]};
    const struct pv_law_score score = pv_law_score(&f, track, 0);
    cr_expect_float_eq(score.velocity, 0, 1e-9);
    cr_expect_float_eq(score.velocities, 0.625, 1e-9, "%f", score.velocities);
}

/* Only frames with the whole ball in view count: here two, so one step of 3 pixels that was predicted as 2. */
Test(eval_law, frames_count_while_the_whole_ball_is_in_view)
{
    const struct pv_footage f = law_footage(105); /* 114, 117 in view; 120 is beyond 118 */
    for (int t = 1; t <= AHEAD; t++)
        track[t - 1] = (struct pv_sighting){300, 114 + 2 * (t - 1), 50};
    const struct pv_law_score score = pv_law_score(&f, track, 0);
    cr_expect_float_eq(score.velocity, 1 / 12.8 / 0.1, 1e-9, "%f", score.velocity);
    const struct pv_footage gone = law_footage(112);
    cr_expect(isnan(pv_law_score(&gone, track, 0).velocity));
}

Test(eval_law, a_ball_that_vanished_stands_where_it_was_seen_last)
{
    const struct pv_footage f = law_footage(30);
    for (int t = 1; t <= AHEAD; t++)
        track[t - 1] = (struct pv_sighting){0, NAN, NAN};
    const struct pv_law_score score = pv_law_score(&f, track, 0);
    cr_expect_float_eq(score.velocity, 3 / 12.8 / 0.1, 1e-9, "it does not move: %f", score.velocity);
}

Test(eval_law, small_balls_are_left_out_as_published)
{
    cr_expect(pv_law_leaves_out("uniform", (double[]){0.59}, 1));
    cr_expect(!pv_law_leaves_out("uniform", (double[]){0.6}, 1));
    cr_expect(pv_law_leaves_out("parabola", (double[]){0.3}, 1));
    cr_expect(pv_law_leaves_out("collision", (double[]){1.2, 0.5}, 2));
    cr_expect(!pv_law_leaves_out("collision", (double[]){1.2, 0.51}, 2));
}

Test(eval_law, published_rows)
{
    int rows = 0;
    for (size_t i = 0; pv_published_get("parabola", false, i); i++)
        rows++;
    cr_expect_eq(rows, 4);
    cr_expect_float_eq(pv_published_get("parabola", false, 0)->low, 0.051, 0);
    cr_expect_float_eq(pv_published_get("collision", true, 0)->high, 0.27, 0);
    cr_expect_null(pv_published_get("drop", false, 0));
}
