/* glyphs.h: a picture as bytes that a terminal shows: coloured blocks, sixels or kitty's own pictures, whichever it is
 * known to understand. libchafa does it (glyphs_chafa.c); a build without it can show none (glyphs_none.c). */
#ifndef PV_CLI_GLYPHS_H
#define PV_CLI_GLYPHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pv_glyphs;

/* A place on the terminal, in its cells, and how large one is in pixels. */
struct pv_glyph_area {
    int columns, rows;
    int cell_width, cell_height;
    bool cell_known; /* the terminal has told; else they are a guess, which is no harm to coloured blocks */
};

/* For the terminal that the environment speaks of. NULL when it can show no colours, or there is no memory. */
struct pv_glyphs *pv_glyphs_open(void);

/* Does the terminal stretch pictures to their cells? Then fewer pixels than it has are enough. */
bool pv_glyphs_stretch(const struct pv_glyphs *glyphs);

/* rgba: [rows * cell_height][columns * cell_width][4], alpha 0 or 255. *text begins at the upper left corner; lines end
 * with \n. It belongs to glyphs until the next call; NULL when there is no memory. */
void pv_glyphs_encode(struct pv_glyphs *glyphs, const struct pv_glyph_area *area, const uint8_t *rgba,
                      const char **text, size_t *length);

/* What takes an older picture away that begins where the cursor is; "" where overwriting does. Static. */
const char *pv_glyphs_erase(const struct pv_glyphs *glyphs, const struct pv_glyph_area *area);

/* NULL is allowed. */
void pv_glyphs_close(struct pv_glyphs *glyphs);

#endif
