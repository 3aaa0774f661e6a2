/* locate.h: from an address in the code to "file.cu:12". */
#ifndef PV_EMULATOR_LOCATE_H
#define PV_EMULATOR_LOCATE_H

#include <string>

namespace pv_emulator
{
/* code: a return address. Without debug information: the module and the offset in it. */
std::string locate(const void *code);
} // namespace pv_emulator

#endif
