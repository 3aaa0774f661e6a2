/* suite.h: which clips a model is judged on. */
#ifndef PV_EVAL_SUITE_H
#define PV_EVAL_SUITE_H

#include "eval/footage.h"
#include "world/world.h"

enum { PV_SUITE_GROUPS = 16, PV_SUITE_CLIPS = 64, PV_LAW_FRAMES = 32 };

/* One world in one range. */
struct pv_suite_group {
    const char *world;
    enum pv_world_range range;
    int clips;                  /* how many there are */
    int scenes[PV_SUITE_CLIPS]; /* which scenes they are, where they are simulated */
};

struct pv_suite {
    const char *name;  /* "physics", "law" */
    int width, height; /* of its frames, pixels */
    int context;       /* frames observed */
    int most_context;
    int fps_num, fps_den;
    struct pv_suite_group groups[PV_SUITE_GROUPS];
    int group_count;
    struct pv_set *set; /* of physics */
};

/* "physics": drop, stack, collide from recorded trajectories and pour simulated again, at 24 frames a second, in the
 * shape (square or 16:9) that is nearest to the model's. "law": uniform, collision and parabola by the published
 * protocol, 128x128, 10 frames a second, 3 frames observed, clips that the published table leaves out left out. */
enum pv_suite_kind { PV_SUITE_PHYSICS, PV_SUITE_LAW };

/* The name of the file of recorded trajectories that a model's shape needs: "physics-square.safetensors". */
const char *pv_suite_file(int model_width, int model_height);

/* context: 0 = 12 (3 in the law suite). set_path: of the file, for physics. PV_ERR_ARGUMENT for a context that is too
 * long, or when no frame size of the suite's shape suits the model. On failure suite is to be closed all the same. */
pv_status pv_suite_open(enum pv_suite_kind kind, const pv_model_info *model, int context, const char *set_path,
                        struct pv_suite *suite, struct pv_error *err);
void pv_suite_close(struct pv_suite *suite);

/* Draws clip `index` of a group. On failure footage is to be closed all the same. */
pv_status pv_suite_draw(const struct pv_suite *suite, const struct pv_suite_group *group, int index,
                        struct pv_footage *footage, struct pv_error *err);

/* Can gravity turn in clips of the group, so that models can be asked what then? Worlds that fall freely, recorded. */
bool pv_suite_turns(const struct pv_suite *suite, const struct pv_suite_group *group);
/* Draws clip `index` once more, with half the gravity from the last observed frame on. */
pv_status pv_suite_draw_half_gravity(const struct pv_suite *suite, const struct pv_suite_group *group, int index,
                                     struct pv_footage *footage, struct pv_error *err);

#endif
