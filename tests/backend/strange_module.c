/* strange_module.c: a module that does not fit: of another build, or (NAMELESS) none of prevue's at all. */
#include "backend/module.h"

#ifdef NAMELESS
PV_API int nothing(void);
int nothing(void)
{
    return 0;
}
#else
PV_API pv_module_entry pv_module;

const struct pv_module *pv_module(void)
{
    static const struct pv_module module = {
        .abi = PV_MODULE_ABI + 1, .table_bytes = sizeof(struct pv_op_table), .version = "0.1.0"};
    return &module;
}
#endif
