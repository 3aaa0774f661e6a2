/* test_file_map.c: files mapped and read, and everything that is not a file. The linker sends the library's mmap and
 * read to the functions below, so that a test can make the system refuse. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file_map.h"
#include "base/scratch_folder.h"

static struct {
    int refuse_map;        /* mmap fails */
    size_t most;           /* bytes a read may return; 0: as many as asked for */
    int interrupts;        /* reads to fail with EINTR first */
    int fail_after;        /* reads that work before one fails with EIO; 0: none fails */
    const char *truncated; /* cut to 1 byte at the first read */
} system_does;

void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (system_does.refuse_map) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    return __real_mmap(address, length, protection, flags, fd, offset);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    if (system_does.interrupts > 0 && system_does.interrupts--) {
        errno = EINTR;
        return -1;
    }
    if (system_does.fail_after > 0 && --system_does.fail_after == 0) {
        errno = EIO;
        return -1;
    }
    if (system_does.truncated) {
        cr_assert_eq(truncate(system_does.truncated, 1), 0);
        system_does.truncated = NULL;
    }
    return __real_read(fd, bytes, system_does.most && system_does.most < size ? system_does.most : size);
}

static const char content[] = "eleven bytes, or rather more";

static const char *write_content(const struct folder *folder)
{
    folder_write_text(folder, "file", content);
    return folder_path(folder, "file");
}

static void check_content(const char *path, enum pv_file_access access, bool mapped)
{
    struct pv_file_map map;
    struct pv_error err = {""};
    cr_assert_eq(pv_file_map_open(path, access, &map, &err), PV_OK, "%s", err.text);
    cr_expect_eq(map.mapped, mapped);
    cr_assert_eq(map.size, strlen(content));
    cr_expect_arr_eq(map.data, content, strlen(content));
    pv_file_map_close(&map);
    cr_expect_null(map.data);
    pv_file_map_close(&map);
}

static void refuse(const char *path, pv_status expected, const char *says)
{
    struct pv_file_map map;
    struct pv_error err = {""};
    cr_expect_eq(pv_file_map_open(path, PV_FILE_MAP, &map, &err), expected, "%s", err.text);
    cr_expect_not_null(strstr(err.text, path), "%s", err.text);
    cr_expect_not_null(strstr(err.text, says), "no '%s' in '%s'", says, err.text);
    cr_expect_null(map.data);
}

Test(file_map, maps_or_reads_as_asked)
{
    struct folder folder = folder_open();
    const char *path = write_content(&folder);
    check_content(path, PV_FILE_MAP, true);
    check_content(path, PV_FILE_READ, false);
    folder_close(&folder);
}

Test(file_map, reads_where_mapping_is_refused)
{
    struct folder folder = folder_open();
    const char *path = write_content(&folder);
    system_does.refuse_map = 1;
    check_content(path, PV_FILE_MAP, false);
    system_does.most = 3; /* short reads are no end of file */
    system_does.interrupts = 2;
    check_content(path, PV_FILE_MAP, false);
    folder_close(&folder);
}

Test(file_map, reports_reads_that_fail_and_files_that_shrink)
{
    struct folder folder = folder_open();
    const char *path = write_content(&folder);
    system_does.refuse_map = 1;
    system_does.most = 3;
    system_does.fail_after = 3;
    refuse(path, PV_ERR_IO, "cannot read: Input/output error");
    system_does.truncated = path;
    refuse(path, PV_ERR_IO, "ended after 1 of 28 bytes");
    folder_close(&folder);
}

Test(file_map, opens_an_empty_file)
{
    struct folder folder = folder_open();
    folder_write(&folder, "empty", "", 0);
    struct pv_file_map map;
    cr_assert_eq(pv_file_map_open(folder_path(&folder, "empty"), PV_FILE_MAP, &map, NULL), PV_OK);
    cr_expect_not_null(map.data);
    cr_expect_eq(map.size, 0);
    pv_file_map_close(&map);
    folder_close(&folder);
}

Test(file_map, refuses_what_is_no_file, .timeout = 20)
{
    struct folder folder = folder_open();
    refuse(folder.path, PV_ERR_IO, "is a directory");
    refuse("/dev/null", PV_ERR_IO, "is a device");
    refuse(folder_path(&folder, "absent"), PV_ERR_IO, "No such file");

    const char *pipe_path = folder_path(&folder, "pipe");
    cr_assert_eq(mkfifo(pipe_path, 0666), 0);
    refuse(pipe_path, PV_ERR_IO, "is a pipe"); /* nobody writes to it: a plain open would wait for ever */

    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *socket_path = folder_path(&folder, "socket");
    cr_assert(fd >= 0 && strlen(socket_path) < sizeof address.sun_path);
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    refuse(socket_path, PV_ERR_IO, "cannot open");
    close(fd);

    cr_assert_eq(symlink("loop", folder_path(&folder, "loop")), 0);
    refuse(folder_path(&folder, "loop"), PV_ERR_IO, "cannot open");
    folder_close(&folder);
}
