/* shared.cpp: finds where shared memory lies: the names, places and sizes of static shared variables are in the symbol
 * table of the program or library that has the kernel, as thread_local variables of functions. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "machine.h"

/* The one name of dynamic shared memory. */
__shared__ __align__(1024) unsigned char pv_shared[pv_emulator::SHARED_BYTES_MAX];

namespace pv_emulator
{

shared_memory shared;

/* The program or library that this code, and so every kernel that it runs, is linked into. */
struct module_search {
    std::string path;
    uintptr_t tls_bytes;
};

static int visit_module(dl_phdr_info *info, size_t, void *context)
{
    module_search &s = *(module_search *)context;
    bool here = false;
    uintptr_t tls_bytes = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &p = info->dlpi_phdr[i];
        here |= p.p_type == PT_LOAD && (uintptr_t)visit_module - (info->dlpi_addr + p.p_vaddr) < p.p_memsz;
        if (p.p_type == PT_TLS)
            tls_bytes = p.p_memsz;
    }
    if (here)
        s = {info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", tls_bytes};
    return here;
}

/* Calls visit(name, offset in the TLS block, bytes) for every thread_local variable in the symbol table of an ELF file.
 */
template <class F> static void each_tls_symbol(const char *path, F visit)
{
    const int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0)
        return;
    const size_t bytes = (size_t)status.st_size;
    void *mapped = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        return;
    const char *image = (const char *)mapped;
    const auto *header = (const ElfW(Ehdr) *)image;
    const auto *section = (const ElfW(Shdr) *)(image + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++) {
        if (section[i].sh_type != SHT_SYMTAB)
            continue;
        const auto *symbol = (const ElfW(Sym) *)(image + section[i].sh_offset);
        const char *names = image + section[section[i].sh_link].sh_offset;
        for (size_t k = 0; k < section[i].sh_size / sizeof *symbol; k++)
            if (ELF64_ST_TYPE(symbol[k].st_info) == STT_TLS && symbol[k].st_shndx != SHN_UNDEF)
                visit(names + symbol[k].st_name, (uintptr_t)symbol[k].st_value, (uintptr_t)symbol[k].st_size);
    }
    munmap(mapped, bytes);
}

/* "_ZZ6kernelPfE4tile" -> "tile": the last name of a variable of a function. */
static std::string short_name(const std::string &mangled)
{
    for (size_t i = mangled.size(); i-- > 0;)
        if (mangled[i] >= '0' && mangled[i] <= '9' && (i == 0 || mangled[i - 1] < '0' || mangled[i - 1] > '9')) {
            char *name;
            const unsigned long length = strtoul(&mangled[i], &name, 10);
            if (length > 0 && length <= strlen(name))
                return std::string(name, length);
        }
    return mangled;
}

static void read_variables()
{
    module_search module;
    dl_iterate_phdr(visit_module, &module);
    shared.bytes = module.tls_bytes;
    shared.owner.assign(shared.bytes, 0);
    shared.room.assign(shared.bytes, 0);
    each_tls_symbol(module.path.c_str(), [](const char *name, uintptr_t offset, uintptr_t bytes) {
        const bool of_function = strncmp(name, "_ZZ", 3) == 0, dynamic = strcmp(name, "pv_shared") == 0;
        if (!of_function && !dynamic)
            return;
        shared.all.push_back({offset, bytes, of_function ? short_name(name) : "dynamic shared memory"});
        if (dynamic)
            shared.dynamic_offset = offset;
        for (uintptr_t i = 0; i < bytes; i++) {
            shared.owner[offset + i] = (uint16_t)shared.all.size();
            shared.room[offset + i] = (uint32_t)(bytes - i);
        }
    });
    if (shared.all.empty()) {
        fprintf(stderr, "emulator: %s has no symbol table, which names the shared variables\n", module.path.c_str());
        abort();
    }
}

void shared_find()
{
    pv_shared[0] = 0; /* a library's thread_local storage is made when it is first touched */
    if (shared.all.empty())
        read_variables();
    shared.low = (uintptr_t)pv_shared - shared.dynamic_offset;
}

bool is_shared_memory(const void *memory)
{
    return (uintptr_t)memory - shared.low < shared.bytes && shared.owner[(uintptr_t)memory - shared.low] != 0;
}

std::string shared_place(const void *memory)
{
    const uintptr_t offset = (uintptr_t)memory - shared.low;
    if (!is_shared_memory(memory))
        return "no shared memory";
    const shared_memory::variable &v = shared.all[shared.owner[offset] - 1u];
    return "byte " + std::to_string(offset - v.offset) + " of " + v.name;
}

void shared_poison(size_t dynamic_bytes)
{
    for (const shared_memory::variable &v : shared.all)
        memset((void *)(shared.low + v.offset), 0xff, v.offset == shared.dynamic_offset ? dynamic_bytes : v.bytes);
}

} // namespace pv_emulator
