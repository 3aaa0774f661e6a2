/* live_picture.h: a small picture above the progress line: the newest frame of every take. */
#ifndef PV_CLI_LIVE_PICTURE_H
#define PV_CLI_LIVE_PICTURE_H

#include "options.h"
#include "terminal.h"

struct pv_live_picture;

/* The flag that does without; at `member` of the values, a bool. */
#define PV_PICTURE_OPTION(type, member)                                                                                \
    {                                                                                                                  \
        .name = "no-picture", .kind = PV_OPTION_FLAG, .offset = offsetof(type, member), .group = "Words",              \
        .help = "Show no small picture of what is being predicted. There is one on a terminal that is known to show "  \
                "colours, unless NO_COLOR is set."                                                                     \
    }

/* Frames are of width x height. NULL where no picture is to be shown: stderr is no terminal, or one without colours;
 * NO_COLOR; --quiet; a build without libchafa; no memory. All functions take NULL and then do nothing. */
struct pv_live_picture *pv_live_picture_open(struct pv_terminal *terminal, int takes, int width, int height);
/* The newest frame of a take is copied. Any thread. */
void pv_live_picture_put(struct pv_live_picture *picture, int take, const pv_frame *frame);
/* Draws what is new, a few times a second at most, however often it is called. */
void pv_live_picture_draw(struct pv_live_picture *picture);
void pv_live_picture_close(struct pv_live_picture *picture);

#endif
