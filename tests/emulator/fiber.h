/* fiber.h: a stack and the place where it goes on: what a CUDA thread is here. Fibers never change their host thread.
 */
#ifndef PV_EMULATOR_FIBER_H
#define PV_EMULATOR_FIBER_H

#include <cstddef>

struct fiber {
    void *stack_pointer; /* while it does not run */
};

/* The fiber will call entry, which must never return, on stack[0 .. bytes). */
void fiber_prepare(fiber &f, char *stack, size_t bytes, void (*entry)());
/* Goes on with `to`; returns when something goes on with `from`. */
void fiber_switch(fiber &from, fiber &to);

#endif
