/* geometry.c: choosing the working size by trying every candidate. */
#include "geometry.h"

#include <math.h>

/* How bad a size is: the distortion of the shape, and a quarter of the change of area, both as logarithms so that twice
 * as wide counts as much as half as wide. Shape weighs more: a picture out of shape is seen at once. */
static double size_cost(double width, double height, double shape, double area)
{
    return fabs(log(width / height / shape)) + 0.25 * fabs(log(width * height / area));
}

struct pv_picture_size pv_working_size(struct pv_picture_size clip, struct pv_picture_size model, int multiple)
{
    const double shape = (double)clip.width / clip.height;
    const double area = (double)model.width * model.height;
    const int most = (int)(4 * sqrt(area) / multiple) + 1; /* of multiples along a side */
    struct pv_picture_size best = {model.width, model.height};
    double best_cost = size_cost(best.width, best.height, shape, area);
    for (int rows = 1; rows <= most; rows++) {
        for (int columns = 1; columns <= most; columns++) {
            const double cost = size_cost(columns * multiple, rows * multiple, shape, area);
            if (cost < best_cost - 1e-12) {
                best_cost = cost;
                best = (struct pv_picture_size){columns * multiple, rows * multiple};
            }
        }
    }
    return best;
}
