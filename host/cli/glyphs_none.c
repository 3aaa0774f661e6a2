/* glyphs_none.c: see glyphs.h. A build without libchafa shows no pictures. */
#include "glyphs.h"

struct pv_glyphs *pv_glyphs_open(void)
{
    return NULL;
}

bool pv_glyphs_stretch(const struct pv_glyphs *glyphs)
{
    (void)glyphs;
    return false;
}

void pv_glyphs_encode(struct pv_glyphs *glyphs, const struct pv_glyph_area *area, const uint8_t *rgba,
                      const char **text, size_t *length)
{
    (void)glyphs, (void)area, (void)rgba;
    *text = NULL;
    *length = 0;
}

const char *pv_glyphs_erase(const struct pv_glyphs *glyphs, const struct pv_glyph_area *area)
{
    (void)glyphs, (void)area;
    return "";
}

void pv_glyphs_close(struct pv_glyphs *glyphs)
{
    (void)glyphs;
}
