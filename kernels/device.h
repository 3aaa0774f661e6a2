/* device.h: the little that module.c needs of the CUDA runtime, so that the same module can run on something else: the
 * tests put an emulator behind it. A code is the runtime's own, 0 when all went well. */
#ifndef PV_KERNELS_DEVICE_H
#define PV_KERNELS_DEVICE_H

#include "base/error.h"

/* PV_ERR_DEVICE with a sentence: no driver, one that is too old, no device. */
pv_status pv_device_count(int *count, struct pv_error *error);
/* Name, memory and compute capability; and, in reason, what keeps it from running this build's kernels. */
int pv_device_describe(int device, pv_device_info *info);

int pv_device_multiprocessors(int device);
/* Of Hopper, compute capability 9.0 and no other: the driver's cuTensorMapEncodeTiled; of other devices NULL. */
void *pv_device_tensor_maps(int device);

/* Makes it the calling thread's device and says which one was; codes of the calls after this tell of failures. */
int pv_device_use(int device);

int pv_device_alloc(void **memory, size_t bytes); /* zeroed when it returns; aligned to 64 at least */
int pv_device_free(void *memory);
/* Of the host, where the device reaches it by itself: copies need no stop on the way. Not zeroed. */
int pv_device_host_alloc(void **memory, size_t bytes);
int pv_device_host_free(void *memory);
/* Done when it returns, before work on any queue begins. */
int pv_device_upload_now(void *dst, const void *host_src, size_t bytes);

/* A queue: work on it happens in order. */
int pv_device_queue_open(void **queue);
int pv_device_queue_close(void *queue);
int pv_device_queue_wait(void *queue);
int pv_device_upload(void *dst, const void *host_src, size_t bytes, void *queue);
int pv_device_download(void *host_dst, const void *src, size_t bytes, void *queue);
int pv_device_copy(void *dst, const void *src, size_t bytes, void *queue);
int pv_device_zero(void *dst, size_t bytes, void *queue);

/* A mark is set on a queue, at what was put there so far. A host waits for it, or another queue does: with what is put
 * there from then on. One that was never set is reached. */
int pv_device_mark_open(void **mark);
int pv_device_mark_close(void *mark); /* NULL is allowed */
int pv_device_mark_set(void *mark, void *queue);
int pv_device_mark_wait(void *mark);
int pv_device_queue_after(void *queue, void *mark);

/* What is put on the queue from begin to end is not run but recorded: as a CUDA graph, NULL when that failed; or, with
 * graph NULL, thrown away. Nothing on the queue may be waited for in between. Failures leave the queue as it was. */
int pv_device_record_begin(void *queue);
int pv_device_record_end(void *queue, void **graph);
/* All of it is put on the queue as one piece. */
int pv_device_replay(void *graph, void *queue);
int pv_device_record_free(void *graph); /* NULL is allowed */

/* Static. */
const char *pv_device_error_text(int code);

#endif
