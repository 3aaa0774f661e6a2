/* compiler.h: the few compiler attributes prevue uses, behind macros, so that C11 is all the code asks for. */
#ifndef PV_BASE_COMPILER_H
#define PV_BASE_COMPILER_H

#if defined(__GNUC__)
#define PV_PRINTF(string, first) __attribute__((format(printf, string, first)))
#define PV_UNUSED                __attribute__((unused))
#define PV_INLINE                inline __attribute__((always_inline)) /* into every version of a PV_MULTIVERSION caller */
#else
#define PV_PRINTF(string, first)
#define PV_UNUSED
#define PV_INLINE inline
#endif

/* A function compiled once for each x86-64 level and chosen at run time by the loader (function multiversioning).
 * Off under sanitizers, whose start-up does not run before the resolvers do. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) &&                       \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(PV_NO_MULTIVERSION)
#define PV_MULTIVERSION __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PV_MULTIVERSION
#endif

#endif
