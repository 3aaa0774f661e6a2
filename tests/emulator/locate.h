/* locate.h: from addresses in the code to what people call them. Without debug information, or a symbol table: the
 * module and the offset in it. */
#ifndef PV_EMULATOR_LOCATE_H
#define PV_EMULATOR_LOCATE_H

#include <string>

namespace pv_emulator
{
/* "file.cu:12", of a return address. */
std::string locate(const void *code);
/* "kernel<float, 2>", of where it begins. */
const std::string &function_name(const void *begin);
} // namespace pv_emulator

#endif
