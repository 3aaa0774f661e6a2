/* glyphs_chafa.c: see glyphs.h. */
#include "glyphs.h"

#include <chafa.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

struct pv_glyphs {
    ChafaTermInfo *terminal;
    ChafaCanvasMode colours;
    ChafaPixelMode pixels; /* when the size of a cell is known; else symbols */
    GString *text;
};

static bool term_begins_with(const char *name)
{
    const char *term = getenv("TERM");
    return term && strncmp(term, name, strlen(name)) == 0;
}

/* Sixteen colours make no picture. libchafa takes a terminal it does not know for one with 256: the old ones that had
 * none are named here. CHAFA_CANVAS_MODE_MAX: no picture. */
static ChafaCanvasMode find_colours(const ChafaTermInfo *terminal)
{
    if (term_begins_with("vt") || term_begins_with("ansi") || term_begins_with("linux"))
        return CHAFA_CANVAS_MODE_MAX;
    return chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT) ? CHAFA_CANVAS_MODE_TRUECOLOR
           : chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256)  ? CHAFA_CANVAS_MODE_INDEXED_240
                                                                                    : CHAFA_CANVAS_MODE_MAX;
}

/* tmux and screen keep the variables of the terminal they were started in, but pass none of its pictures on. */
static bool is_multiplexed(void)
{
    return getenv("TMUX") || term_begins_with("screen") || term_begins_with("tmux");
}

static ChafaPixelMode find_pixels(const ChafaTermInfo *terminal)
{
    if (is_multiplexed())
        return CHAFA_PIXEL_MODE_SYMBOLS;
    return chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1) ? CHAFA_PIXEL_MODE_KITTY
           : chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_BEGIN_SIXELS)                 ? CHAFA_PIXEL_MODE_SIXELS
                                                                                             : CHAFA_PIXEL_MODE_SYMBOLS;
}

struct pv_glyphs *pv_glyphs_open(void)
{
    struct pv_glyphs *glyphs = calloc(1, sizeof *glyphs);
    if (!glyphs)
        return NULL;
    gchar **environment = g_get_environ();
    glyphs->terminal = chafa_term_db_detect(chafa_term_db_get_default(), environment);
    g_strfreev(environment);
    glyphs->colours = find_colours(glyphs->terminal);
    glyphs->pixels = find_pixels(glyphs->terminal);
    if (glyphs->colours != CHAFA_CANVAS_MODE_MAX)
        return glyphs;
    pv_glyphs_close(glyphs);
    return NULL;
}

/* Kitty does, and it is sent every pixel as it is. */
bool pv_glyphs_stretch(const struct pv_glyphs *glyphs)
{
    return glyphs->pixels == CHAFA_PIXEL_MODE_KITTY;
}

static ChafaPixelMode mode_in(const struct pv_glyphs *glyphs, const struct pv_glyph_area *area)
{
    return area->cell_known ? glyphs->pixels : CHAFA_PIXEL_MODE_SYMBOLS;
}

/* Blocks of halves and quarters, which every font has; where the text is not UTF-8, nothing but coloured spaces. */
static ChafaSymbolMap *choose_symbols(void)
{
    ChafaSymbolMap *symbols = chafa_symbol_map_new();
    const bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    chafa_symbol_map_add_by_tags(symbols, CHAFA_SYMBOL_TAG_SPACE);
    if (utf8)
        chafa_symbol_map_add_by_tags(symbols, CHAFA_SYMBOL_TAG_SOLID | CHAFA_SYMBOL_TAG_HALF | CHAFA_SYMBOL_TAG_QUAD);
    return symbols;
}

void pv_glyphs_encode(struct pv_glyphs *glyphs, const struct pv_glyph_area *area, const uint8_t *rgba,
                      const char **text, size_t *length)
{
    const int width = area->columns * area->cell_width, height = area->rows * area->cell_height;
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    ChafaSymbolMap *symbols = choose_symbols();
    chafa_canvas_config_set_geometry(config, area->columns, area->rows);
    chafa_canvas_config_set_cell_geometry(config, area->cell_width, area->cell_height);
    chafa_canvas_config_set_canvas_mode(config, glyphs->colours);
    chafa_canvas_config_set_pixel_mode(config, mode_in(glyphs, area));
    chafa_canvas_config_set_symbol_map(config, symbols);
    chafa_canvas_config_set_preprocessing_enabled(config, FALSE); /* it stretches contrast, frame by frame */
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, rgba, width, height, 4 * width);
    if (glyphs->text)
        g_string_free(glyphs->text, TRUE);
    glyphs->text = chafa_canvas_print(canvas, glyphs->terminal);
    chafa_canvas_unref(canvas);
    chafa_symbol_map_unref(symbols);
    chafa_canvas_config_unref(config);
    *text = glyphs->text->str;
    *length = glyphs->text->len;
}

/* Kitty keeps every picture it was ever given: the ones under the cursor are removed, with their memory. */
const char *pv_glyphs_erase(const struct pv_glyphs *glyphs, const struct pv_glyph_area *area)
{
    return mode_in(glyphs, area) == CHAFA_PIXEL_MODE_KITTY ? "\033_Ga=d,d=C\033\\" : "";
}

void pv_glyphs_close(struct pv_glyphs *glyphs)
{
    if (!glyphs)
        return;
    if (glyphs->text)
        g_string_free(glyphs->text, TRUE);
    chafa_term_info_unref(glyphs->terminal);
    free(glyphs);
}
