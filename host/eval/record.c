/* record.c: prevue-eval-record FOLDER: writes the recorded trajectories of the physics suite anew. Needed only when a
 * world has changed; the results of before can then no longer be compared. */
#include <stdio.h>

#include "eval/set.h"

enum { CLIPS = 64 };

int main(int argc, char **argv)
{
    static const char *const worlds[] = {"drop", "stack", "collide"};
    static const struct {
        const char *name;
        int width, height;
    } shapes[] = {{"physics-square", 128, 128}, {"physics-wide", 256, 144}};
    if (argc != 2) {
        fputs("usage: prevue-eval-record FOLDER\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct pv_error err = {{0}};
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.safetensors", argv[1], shapes[i].name);
        if (pv_set_record(path, worlds, sizeof worlds / sizeof worlds[0], CLIPS, shapes[i].width, shapes[i].height,
                          &err) != PV_OK) {
            fprintf(stderr, "prevue-eval-record: %s\n", err.text);
            return 1;
        }
    }
    return 0;
}
