/* vector_types.h: CUDA's small vectors, with its alignments: a float4 not on 16 bytes is a fault here as there. */
#ifndef PV_EMULATOR_VECTOR_TYPES_H
#define PV_EMULATOR_VECTOR_TYPES_H

#ifdef __cplusplus
#define PV_VECTORS(type, base, align2, align4)                                                                         \
    struct base##1                                                                                                     \
    {                                                                                                                  \
        type x;                                                                                                        \
    };                                                                                                                 \
    struct alignas(align2) base##2                                                                                     \
    {                                                                                                                  \
        type x, y;                                                                                                     \
    };                                                                                                                 \
    struct base##3                                                                                                     \
    {                                                                                                                  \
        type x, y, z;                                                                                                  \
    };                                                                                                                 \
    struct alignas(align4) base##4                                                                                     \
    {                                                                                                                  \
        type x, y, z, w;                                                                                               \
    };                                                                                                                 \
    inline base##1 make_##base##1(type x)                                                                              \
    {                                                                                                                  \
        return {x};                                                                                                    \
    }                                                                                                                  \
    inline base##2 make_##base##2(type x, type y)                                                                      \
    {                                                                                                                  \
        return {x, y};                                                                                                 \
    }                                                                                                                  \
    inline base##3 make_##base##3(type x, type y, type z)                                                              \
    {                                                                                                                  \
        return {x, y, z};                                                                                              \
    }                                                                                                                  \
    inline base##4 make_##base##4(type x, type y, type z, type w)                                                      \
    {                                                                                                                  \
        return {x, y, z, w};                                                                                           \
    }

PV_VECTORS(signed char, char, 2, 4)
PV_VECTORS(unsigned char, uchar, 2, 4)
PV_VECTORS(short, short, 4, 8)
PV_VECTORS(unsigned short, ushort, 4, 8)
PV_VECTORS(int, int, 8, 16)
PV_VECTORS(unsigned, uint, 8, 16)
PV_VECTORS(long long, longlong, 16, 16)
PV_VECTORS(unsigned long long, ulonglong, 16, 16)
PV_VECTORS(float, float, 8, 16)
PV_VECTORS(double, double, 16, 16)
#undef PV_VECTORS

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
#else
struct dim3 {
    unsigned x, y, z;
};
typedef struct dim3 dim3;
#endif
#endif
