/* tensor.cpp: tensor maps, made with the checks of the driver, and copies of boxes of tensors to shared memory. Their
 * bytes come as late as they may, the last copy first: when no thread can go on, and one waits for them. */
#include "machine.h"

namespace pv_emulator
{

enum { RANK_MAX = 5, BOX_MAX = 256 };

/* What a CUtensorMap holds here. */
struct tensor {
    uint64_t mark;
    const char *place;
    uint64_t size[RANK_MAX], stride[RANK_MAX - 1]; /* elements; bytes */
    uint16_t box[RANK_MAX];
    uint8_t rank, element_bytes, swizzle;
};
static_assert(sizeof(tensor) <= sizeof(CUtensorMap), "a map holds a tensor");
constexpr uint64_t TENSOR_MARK = 0x70616d726f736e74;

struct box_copy {
    tensor from;
    int64_t begin[RANK_MAX];
    char *to;
    int barrier;
};

static std::vector<box_copy> copies; /* of the running block, on their way */

void copies_start_block()
{
    copies.clear();
}

bool copies_are_left()
{
    return !copies.empty();
}

static int64_t box_elements(const tensor &t)
{
    int64_t count = 1;
    for (int i = 0; i < t.rank; i++)
        count *= t.box[i];
    return count;
}

/* Calls visit(index in the box, address; NULL beyond the tensor) for every element of a box. */
template <class F> static void each_element(const tensor &t, const int64_t *begin, F visit)
{
    const int64_t count = box_elements(t);
    for (int64_t i = 0; i < count; i++) {
        int64_t left = i;
        const char *address = t.place;
        for (int d = 0; d < t.rank && address; d++) {
            const int64_t at = begin[d] + left % t.box[d];
            left /= t.box[d];
            if (at < 0 || at >= (int64_t)t.size[d])
                address = nullptr;
            else
                address += at * (int64_t)(d == 0 ? t.element_bytes : t.stride[d - 1]);
        }
        visit(i, address);
    }
}

void tensor_copy(void *to, const CUtensorMap *map, const int *begin, int rank, uint64_t *barrier, site at)
{
    box_copy c = {};
    memcpy(&c.from, map, sizeof c.from);
    const tensor &t = c.from;
    if (t.mark != TENSOR_MARK)
        fault(nullptr, "copies by a map that cuTensorMapEncodeTiled has not made, at %s", describe(at).c_str());
    if (t.rank != rank)
        fault(nullptr, "copies in %d dimensions by a map of %d, at %s", rank, t.rank, describe(at).c_str());
    const uintptr_t alignment = t.swizzle == CU_TENSOR_MAP_SWIZZLE_NONE ? 128 : 128u << t.swizzle;
    if ((uintptr_t)to % alignment != 0)
        fault(nullptr, "copies a box to %p, which is not on %ju bytes, at %s", to, (uintmax_t)alignment,
              describe(at).c_str());
    c.to = (char *)to;
    c.barrier = barrier_of_copy(barrier, at);
    for (int d = 0; d < rank; d++)
        c.begin[d] = begin[d];
    const char *checked = nullptr;
    each_element(t, c.begin, [&](int64_t, const char *address) {
        if (!address || (checked && (uintptr_t)address / 16 == (uintptr_t)checked / 16))
            return;
        checked = address;
        check_box_read(address, t.element_bytes, at);
    });
    const size_t bytes = (size_t)box_elements(t) * t.element_bytes;
    check_box_begins(to, bytes, at);
    memset(to, 0xff, bytes);
    copies.push_back(c);
}

/* Where byte i of a box lies: chunks of 16 bytes change places with the address of their line of 128. */
static char *swizzled(const tensor &t, char *to, size_t i)
{
    const uintptr_t address = (uintptr_t)to + i, line = address >> 7;
    return (char *)(address ^ (line & ((1u << t.swizzle) - 1)) << 4);
}

static void finish_copy(const box_copy &c)
{
    const size_t element = c.from.element_bytes;
    each_element(c.from, c.begin, [&](int64_t i, const char *address) {
        char *const to = swizzled(c.from, c.to, (size_t)i * element);
        if (address)
            memcpy(to, address, element);
        else
            memset(to, 0, element);
    });
    const int64_t bytes = box_elements(c.from) * (int64_t)element;
    check_box_ends(c.to, (size_t)bytes, c.barrier);
    bytes_arrive(c.barrier, bytes);
}

bool finish_a_copy()
{
    for (size_t i = copies.size(); i-- > 0;) {
        const box_copy c = copies[i];
        if (!is_waited_for(c.barrier))
            continue;
        copies.erase(copies.begin() + (ptrdiff_t)i);
        finish_copy(c);
        return true;
    }
    return false;
}

} // namespace pv_emulator

using namespace pv_emulator;

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *address,
                                const cuuint64_t *sizes, const cuuint64_t *strides, const cuuint32_t *box,
                                const cuuint32_t *steps, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill)
{
    const cuuint64_t element = 2;
    if ((uintptr_t)map % 64 != 0 || type != CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 || rank < 1 || rank > RANK_MAX ||
        (uintptr_t)address % 16 != 0 || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE ||
        swizzle > CU_TENSOR_MAP_SWIZZLE_128B || promotion > CU_TENSOR_MAP_L2_PROMOTION_L2_256B ||
        fill != CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE)
        return CUDA_ERROR_INVALID_VALUE;
    tensor t = {};
    t.mark = TENSOR_MARK;
    t.place = (const char *)address;
    t.rank = (uint8_t)rank;
    t.element_bytes = (uint8_t)element;
    t.swizzle = (uint8_t)swizzle;
    for (cuuint32_t i = 0; i < rank; i++) {
        if (sizes[i] == 0 || sizes[i] > (cuuint64_t)1 << 32 || box[i] == 0 || box[i] > BOX_MAX || steps[i] != 1)
            return CUDA_ERROR_INVALID_VALUE;
        t.size[i] = sizes[i];
        t.box[i] = (uint16_t)box[i];
        if (i + 1 == rank)
            break;
        if (strides[i] % 16 != 0 || strides[i] >= (cuuint64_t)1 << 40)
            return CUDA_ERROR_INVALID_VALUE;
        t.stride[i] = strides[i];
    }
    const cuuint64_t inner = box[0] * element;
    if (inner % 16 != 0 || (swizzle != CU_TENSOR_MAP_SWIZZLE_NONE && inner > 16u << swizzle))
        return CUDA_ERROR_INVALID_VALUE;
    *map = {};
    memcpy(map, &t, sizeof t);
    return CUDA_SUCCESS;
}
