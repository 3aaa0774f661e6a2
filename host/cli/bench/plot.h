/* plot.h: line and point plots as inline SVG. */
#ifndef PV_CLI_BENCH_PLOT_H
#define PV_CLI_BENCH_PLOT_H

#include <stdbool.h>
#include <stdio.h>

struct pv_plot_axis {
    const char *label;
    bool logarithmic; /* then from > 0 */
    double from, to;
};

struct pv_plot {
    FILE *out;
    struct pv_plot_axis x, y;
};

/* Widens an axis so that value lies on it; start with from > to for an empty one. */
void pv_plot_include(struct pv_plot_axis *axis, double value);

/* The frame with ticks and labels; the axes are rounded outwards. Points and lines follow, then end. */
void pv_plot_begin(struct pv_plot *plot, const char *title);
/* A line through points; colour: 0, 1, 2 ... counts through the palette; -1 is grey and dashed. */
void pv_plot_line(const struct pv_plot *plot, int colour, const double *x, const double *y, int count);
/* A dot that says `words` when pointed at. */
void pv_plot_point(const struct pv_plot *plot, int colour, double x, double y, double radius, const char *words);
/* A line of the legend; place counts from 0. */
void pv_plot_legend(const struct pv_plot *plot, int place, int colour, const char *words);
void pv_plot_end(const struct pv_plot *plot);

/* Text with &, <, > and " escaped. */
void pv_html_text(FILE *out, const char *text);

#endif
