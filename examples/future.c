/* future.c: the whole of prevue from C: reads a clip, predicts one second more, writes the joined clip.
 *
 *     cc future.c $(pkg-config --cflags --libs prevue prevue-clip) -o future
 *     ./future models/nano.safetensors drop.mp4 future.mp4
 *
 * To stay short it runs everything on one thread and takes clips whose size the model can run at. */
#include <prevue/clip.h>
#include <prevue/prevue.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(call, message)                                                                                           \
    if ((call) != PV_OK) {                                                                                             \
        fprintf(stderr, "future: %s\n", message);                                                                      \
        return 1;                                                                                                      \
    }

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "usage: future MODEL CLIP OUT\n"), 2;

    pv_model *model;
    CHECK(pv_model_open(argv[1], NULL, &model), pv_model_message(model))
    pv_model_info about = {.struct_size = sizeof about};
    CHECK(pv_model_get_info(model, &about), pv_model_message(model))

    pv_clip_reader_params in;
    pv_clip_reader_params_init(&in);
    in.fps_num = about.fps_num, in.fps_den = about.fps_den;
    in.width = about.width, in.height = about.height;
    pv_clip_reader *reader;
    CHECK(pv_clip_reader_open(argv[2], &in, &reader), pv_clip_reader_message(reader))

    pv_clip_writer_params out;
    pv_clip_writer_params_init(&out);
    out.width = about.width, out.height = about.height;
    out.fps_num = about.fps_num, out.fps_den = about.fps_den;
    out.overwrite = 1;
    pv_clip_writer *writer;
    CHECK(pv_clip_writer_open(argv[3], &out, &writer), pv_clip_writer_message(writer))

    pv_rollout *rollout;
    CHECK(pv_rollout_open(model, NULL, &rollout), pv_rollout_message(rollout))
    const size_t stride = (size_t)about.width * 3;
    pv_frame frame = {malloc(stride * (size_t)about.height), stride, about.width, about.height, 0};

    pv_status status; /* every observed frame joins the context and is written as it is */
    while ((status = pv_clip_reader_receive(reader, &frame, NULL)) == PV_OK) {
        CHECK(pv_rollout_send(rollout, &frame, NULL), pv_rollout_message(rollout))
        CHECK(pv_clip_writer_send(writer, &frame), pv_clip_writer_message(writer))
    }
    CHECK(status == PV_END ? PV_OK : status, pv_clip_reader_message(reader))
    for (int i = 0; i < about.fps_num / about.fps_den; i++) { /* and one second of what comes next */
        CHECK(pv_rollout_predict(rollout, NULL), pv_rollout_message(rollout))
        CHECK(pv_rollout_receive(rollout, &frame), pv_rollout_message(rollout))
        CHECK(pv_clip_writer_send(writer, &frame), pv_clip_writer_message(writer))
    }
    CHECK(pv_clip_writer_finish(writer), pv_clip_writer_message(writer))
    free(frame.data);
    pv_rollout_close(rollout), pv_clip_writer_close(writer), pv_clip_reader_close(reader), pv_model_close(model);
    return 0;
}
