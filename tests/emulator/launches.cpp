/* launches.cpp: with PV_EMULATOR_LAUNCHES=FILE in the environment a program adds to FILE, when it ends, the kernels it
 * has launched, one a line, behind how often: what a test did not launch it did not test. */
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "locate.h"
#include "machine.h"

namespace pv_emulator
{

static std::map<const void *, unsigned long long> launched; /* under device.busy */

static void write_names()
{
    std::string text;
    for (const auto &[kernel, times] : launched)
        text += std::to_string(times) + " " + function_name(kernel) + "\n";
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
    launched[kernel]++;
}

} // namespace pv_emulator
