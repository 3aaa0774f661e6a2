/* locate.cpp: asks addr2line (binutils, which every compiler brings), only when there is something to report. */
#include "locate.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <map>

namespace pv_emulator
{

/* The first line of its answer, or module+offset. */
static std::string ask(const char *options, const void *address)
{
    Dl_info module = {};
    if (!dladdr(address, &module))
        return "?";
    const uintptr_t offset = (uintptr_t)address - (uintptr_t)module.dli_fbase;
    std::string name = module.dli_fname;
    if (access(name.c_str(), R_OK) != 0) /* the program itself, by the name it was called */
        name = "/proc/" + std::to_string(getpid()) + "/exe";
    char place[512], command[1200], line[1024];
    snprintf(place, sizeof place, "%s+0x%jx", name.substr(name.rfind('/') + 1).c_str(), (uintmax_t)offset);
    if (name.find('\'') != std::string::npos)
        return place;
    snprintf(command, sizeof command, "addr2line %s -e '%s' 0x%jx 2>/dev/null", options, name.c_str(),
             (uintmax_t)offset);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return place;
    const bool found = fgets(line, sizeof line, pipe) && line[0] != '?';
    pclose(pipe);
    return found ? line : place;
}

std::string locate(const void *code)
{
    /* One byte back: the call itself, not what comes after it. */
    const std::string line = ask("-s", (const char *)code - 1);
    return line.substr(0, line.find_first_of(" \n")); /* not "(discriminator 2)" */
}

const std::string &function_name(const void *begin)
{
    static std::map<const void *, std::string> known;
    std::string &name = known[begin];
    if (!name.empty())
        return name;
    name = ask("-f -C", begin);
    int depth = 0;
    for (size_t i = 0; i < name.size(); i++) { /* up to the parameters */
        depth += (name[i] == '<') - (name[i] == '>');
        if (name[i] == '\n' || (name[i] == '(' && depth == 0 && i > 0))
            name.resize(i);
    }
    if (name.compare(0, 5, "void ") == 0)
        name.erase(0, 5);
    return name;
}

} // namespace pv_emulator
