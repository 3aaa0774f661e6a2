/* locate.cpp: asks addr2line (binutils, which every compiler brings), only when there is a fault to report. */
#include "locate.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace pv_emulator
{

std::string locate(const void *code)
{
    Dl_info module = {};
    if (!dladdr(code, &module))
        return "?";
    /* One byte back: the call itself, not what comes after it. */
    const uintptr_t offset = (uintptr_t)code - (uintptr_t)module.dli_fbase - 1;
    std::string name = module.dli_fname;
    if (access(name.c_str(), R_OK) != 0) /* the program itself, by the name it was called */
        name = "/proc/" + std::to_string(getpid()) + "/exe";
    char place[512], command[1200];
    snprintf(place, sizeof place, "%s+0x%jx", name.substr(name.rfind('/') + 1).c_str(), (uintmax_t)offset);
    if (name.find('\'') != std::string::npos)
        return place;
    snprintf(command, sizeof command, "addr2line -s -e '%s' 0x%jx 2>/dev/null", name.c_str(), (uintmax_t)offset);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return place;
    char line[256];
    const bool found = fscanf(pipe, "%255s", line) == 1 && line[0] != '?';
    pclose(pipe);
    return found ? line : place;
}

} // namespace pv_emulator
