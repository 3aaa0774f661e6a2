/* table.h: rows as Markdown tables. */
#ifndef PV_CLI_BENCH_TABLE_H
#define PV_CLI_BENCH_TABLE_H

#include <jansson.h>

/* A line about the machine, a table of all rows but those of ops, and a table of those, longest first. */
void pv_bench_print_tables(const json_t *machine, json_t *rows);

/* What a cell says; "" for null. Also on the page. */
enum { PV_BENCH_CELL = 200 };
struct pv_bench_cell {
    const char *head; /* of the column */
    const char *key;
    char unit; /* 'm' a time, 'r' a ratio, 'b' bytes, 'c' a count, 'p' percent, 't' text, 'i' integer */
};
/* The columns of the table of all rows; head NULL past the last. */
const struct pv_bench_cell *pv_bench_cells(void);
void pv_bench_cell_text(const struct pv_bench_cell *cell, const json_t *row, char text[PV_BENCH_CELL]);

#endif
