/* picture_files.h: an image sequence on its way to the disk, one file a packet, each under a temporary name first. */
#ifndef PV_CLIP_PICTURE_FILES_H
#define PV_CLIP_PICTURE_FILES_H

#include <libavcodec/packet.h>

#include "clip/sequence.h"

struct pv_picture_files {
    struct pv_sequence sequence;
    int first_number;
    bool overwrite;
    int64_t bytes;
    const pv_callbacks *callbacks;
};

/* pattern: see pv_sequence_parse; a missing directory is made (one level). Without overwrite it is PV_ERR_IO when a
 * picture of the sequence exists. files is overwritten; release it also after a failure. */
pv_status pv_picture_files_open(struct pv_picture_files *files, const char *pattern, int first_number, bool overwrite,
                                const pv_callbacks *callbacks, struct pv_error *err);

/* packet->pts is the picture's index, 0 for first_number. */
pv_status pv_picture_files_write(struct pv_picture_files *files, const AVPacket *packet, struct pv_error *err);

/* One picture: the packet's bytes under the name partial, on the disk, then renamed. *bytes grows by what was written.
 */
pv_status pv_picture_file_write(const char *partial, const char *name, bool overwrite, const pv_callbacks *callbacks,
                                const AVPacket *packet, int64_t *bytes, struct pv_error *err);

void pv_picture_files_release(struct pv_picture_files *files);

#endif
