/* launch.h: PV_LAUNCH(kernel, grid, block, smem_bytes, stream, args...), an expression: 0 or the runtime's code. The
 * arguments are copied, as a real launch does, so that a captured launch can be replayed; then every thread of every
 * block calls the kernel with them. */
#ifndef PV_EMULATOR_LAUNCH_H
#define PV_EMULATOR_LAUNCH_H

#include <tuple>
#include <type_traits>
#include <utility>

namespace pv_emulator
{

struct launch {
    const void *kernel_address;
    dim3 grid, block;
    size_t shared_bytes;
    size_t own_bytes; /* of the whole object: a kernel may read its arguments */

    virtual void call() const = 0;
    virtual ~launch() = default;
};

template <class... P> struct bound_launch : launch {
    void (*kernel)(P...);
    std::tuple<std::decay_t<P>...> arguments;

    template <class... A>
    explicit bound_launch(void (*kernel_)(P...), A &&...argument)
        : kernel(kernel_), arguments(std::forward<A>(argument)...)
    {
    }
    void call() const override
    {
        std::apply(kernel, arguments);
    }
};

/* Runs it, or records it when the stream is being captured. Owns it from now on. */
cudaError_t submit(launch *l, cudaStream_t stream);

template <class... P, class... A>
int launch_kernel(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, void *stream, A &&...argument)
{
    static_assert(sizeof...(P) == sizeof...(A), "a kernel is launched with all its arguments");
    auto *l = new bound_launch<P...>(kernel, static_cast<std::decay_t<P>>(argument)...);
    l->kernel_address = (const void *)kernel;
    l->grid = grid;
    l->block = block;
    l->shared_bytes = shared_bytes;
    l->own_bytes = sizeof *l;
    return (int)submit(l, (cudaStream_t)stream);
}

} // namespace pv_emulator

#define PV_LAUNCH(kernel, grid, block, smem_bytes, stream, ...)                                                        \
    pv_emulator::launch_kernel(kernel, grid, block, smem_bytes, stream, ##__VA_ARGS__)
#endif
