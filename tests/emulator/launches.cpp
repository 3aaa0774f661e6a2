/* launches.cpp: with PV_EMULATOR_LAUNCHES=FILE in the environment a program adds to FILE, when it ends, the kernels it
 * has launched, one a line: what a test did not launch it did not test. */
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "locate.h"
#include "machine.h"

namespace pv_emulator
{

static std::set<const void *> launched; /* under device.busy */

static void write_names()
{
    std::string text;
    for (const void *kernel : launched)
        text += function_name(kernel) + "\n";
    const int file = open(getenv("PV_EMULATOR_LAUNCHES"), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0 || write(file, text.data(), text.size()) != (ssize_t)text.size())
        perror("emulator: PV_EMULATOR_LAUNCHES");
    if (file >= 0)
        close(file);
}

void remember_launch(const void *kernel)
{
    static const bool wanted = getenv("PV_EMULATOR_LAUNCHES") != nullptr;
    if (!wanted)
        return;
    if (launched.empty())
        atexit(write_names);
    launched.insert(kernel);
}

} // namespace pv_emulator
