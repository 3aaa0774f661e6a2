/* plot.c: where values lie in a picture, ticks that are round numbers, and the SVG of it. */
#include "bench/plot.h"

#include <math.h>

enum { WIDTH = 640, HEIGHT = 360, LEFT = 64, RIGHT = 16, TOP = 34, BOTTOM = 48, PALETTE = 6, TICKS = 6 };

void pv_html_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*text, out);
        }
    }
}

void pv_plot_include(struct pv_plot_axis *axis, double value)
{
    static const double least = 1e-18, most = 1e18; /* beyond, round steps are lost in rounding */
    if (!(fabs(value) <= most) || (axis->logarithmic && value < least))
        return;
    if (axis->from > axis->to) {
        axis->from = axis->to = value;
    } else {
        axis->from = fmin(axis->from, value);
        axis->to = fmax(axis->to, value);
    }
}

/* 1, 2 or 5 times a power of ten: no more than TICKS of them in a span. */
static double round_step(double span)
{
    const double rough = span / TICKS, power = pow(10, floor(log10(rough)));
    const double steps[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (steps[i] * power >= rough)
            return steps[i] * power;
    return 10 * power;
}

static void round_outwards(struct pv_plot_axis *axis)
{
    if (axis->from > axis->to) { /* nothing was included */
        axis->from = axis->logarithmic ? 1 : 0;
        axis->to = 10;
    }
    if (axis->logarithmic) {
        axis->from = pow(10, floor(log10(axis->from)));
        axis->to = pow(10, ceil(log10(axis->to) + 1e-9));
        return;
    }
    if (axis->to <= axis->from)
        axis->to = axis->from + fmax(1, fabs(axis->from) / 10);
    const double step = round_step(axis->to - axis->from);
    axis->from = floor(axis->from / step) * step;
    axis->to = ceil(axis->to / step) * step;
}

/* 0 to 1 along the axis. */
static double part_of(const struct pv_plot_axis *axis, double value)
{
    if (axis->logarithmic)
        return log10(value / axis->from) / log10(axis->to / axis->from);
    return (value - axis->from) / (axis->to - axis->from);
}

static double place_x(const struct pv_plot *p, double x)
{
    return LEFT + part_of(&p->x, x) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct pv_plot *p, double y)
{
    return HEIGHT - BOTTOM - part_of(&p->y, y) * (HEIGHT - TOP - BOTTOM);
}

static void draw_tick(const struct pv_plot *p, bool horizontal, double value)
{
    if (horizontal) {
        const double x = place_x(p, value);
        fprintf(p->out,
                "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text class=\"tick\" x=\"%.1f\" y=\"%d\" "
                "text-anchor=\"middle\">%g</text>\n",
                x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 16, value);
    } else {
        const double y = place_y(p, value);
        fprintf(p->out,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"tick\" x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%g</text>\n",
                LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, value);
    }
}

static void draw_ticks(const struct pv_plot *p, const struct pv_plot_axis *axis)
{
    const bool horizontal = axis == &p->x;
    if (axis->logarithmic) {
        for (double value = axis->from; value <= axis->to * 1.001; value *= 10)
            draw_tick(p, horizontal, value);
        return;
    }
    const double step = round_step(axis->to - axis->from);
    for (int i = 0; axis->from + i * step <= axis->to + step / 1000; i++)
        draw_tick(p, horizontal, axis->from + i * step);
}

void pv_plot_begin(struct pv_plot *plot, const char *title)
{
    round_outwards(&plot->x);
    round_outwards(&plot->y);
    fprintf(plot->out, "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\">\n<text class=\"title\" x=\"%d\" y=\"18\">",
            WIDTH, HEIGHT, LEFT);
    pv_html_text(plot->out, title);
    fputs("</text>\n", plot->out);
    draw_ticks(plot, &plot->x);
    draw_ticks(plot, &plot->y);
    fprintf(plot->out, "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 10);
    pv_html_text(plot->out, plot->x.label);
    fprintf(plot->out,
            "</text>\n<text class=\"label\" transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + HEIGHT - BOTTOM) / 2);
    pv_html_text(plot->out, plot->y.label);
    fputs("</text>\n", plot->out);
}

static void put_class(const struct pv_plot *p, const char *kind, int colour)
{
    if (colour < 0)
        fprintf(p->out, "class=\"%s limit\"", kind);
    else
        fprintf(p->out, "class=\"%s c%d\"", kind, colour % PALETTE);
}

void pv_plot_line(const struct pv_plot *plot, int colour, const double *x, const double *y, int count)
{
    fputs("<path ", plot->out);
    put_class(plot, "line", colour);
    fputs(" d=\"", plot->out);
    for (int i = 0; i < count; i++)
        fprintf(plot->out, "%c%.1f %.1f", i ? 'L' : 'M', place_x(plot, x[i]), place_y(plot, y[i]));
    fputs("\"/>\n", plot->out);
}

void pv_plot_point(const struct pv_plot *plot, int colour, double x, double y, double radius, const char *words)
{
    fputs("<circle ", plot->out);
    put_class(plot, "point", colour);
    fprintf(plot->out, " cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>", place_x(plot, x), place_y(plot, y), radius);
    pv_html_text(plot->out, words);
    fputs("</title></circle>\n", plot->out);
}

void pv_plot_legend(const struct pv_plot *plot, int place, int colour, const char *words)
{
    const int y = TOP + 14 + 15 * place;
    fprintf(plot->out, "<path ");
    put_class(plot, "line", colour);
    fprintf(plot->out, " d=\"M%d %dh18\"/><text class=\"legend\" x=\"%d\" y=\"%d\">", LEFT + 10, y - 4, LEFT + 34, y);
    pv_html_text(plot->out, words);
    fputs("</text>\n", plot->out);
}

void pv_plot_end(const struct pv_plot *plot)
{
    fputs("</svg></figure>\n", plot->out);
}
