/* array.h: numbers on the device, for tests. */
#ifndef PV_EMULATOR_ARRAY_H
#define PV_EMULATOR_ARRAY_H

#include <criterion/criterion.h>

#include <cstring>
#include <vector>

#include "emulator.h"

/* What was launched, and all before it, is done and found no fault. code: PV_LAUNCH's. */
inline void must_run(int code)
{
    cr_assert_eq(code, 0, "the launch was refused: %s", cudaGetErrorString((cudaError_t)code));
    cr_assert_eq(cudaDeviceSynchronize(), cudaSuccess, "%s", pv_emulator_fault());
}

/* The launch failed, and the fault has all the words. */
inline void must_say(int code, const std::vector<const char *> &words)
{
    cr_assert_eq(code, cudaSuccess, "the launch was refused");
    cr_assert_eq(cudaDeviceSynchronize(), cudaErrorLaunchFailure, "nothing was found");
    for (const char *word : words)
        cr_assert(strstr(pv_emulator_fault(), word), "\"%s\" is not in: %s", word, pv_emulator_fault());
    cr_assert_eq(cudaDeviceSynchronize(), cudaErrorLaunchFailure, "a fault is forgotten");
    pv_emulator_reset();
    cr_assert_eq(cudaDeviceSynchronize(), cudaSuccess);
}

template <class T> struct array {
    T *device = nullptr;
    size_t count;

    explicit array(size_t count_) : count(count_)
    {
        cr_assert_eq(cudaMalloc(&device, count * sizeof(T)), cudaSuccess);
    }
    explicit array(const std::vector<T> &value) : array(value.size())
    {
        cr_assert_eq(cudaMemcpy(device, value.data(), count * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
        cr_assert_eq(cudaStreamSynchronize(cudaStreamLegacy), cudaSuccess);
    }
    array(const array &) = delete;
    ~array()
    {
        cudaFree(device);
    }

    std::vector<T> read() const
    {
        std::vector<T> value(count);
        cr_assert_eq(cudaMemcpy(value.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess, "%s",
                     pv_emulator_fault());
        return value;
    }
};

#endif
