/* truth.h: what the worlds that are made of bodies record, and the ground truth of a clip as JSON. */
#ifndef PV_WORLD_TRUTH_H
#define PV_WORLD_TRUTH_H

#include <jansson.h>

#include "world/body.h"
#include "world/kind.h"

enum { PV_RECORD_CONTACTS = 512 };

/* In the order of a contact's sides. */
enum pv_thing_kind { PV_THING_BODY, PV_THING_FLOOR, PV_THING_RAMP, PV_THING_WALL };

/* Who takes part in a contact. */
struct pv_thing {
    enum pv_thing_kind kind;
    int index; /* among its kind */
};

/* Two things started to touch. */
struct pv_contact {
    struct pv_thing a, b; /* a is always a body */
    double frames;        /* when: frames since the scene began, skipped ones included, and parts of one */
    double speed;         /* of approach, along the normal, units a second */
    double x, y;          /* where */
    bool first;           /* of this pair */
};

/* One body in one frame. */
struct pv_state {
    struct pv_motion motion;
    double visible;
};

struct pv_record {
    const struct pv_stage *stage;
    const struct pv_body *bodies;
    int body_count;
    struct pv_state *states; /* [frames][bodies] */
    struct pv_contact contacts[PV_RECORD_CONTACTS];
    int contact_count;
    int contacts_lost; /* beyond PV_RECORD_CONTACTS */
};

/* bodies stays the caller's and must outlive the record. close is safe on a zeroed one. */
pv_status pv_record_open(struct pv_record *record, const struct pv_stage *stage, const struct pv_body *bodies,
                         int body_count, struct pv_error *err);
void pv_record_close(struct pv_record *record);
/* motions: [body_count] in the frame. */
void pv_record_frame(struct pv_record *record, int frame, const struct pv_motion *motions);
void pv_record_contact(struct pv_record *record, const struct pv_contact *contact);

/* New references; NULL without memory. */
json_t *pv_truth_head(const struct pv_stage *stage, int frames);
/* objects, trajectory, events, events_lost. */
json_t *pv_truth_bodies(const struct pv_record *record, int frames);
/* The keys of both; takes over both references, either of which may be NULL: then so is the result. */
json_t *pv_truth_join(json_t *first, json_t *second);
/* list with item at its end; takes over both, either of which may be NULL: then so is the result. */
json_t *pv_truth_append(json_t *list, json_t *item);
/* [a, b] */
json_t *pv_truth_pair(double a, double b);
/* {from, to, radius} */
json_t *pv_truth_bar(const struct pv_bar *bar);
json_t *pv_truth_colour(struct pv_colour colour);

#endif
