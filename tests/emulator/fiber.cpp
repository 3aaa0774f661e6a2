/* fiber.cpp: switching stacks on x86-64: the registers that a call preserves are enough. swapcontext
 * (fiber_ucontext.cpp) saves the signal mask with a system call, which would be most of the time of a shuffle. */
#include "fiber.h"

#include <cstdint>

extern "C" __attribute__((visibility("hidden"))) void pv_emulator_switch_stack(void **from, void *to);

__asm__(".text\n"
        ".hidden pv_emulator_switch_stack\n"
        ".globl pv_emulator_switch_stack\n"
        ".type pv_emulator_switch_stack, @function\n"
        "pv_emulator_switch_stack:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size pv_emulator_switch_stack, . - pv_emulator_switch_stack\n");

void fiber_prepare(fiber &f, char *stack, size_t bytes, void (*entry)())
{
    enum { SAVED = 6 };
    void **top = (void **)(((uintptr_t)stack + bytes) & ~(uintptr_t)15);
    *--top = nullptr; /* entry's return address: there is none, and it keeps the stack aligned as after a call */
    *--top = (void *)entry;
    for (int i = 0; i < SAVED; i++)
        *--top = nullptr;
    f.stack_pointer = top;
}

void fiber_switch(fiber &from, fiber &to)
{
    pv_emulator_switch_stack(&from.stack_pointer, to.stack_pointer);
}
