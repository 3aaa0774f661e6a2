/* Words on frames, and single pictures: looked at in pixels. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "clip/clip_fixture.h"

TestSuite(lettering, .init = enter_folder, .fini = leave_folder, .timeout = 60);

enum { WIDTH = 320, HEIGHT = 120, SIZE = 20 };

static const pv_clip_label left_label = {.x = 8, .baseline = 60, .size = SIZE, .rgb = 0xffffff};

static pv_frame plain(uint8_t grey)
{
    pv_frame frame = new_frame(WIDTH, HEIGHT);
    memset(frame.data, grey, frame.stride * HEIGHT);
    return frame;
}

static void draw(pv_frame *frame, const pv_clip_label *labels, int count, const char *const words[])
{
    pv_clip_lettering *lettering;
    char message[PV_CLIP_MESSAGE_SIZE];
    cr_assert_eq(pv_clip_lettering_open(frame->width, frame->height, NULL, labels, count, &lettering, message), PV_OK,
                 "%s", message);
    cr_assert_eq(pv_clip_lettering_draw(lettering, frame, words), PV_OK);
    pv_clip_lettering_close(lettering);
}

/* Where pixels differ from grey. */
struct box {
    int left, right, top, bottom, count;
};
static struct box changed(const pv_frame *frame, uint8_t grey)
{
    struct box box = {WIDTH, -1, HEIGHT, -1, 0};
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const uint8_t *p = frame->data + (size_t)y * frame->stride + 3 * (size_t)x;
            if (p[0] == grey && p[1] == grey && p[2] == grey)
                continue;
            box.left = x < box.left ? x : box.left;
            box.right = x > box.right ? x : box.right;
            box.top = y < box.top ? y : box.top;
            box.bottom = y > box.bottom ? y : box.bottom;
            box.count++;
        }
    return box;
}

/* Light letters, dark outline: both are there whatever is behind. */
Test(lettering, reads_on_light_and_dark)
{
    const uint8_t greys[] = {0, 128, 255};
    for (int i = 0; i < 3; i++) {
        pv_frame frame = plain(greys[i]);
        draw(&frame, &left_label, 1, (const char *const[]){"0123456789 shot"});
        int lightest = 0, darkest = 255;
        for (int x = 0; x < 200; x++)
            for (int y = 40; y < 64; y++) {
                const int value = frame.data[(size_t)y * frame.stride + 3 * (size_t)x];
                lightest = value > lightest ? value : lightest;
                darkest = value < darkest ? value : darkest;
            }
        cr_expect(lightest > 240 && darkest < 40, "on grey %d: from %d to %d", greys[i], darkest, lightest);
        free(frame.data);
    }
}

Test(lettering, stands_where_it_is_put)
{
    const pv_clip_align aligns[] = {PV_CLIP_ALIGN_LEFT, PV_CLIP_ALIGN_CENTRE, PV_CLIP_ALIGN_RIGHT};
    for (int i = 0; i < 3; i++) {
        const pv_clip_label label = {.x = 160, .baseline = 60, .align = aligns[i], .size = SIZE, .rgb = 0xffffff};
        pv_frame frame = plain(90);
        draw(&frame, &label, 1, (const char *const[]){"HHHHHHHHHH"});
        const struct box box = changed(&frame, 90);
        const int width = 120, want_left = i == 0 ? 160 : i == 1 ? 160 - width / 2 : 160 - width;
        cr_expect(abs(box.left - want_left) <= 5 && abs(box.right - (want_left + width)) <= 5, "align %d: %d to %d", i,
                  box.left, box.right);
        cr_expect(abs(box.bottom - 60) <= 3 && abs(box.top - (60 - 15)) <= 4, "align %d: rows %d to %d", i, box.top,
                  box.bottom);
        free(frame.data);
    }
}

/* Letters with and without a descender share a baseline. */
Test(lettering, does_not_jump_with_its_words)
{
    pv_frame a = plain(90), b = plain(90);
    draw(&a, &left_label, 1, (const char *const[]){"xxxx"});
    draw(&b, &left_label, 1, (const char *const[]){"xxxxg"});
    int different = 0;
    for (int y = 0; y < HEIGHT; y++)
        different += memcmp(a.data + (size_t)y * a.stride, b.data + (size_t)y * b.stride, 3 * 50) != 0;
    cr_expect_eq(different, 0, "%d rows of the same four letters differ", different);
    free(a.data);
    free(b.data);
}

Test(lettering, takes_any_words_and_leaves_empty_places_alone)
{
    const pv_clip_label labels[2] = {left_label, {.x = 8, .baseline = 100, .size = SIZE, .rgb = 0xff8800}};
    pv_frame frame = plain(90);
    draw(&frame, labels, 2, (const char *const[]){NULL, ""});
    cr_expect_eq(changed(&frame, 90).count, 0);
    draw(&frame, labels, 2, (const char *const[]){"a:b'%{n}\\,[x];=", ""});
    const struct box box = changed(&frame, 90);
    cr_expect(box.right > 8 + 13 * 12 && box.bottom < 70, "to column %d, row %d", box.right, box.bottom);
    free(frame.data);
}

Test(lettering, a_missing_font_is_said)
{
    pv_clip_lettering *lettering;
    char message[PV_CLIP_MESSAGE_SIZE];
    cr_expect_eq(pv_clip_lettering_open(64, 64, "no such.ttf", &left_label, 1, &lettering, message),
                 PV_ERR_UNSUPPORTED);
    cr_expect_not_null(strstr(message, "no such.ttf"), "%s", message);
    cr_expect_null(lettering);
    cr_expect_eq(pv_clip_lettering_open(64, 64, NULL, &left_label, 0, &lettering, message), PV_ERR_ARGUMENT);
}

Test(lettering, a_picture_is_saved_bit_for_bit_and_never_over_another)
{
    char message[PV_CLIP_MESSAGE_SIZE];
    pv_frame frame = new_frame(33, 21);
    paint(&frame, 3);
    cr_assert_eq(pv_clip_picture_save("a.png", &frame, 0, message), PV_OK, "%s", message);
    struct reading back = read_clip("a.png", NULL);
    cr_assert(back.opened == PV_OK && back.count == 1, "%s", back.message);
    for (int y = 0; y < 21; y++)
        cr_expect_arr_eq(pixel(&back, 0, 0, y), frame.data + (size_t)y * frame.stride, 3 * 33);
    cr_expect_eq(pv_clip_picture_save("a.png", &frame, 0, message), PV_ERR_IO);
    cr_expect_not_null(strstr(message, "a.png"), "%s", message);
    cr_expect_eq(pv_clip_picture_save("a.png", &frame, 1, message), PV_OK, "%s", message);
    cr_expect_eq(pv_clip_picture_save("missing/a.png", &frame, 0, message), PV_ERR_IO);
    cr_expect_not(exists("a.partial.png"));
    free_reading(&back);
    free(frame.data);
}
