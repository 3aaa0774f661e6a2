/* geometry.h: the size a model works at for a clip of another shape. */
#ifndef PV_CLI_GEOMETRY_H
#define PV_CLI_GEOMETRY_H

struct pv_picture_size {
    int width, height;
};

/* The size, both sides multiples of `multiple`, that best keeps both the clip's shape and the area the model was
 * trained at: 1920x1080 with a model of 128x128 and multiples of 16 gives 176x96. A clip of the model's own shape gives
 * the model's size. All arguments are positive. */
struct pv_picture_size pv_working_size(struct pv_picture_size clip, struct pv_picture_size model, int multiple);

#endif
