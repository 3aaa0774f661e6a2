/* fiber_ucontext.cpp: switching stacks where fiber.cpp knows no registers, with what POSIX had. */
#include "fiber.h"

#include <ucontext.h>

#include <cstdint>

void fiber_prepare(fiber &f, char *stack, size_t bytes, void (*entry)())
{
    /* Its first context lies at the top of its own stack; later ones where it switches away. */
    const size_t left = (bytes - sizeof(ucontext_t)) & ~(size_t)63;
    ucontext_t *const context = (ucontext_t *)(stack + left);
    getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = left;
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    f.stack_pointer = context;
}

void fiber_switch(fiber &from, fiber &to)
{
    ucontext_t here;
    from.stack_pointer = &here;
    swapcontext(&here, (const ucontext_t *)to.stack_pointer);
}
