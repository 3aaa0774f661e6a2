/* module.h: a backend in a library of its own, loaded at run time: what it exports, and who loads it.
 *
 * libprevue links no CUDA. `libprevue-cuda.so` lies beside it, or in the folder that the environment's
 * PREVUE_MODULE_PATH names, and exports one function. Library and module come from one build: a module of another one
 * is refused. */
#ifndef PV_BACKEND_MODULE_H
#define PV_BACKEND_MODULE_H

#include "backend/op.h"

/* What activations and weights are made of. */
enum pv_element { PV_ELEMENT_FLOAT, PV_ELEMENT_BF16 };

enum { PV_MODULE_ABI = 6 }; /* raised whenever op.h or this header changes */

struct pv_module {
    uint32_t abi;
    uint32_t table_bytes; /* of struct pv_op_table: an op more or less is another ABI, whoever forgot to say so */
    const char *version;  /* of prevue */
    /* Describes device `index` and says in info->reason why it cannot be used, if so. PV_END: there is no such device.
     * PV_ERR_DEVICE: there is none at all, or no way to ask; the sentence says why. */
    pv_status (*describe)(int index, pv_device_info *info, struct pv_error *error);
    /* The first device that can be used. */
    pv_status (*open)(enum pv_element element, struct pv_backend **backend, struct pv_error *error);
};

/* The one symbol of a module. */
typedef const struct pv_module *pv_module_entry(void);
#define PV_MODULE_SYMBOL "pv_module"

/* PV_ERR_UNSUPPORTED: there is no module, or it does not fit. The module stays loaded until the process ends. */
pv_status pv_module_load(const struct pv_module **module, struct pv_error *error);

#endif
