/* test_path.c: the folder of a name, and names that lead to one file. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "scratch_folder.h"

Test(path, folders)
{
    static const char *const cases[][2] = {
        {"shot.mp4", "./"}, {"a/shot.mp4", "a/"}, {"/a/b/shot.mp4", "/a/b/"},
        {"/shot.mp4", "/"}, {"a/", "a/"},         {"", "./"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = pv_path_folder(cases[i][0]);
        cr_expect_str_eq(folder, cases[i][1], "of '%s'", cases[i][0]);
        free(folder);
    }
}

Test(path, one_file_has_many_names)
{
    const struct folder f = folder_open();
    const char *a = folder_path(&f, "a"), *b = folder_path(&f, "b"), *linked = folder_path(&f, "linked"),
               *hard = folder_path(&f, "hard"), *none = folder_path(&f, "none");
    folder_write_text(&f, "a", "the same words");
    folder_write_text(&f, "b", "the same words");
    cr_assert(symlink(a, linked) == 0 && link(a, hard) == 0);
    cr_expect(pv_path_is_same(a, a) && pv_path_is_same(a, linked) && pv_path_is_same(hard, a));
    cr_expect_not(pv_path_is_same(a, b));
    cr_expect_not(pv_path_is_same(a, none));
    folder_close(&f);
}

Test(path, a_file_that_is_not_there_yet_has_many_names_too)
{
    const struct folder f = folder_open();
    const char *none = folder_path(&f, "none"), *around = folder_path(&f, "./none"), *other = folder_path(&f, "other"),
               *lost = folder_path(&f, "no folder/none");
    cr_expect(pv_path_is_same(none, none) && pv_path_is_same(none, around));
    cr_expect_not(pv_path_is_same(none, other));
    cr_expect_not(pv_path_is_same(none, lost) || pv_path_is_same(lost, lost));
    folder_close(&f);
}
