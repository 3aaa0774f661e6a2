/* letters.c: each letter is drawn without lifting the pen, or with a blank where it is lifted, over the points of a
 * grid: a b c d e f g h i */
#include "world/letters.h"

static const char *const paths[PV_LETTERS] = {
    "gbi df", "agedba", "cagi",  "abfhga", "cagi de", "cag de", "cagife",   "ag ci df", "ac bh gi", "cfhgd",
    "ag cdi", "agi",    "gaeci", "gaic",   "aciga",   "gacfd",  "aciga ei", "gacfdi",   "cadfig",   "ac bh",
    "agic",   "ahc",    "ageic", "ai cg",  "aec eh",  "acgi",   "acfdgi",   "adf ci",
};

int pv_letter_strokes(int index, struct pv_point from[PV_LETTER_STROKES], struct pv_point to[PV_LETTER_STROKES])
{
    int count = 0;
    for (const char *p = paths[index]; p[0] && p[1]; p++) {
        if (p[0] == ' ' || p[1] == ' ')
            continue;
        from[count] = (struct pv_point){(p[0] - 'a') % 3 * 0.5 - 0.5, 0.75 - (p[0] - 'a') / 3 * 0.75};
        to[count] = (struct pv_point){(p[1] - 'a') % 3 * 0.5 - 0.5, 0.75 - (p[1] - 'a') / 3 * 0.75};
        count++;
    }
    return count;
}
