/* info.h: the parts of `prevue info`. */
#ifndef PV_CLI_INFO_H
#define PV_CLI_INFO_H

#include <stdbool.h>

#include <jansson.h>

#include "command.h"

struct pv_info_values {
    struct pv_common_values common;
    bool json, count, devices;
    int matrix, range;
    struct pv_rate_value in_rate;
};

/* Each describes one thing as a JSON object, in the order it is to be read; the table for people is made from the same
 * object. *object is a new reference, NULL on failure. The exit code; failures have been said. */
int pv_info_clip(const char *path, const struct pv_info_values *values, struct pv_terminal *terminal, json_t **object);
int pv_info_model(const char *path, struct pv_terminal *terminal, json_t **object);

/* {"cpu": {...}, "cuda": {...}}: what each backend finds, and why it or a device of it cannot be used. NULL when there
 * is no memory. */
json_t *pv_info_devices(void);

#endif
